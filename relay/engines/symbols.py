"""What Rspamd's report comes down to: one finding, or none. Pure.

Its score counts by its share of the score from which it refuses mail: refused is the whole weight
of the rule, which is no verdict by itself; less than a fifth is nothing. Symbols about the way a
message came in are taken out again, whatever profile its settings have: ours has not gone yet.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from mailqueue.screening import RULES, Finding
from mailqueue.screening.verdicts import quoted
from relay.engines.exchange import NoAnswer

# Rspamd's own, where its answer does not say.
REFUSED_FROM = 15.0
LEAST_SHARE = 0.2
# More are not looked at; usual reports have about twenty.
MOST_SYMBOLS = 1000
MOST_NAMED = 5
_HIGHEST = 1000.0

# Symbols of an envelope and a moment that are ours: the scripts' own envelope sender, recipients in
# Bcc, mail that was held for days.
OF_ENVELOPE = frozenset(
    {
        "DATE_IN_PAST",
        "ENVFROM_SERVICE_ACCT",
        "FORGED_RECIPIENTS",
        "FORGED_SENDER",
        "FROM_SERVICE_ACCT",
        "ONCE_RECEIVED",
        "ONCE_RECEIVED_STRICT",
        "RDNS_NONE",
    }
)
# Symbols of a client that brought it, of its SPF, DKIM and DMARC, and of lists of addresses.
_OF_ARRIVAL = re.compile(
    r"(?:R_)?(?:SPF|DKIM|DMARC|ARC)_|VIOLATED_DIRECT_SPF|AUTH_NA|HFILTER_|RDNS_|RBL_|RCVD_|RECEIVED_"
    r"|MAILSPIKE|SPAMHAUS_(?!ZEN_URIBL)|BLOCKLISTDE|SENDERSCORE|DNSWL_|IP_(?:SCORE|REPUTATION)|ASN"
    r"|GREYLIST|RATELIMIT"
)


def findings(raw: bytes) -> Sequence[Finding]:
    """The finding of a report of /checkv2. Raises NoAnswer if it is none."""
    report = _parsed(raw)
    named = report.get("symbols")
    action = report.get("action")
    if not isinstance(named, dict) or not isinstance(action, str):
        raise NoAnswer("its answer is no report")
    threshold = _number(report.get("required_score"))
    if threshold < 1:
        threshold = REFUSED_FROM
    score = _number(report.get("score"))
    scores = _scores(named)
    ours = sum(value for name, value in scores.items() if _is_ours(name))
    # A rule of its administrators may refuse without a score.
    share = 1.0 if action == "reject" and score < threshold else (score - ours) / threshold
    if share < LEAST_SHARE:
        return ()
    details = {
        "what": _told(scores) or quoted(action),
        "score": f"{score - ours:.1f}",
        "most": f"{threshold:.1f}",
    }
    weight = RULES["rspamd"].weight
    return (Finding("rspamd", round(weight * min(1.0, share), 2), "message", details),)


def _parsed(raw: bytes) -> Mapping[str, Any]:
    try:
        report = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NoAnswer("its answer is no JSON") from error
    if not isinstance(report, dict):
        raise NoAnswer("its answer is no report")
    return report


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _scores(named: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for name, symbol in list(named.items())[:MOST_SYMBOLS]:
        score = _number(symbol.get("score")) if isinstance(symbol, dict) else 0.0
        if score:
            found[name] = score
    return found


def _is_ours(name: str) -> bool:
    return name in OF_ENVELOPE or _OF_ARRIVAL.match(name) is not None


def _told(scores: Mapping[str, float]) -> str:
    """The names that count most, with what each adds, in one line."""
    counted = [(-value, name) for name, value in scores.items() if value > 0 and not _is_ours(name)]
    return quoted(
        ", ".join(f"{name[:60]} {-value:.1f}" for value, name in sorted(counted)[:MOST_NAMED])
    )


def _number(value: object) -> float:
    """A finite number within bounds; 0 for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    if isinstance(value, float) and not math.isfinite(value):
        return 0.0
    return float(max(-_HIGHEST, min(_HIGHEST, value)))
