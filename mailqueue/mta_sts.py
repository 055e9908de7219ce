"""The MTA-STS policies that we know, kept over restarts; `relay.mta_sts` fetches and obeys them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from mailqueue.models import MtaStsPolicy


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy as it was fetched: mode "enforce", "testing" or "none", and the servers it names."""

    policy_id: str
    mode: str
    servers: tuple[str, ...]
    fetched_at: datetime
    expires_at: datetime


def load(domain: str, now: datetime) -> Kept | None:
    """The policy of a domain in A-labels, unless there is none or its time is over."""
    row = MtaStsPolicy.objects.filter(domain=domain, expires_at__gt=now).first()
    if row is None:
        return None
    return Kept(row.policy_id, row.mode, tuple(row.servers), row.fetched_at, row.expires_at)


def keep(domain: str, kept: Kept) -> None:
    """Write down a policy that was fetched, in place of an older one."""
    with transaction.atomic():
        MtaStsPolicy.objects.update_or_create(
            domain=domain,
            defaults={
                "policy_id": kept.policy_id,
                "mode": kept.mode,
                "servers": list(kept.servers),
                "fetched_at": kept.fetched_at,
                "expires_at": kept.expires_at,
            },
        )


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` policies whose time is over; say how many."""
    over = MtaStsPolicy.objects.filter(expires_at__lte=now).order_by("expires_at")
    domains = list(over.values_list("pk", flat=True)[:limit])
    with transaction.atomic():
        return MtaStsPolicy.objects.filter(pk__in=domains, expires_at__lte=now).delete()[0]
