"""What screening is told beside the message, and what it answers. Pure values."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Ours. A message whose findings add up to this is judged spam.
THRESHOLD = 5.0
# Names and words of strangers, as findings quote them.
LONGEST_DETAIL = 120
# Everything that could break a line or turn its direction on a page or in a log.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that a message met.

    `rule` is an id of the catalogue, `score` what it adds after weights. `where` names the place:
    "subject", "header", "text", "html", "link", "attachment", "message" or "history". `details`
    fill the placeholders of the rule's words; they quote strangers, so a page must escape them.
    `weight` is what the score was multiplied with by the `Context`.
    """

    rule: str
    score: float
    where: str
    details: Mapping[str, str] = field(default_factory=dict)
    weight: float = 1.0

    @property
    def about(self) -> str:
        """What in the message it is about, in one line; "" if there is nothing to quote."""
        return self.details.get("what", "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the findings come down to; `findings` has the heaviest first.

    `has_malware` says that it holds what one message is enough for (one message blocks).
    """

    is_spam: bool
    score: float
    findings: tuple[Finding, ...]
    has_malware: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of a reputation list: its zone, the address or host asked for, the reply's IP."""

    zone: str
    asked: str
    answer: str


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside the message; nothing here is looked up by screening itself.

    `own_domains` are the account's: links to them are its own. `added` names the header fields, in
    lower case, that the relay completed, which are never held against the message. `recipients`
    are the envelope's. Hosts are in lower case: `dead_hosts` have no address,
    `hosts_without_https` answered no TLS handshake. `listings` are answers of reputation lists.
    `weights` multiply what a rule adds for this account: 0 switches it off. `observed` are findings
    made elsewhere, as those of `patterns`.
    """

    own_domains: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    recipients: tuple[str, ...] = ()
    dead_hosts: frozenset[str] = frozenset()
    hosts_without_https: frozenset[str] = frozenset()
    listings: tuple[Listing, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    observed: tuple[Finding, ...] = ()
    threshold: float = THRESHOLD


def kept(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Findings as the rows of judgements and of cases keep them: objects, the heaviest first."""
    return [
        Finding(
            str(row["rule"]),
            float(row["score"]),
            str(row["where"]),
            row.get("details") or {},
            float(row.get("weight", 1.0)),
        )
        for row in rows
    ]


def quoted(text: str) -> str:
    """Foreign text as a finding quotes it: one line, without invisible signs, clipped."""
    line = " ".join(_UNPRINTABLE.sub(" ", text[: 8 * LONGEST_DETAIL]).split())
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"
