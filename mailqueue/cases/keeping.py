"""A case from its opening until it is deleted with age."""

from dataclasses import asdict
from datetime import datetime, timedelta

import zstandard

from mailqueue.cases.gathering import Evidence
from mailqueue.models import CaseSample, HostingAccount, SpamCase, StateChange

KEPT = timedelta(days=365)


def open_case(
    account: HostingAccount, change: StateChange, evidence: Evidence, now: datetime
) -> SpamCase:
    """Open the case of a stop. Part of the caller's transaction, which has the account locked.

    One that is still open, since a purge that left the service stopped, ends with it.
    """
    close(account.pk, change.actor, now)
    case = SpamCase.objects.create(
        account=account,
        change=change,
        opened_at=now,
        looked_at=evidence.looked_at,
        rules=[rule.written() for rule in evidence.rules],
        scripts=[asdict(share) for share in evidence.scripts],
    )
    for sample in evidence.samples:
        sample.case = case
    CaseSample.objects.bulk_create(evidence.samples)
    return case


def close(account_id: int, actor: str, now: datetime) -> None:
    """End the open case of an account, if it has one: its service is delivering again.

    Part of the caller's transaction, which has the account locked.
    """
    SpamCase.objects.filter(account_id=account_id, closed_at=None).update(
        closed_at=now, closed_by=actor
    )


def open_of(account_id: int) -> SpamCase | None:
    """The open case of an account, with it, if it has one."""
    found = SpamCase.objects.filter(account_id=account_id, closed_at=None)
    return found.select_related("account").first()


def content_of(sample: CaseSample) -> bytes | None:
    """The first bytes of the message that a sample is of; None if they are not kept."""
    if sample.content is None:
        return None
    return zstandard.ZstdDecompressor().decompress(bytes(sample.content))


def prune(now: datetime, limit: int = 100) -> int:
    """Delete up to `limit` cases that were opened over a year ago and have ended; return how many.

    Their samples go with them.
    """
    old = SpamCase.objects.filter(opened_at__lt=now - KEPT, closed_at__isnull=False)
    numbers = list(old.order_by("opened_at").values_list("pk", flat=True)[:limit])
    SpamCase.objects.filter(pk__in=numbers).delete()
    return len(numbers)
