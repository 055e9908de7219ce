"""What people must be told by e-mail: the only writer of alerts.

An alert is written in the transaction of what it tells, so that neither is without the other; the
panel turns it into letters. Its key names the event: it is told once, however often it is noticed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from mailqueue.models import Alert

Kind = Alert.Kind
KEPT = timedelta(days=365)
Figures = Mapping[str, object]


def raise_once(account_id: int, kind: Kind, key: str, now: datetime, figures: Figures) -> bool:
    """Have an event told, unless it has been; return whether it was new.

    Part of the caller's transaction.
    """
    _, is_new = Alert.objects.get_or_create(
        account_id=account_id,
        kind=kind,
        key=key,
        defaults={"created_at": now, "figures": dict(figures)},
    )
    return is_new


def was_raised_since(account_id: int, kind: Kind, since: datetime) -> bool:
    """Whether such an alert of the account is younger than `since`."""
    return Alert.objects.filter(account_id=account_id, kind=kind, created_at__gt=since).exists()


def waiting(after_id: int = 0, limit: int = 100) -> list[Alert]:
    """The alerts that nobody has turned into letters yet, the oldest first, with accounts."""
    found = Alert.objects.filter(handled_at=None, pk__gt=after_id).select_related("account")
    return list(found.order_by("pk")[:limit])


def handle(alert_id: int, now: datetime) -> bool:
    """Note that an alert was told; False if it already was. Part of the caller's transaction."""
    return bool(Alert.objects.filter(pk=alert_id, handled_at=None).update(handled_at=now))


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` alerts that are older than a year; return how many."""
    old = Alert.objects.filter(created_at__lt=now - KEPT).order_by("created_at")
    return Alert.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]
