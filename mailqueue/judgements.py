"""What screening made of messages: kept where much was found, and counted rule by rule.

Owns the rows of judgements and the counts of rules; what became of the message is for `queue`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from mailqueue import statements
from mailqueue.behaviour import Sighting
from mailqueue.models import AccountRule, HostingAccount, Judgement, RuleCount, Screening
from mailqueue.screening import THRESHOLD, Finding, Verdict

# A message is told of where its findings come to half of what makes spam. Ours.
KEPT_FROM = THRESHOLD / 2
# Of one message; the heaviest are kept.
MOST_FINDINGS = 40
LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Judged:
    """A message and what screening made of it.

    `recipients` is how many it has. With `holds` it is held if it is spam, else only noted.
    `sighting` is what its sender's behaviour is counted by, if that was looked at.
    """

    message_id: int
    account_id: int
    verdict: Verdict
    recipients: int
    script: str = ""
    folder: str = ""
    origin: str = ""
    holds: bool = True
    sighting: Sighting | None = None

    @property
    def is_held(self) -> bool:
        """Whether it is not to go out."""
        return self.holds and self.verdict.is_spam


def mode_of(account: HostingAccount) -> Screening:
    """What becomes of an account's mail that is judged spam: its own rule, else the house's."""
    return mode(account.screening, is_system=account.is_system)


def mode(own: str, *, is_system: bool) -> Screening:
    """Likewise, of what the account's row says. The panel's own letters are never looked at."""
    return Screening.OFF if is_system else Screening(own or settings.SCREENING)


def keep(judged: Sequence[Judged], now: datetime) -> None:
    """Keep what was found in messages, each of which is judged for the first time.

    Part of the caller's transaction.
    """
    told = [one for one in judged if one.verdict.is_spam or one.verdict.score >= KEPT_FROM]
    Judgement.objects.bulk_create([_row(one, now) for one in told])
    _count(judged, now)
    _count_for_accounts(told)


def has_malware(account_id: int, since: datetime) -> bool:
    """Whether a message of the account was found to hold malware since then, and is not wanted."""
    found = Judgement.objects.filter(account_id=account_id, judged_at__gte=since, wanted_at=None)
    return found.filter(is_spam=True, has_malware=True).exists()


def forget(message_ids: Collection[int], address: str) -> None:
    """Take what was found out of judgements that quote an address; the scores stay.

    Part of the caller's transaction.
    """
    for row in Judgement.objects.filter(pk__in=message_ids):
        if address.lower() in str(row.findings).lower():
            Judgement.objects.filter(pk=row.pk).update(findings=[])


def _row(one: Judged, now: datetime) -> Judgement:
    verdict = one.verdict
    return Judgement(
        message_id=one.message_id,
        account_id=one.account_id,
        judged_at=now,
        score=verdict.score,
        is_spam=verdict.is_spam,
        has_malware=verdict.has_malware,
        findings=[_told(finding) for finding in verdict.findings[:MOST_FINDINGS]],
    )


def _told(finding: Finding) -> Mapping[str, Any]:
    return {
        "rule": finding.rule,
        "score": finding.score,
        "where": finding.where,
        "details": {name: _clean(text) for name, text in finding.details.items()},
        "weight": finding.weight,
    }


def _clean(text: str) -> str:
    """What both databases can store in JSON: no NUL, no lone surrogate, not too long."""
    return text[:LONGEST_DETAIL].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def _count(judged: Sequence[Judged], now: datetime) -> None:
    """Count the rules that fired, and those that did in spam, each once in a message."""
    fired: Counter[str] = Counter()
    convicted: Counter[str] = Counter()
    for one in judged:
        rules = {finding.rule for finding in one.verdict.findings}
        fired.update(rules)
        if one.verdict.is_spam:
            convicted.update(rules)
    table = RuleCount._meta.db_table
    day = now.astimezone(UTC).date().isoformat()
    # In one order: two workers must not wait for each other.
    statements.run_each(
        f"INSERT INTO {table} (rule, day, fired, convicted, overruled) "  # noqa: S608
        "VALUES (%s, %s, %s, %s, 0) ON CONFLICT (day, rule) DO UPDATE SET "
        f"fired = {table}.fired + excluded.fired, "
        f"convicted = {table}.convicted + excluded.convicted",
        [(rule, day, number, convicted[rule]) for rule, number in sorted(fired.items())],
    )


def _count_for_accounts(told: Sequence[Judged]) -> None:
    """Count the rules that fired in what is told of, by account."""
    fired = Counter(
        (one.account_id, rule)
        for one in told
        for rule in {finding.rule for finding in one.verdict.findings}
    )
    table = AccountRule._meta.db_table
    statements.run_each(
        f"INSERT INTO {table} (account_id, rule, weight, fired, overruled, changed_by) "  # noqa: S608
        "VALUES (%s, %s, 1.0, %s, 0, '') ON CONFLICT (account_id, rule) DO UPDATE SET "
        f"fired = {table}.fired + excluded.fired",
        [(account_id, rule, number) for (account_id, rule), number in sorted(fired.items())],
    )
