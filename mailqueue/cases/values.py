"""What stands in the columns of a case and of a judgement, as values; and the other way round."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailqueue.models import Message
from mailqueue.screening import Finding
from mailqueue.scripts import key_of

# A case tells the rules that weigh most, and the scripts that sent most: more is no evidence.
MOST_RULES = 40
MOST_SCRIPTS = 10


@dataclass(frozen=True, slots=True)
class MetRule:
    """A rule that messages of a case met.

    `number` of them did, and it added `score` to all of them together. `details` are those of its
    heaviest finding, with which its advice is told; they quote strangers.
    """

    rule: str
    number: int
    score: float
    where: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """What it added to each message that met it."""
        return self.score / self.number if self.number else 0.0

    def written(self) -> dict[str, Any]:
        """As it stands in its column."""
        return {
            "rule": self.rule,
            "number": self.number,
            "score": round(self.score, 2),
            "where": self.where,
            "details": dict(self.details),
        }


@dataclass(frozen=True, slots=True)
class ScriptShare:
    """A script, as far as scripts tell, and how many of the messages of a case came from it.

    `key` is what it is known by among the scripts of its account (see `mailqueue.scripts`).
    """

    name: str
    folder: str
    number: int
    key: str = ""


def findings(written: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """What was found in a message, as it stands in its column."""
    return [
        Finding(row["rule"], row["score"], row["where"], row.get("details", {})) for row in written
    ]


def met_rules(written: Iterable[Mapping[str, Any]]) -> list[MetRule]:
    """The rules of a case, as they stand in their column."""
    return [MetRule(**row) for row in written]


def scripts(written: Iterable[Mapping[str, Any]]) -> list[ScriptShare]:
    """The scripts of a case, as they stand in their column."""
    return [ScriptShare(**row) for row in written]


def summed(messages: Iterable[Sequence[Finding]]) -> list[MetRule]:
    """The rules that the findings of messages come down to, the heaviest first."""
    numbers: Counter[str] = Counter()
    scores: dict[str, float] = defaultdict(float)
    heaviest: dict[str, Finding] = {}
    for found in messages:
        numbers.update({finding.rule for finding in found})
        for finding in found:
            scores[finding.rule] += finding.score
            known = heaviest.get(finding.rule)
            if known is None or finding.score > known.score:
                heaviest[finding.rule] = finding
    made = [
        MetRule(rule, number, scores[rule], heaviest[rule].where, heaviest[rule].details)
        for rule, number in numbers.items()
    ]
    return sorted(made, key=lambda one: (-one.score, one.rule))[:MOST_RULES]


def shares(messages: Iterable[Message]) -> list[ScriptShare]:
    """The scripts that messages came from, the busiest first; those that tell none are left out."""
    told = Counter(
        (
            message.script,
            message.folder,
            key_of(message.script, message.folder, message.origin),
        )
        for message in messages
        if message.script or message.folder
    )
    ordered = sorted(told.items(), key=lambda item: (-item[1], item[0]))
    return [
        ScriptShare(name, folder, number, key)
        for (name, folder, key), number in ordered[:MOST_SCRIPTS]
    ]
