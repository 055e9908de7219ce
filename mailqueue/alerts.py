"""What people must be told by e-mail: the only writer of alerts.

An alert is written in the transaction of what it tells, so that neither is without the other; the
panel turns it into letters. Its key names the event: it is told once, however often it is noticed.

Events that nobody causes, such as held mail that is about to expire, are looked for by a task.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from mailqueue.models import AccountTotals, Alert
from mailqueue.policy import EXPIRY_WARNING
from mailqueue.walks import Index, along

Kind = Alert.Kind
KEPT = timedelta(days=365)
# An owner is told of mail that is about to expire once in this time, however much there is.
BETWEEN_WARNINGS = timedelta(hours=24)
Figures = Mapping[str, object]


def raise_once(account_id: int, kind: Kind, key: str, now: datetime, figures: Figures) -> bool:
    """Have an event told, unless it has been; return whether it was new.

    Part of the caller's transaction, if it has one; only what is new begins one of its own.
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


def note_expiring(now: datetime, limit: int = 1000) -> int:
    """Raise an alert for each account with held mail that expires soon; return how many.

    Reads the first rows of each queue and counts up to `limit` of them: the cost does not grow
    with what is held.
    """
    told = Alert.objects.filter(
        account=OuterRef("account"),
        kind=Kind.EXPIRING,
        created_at__gt=now - BETWEEN_WARNINGS,
    )
    holding = AccountTotals.objects.filter(~Exists(told), held__gt=0, account__is_system=False)
    raised = 0
    for account_id in holding.order_by("pk").values_list("pk", flat=True):
        figures = _expiring(account_id, now, limit)
        # Two tasks at once name the same day, so one of them raises nothing.
        if figures and raise_once(account_id, Kind.EXPIRING, f"{now:%Y-%m-%d}", now, figures):
            raised += 1
    return raised


def _expiring(account_id: int, now: datetime, limit: int) -> Figures:
    """How much of an account's held mail expires soon, and when the first does; empty for none.

    What is held longest expires first: nobody's deadline is later than that of mail which came
    after it, unless it was released and is due within a day anyhow. Only where the time that mail
    is held was made shorter does the newest expire first; so that end is looked at too.
    """
    for is_back in (False, True):
        held = along(Index.HELD, account_id, is_back=is_back)
        deadlines = list(held.values_list("deadline", flat=True)[: limit + 1])
        soon = [moment for moment in deadlines if now < moment <= now + EXPIRY_WARNING]
        if soon:
            return {
                "number": min(len(soon), limit),
                "until": min(soon).isoformat(),
                "is_more": len(deadlines) > limit and deadlines[-1] <= now + EXPIRY_WARNING,
            }
    return {}


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` alerts that are older than a year; return how many."""
    old = Alert.objects.filter(created_at__lt=now - KEPT).order_by("created_at")
    return Alert.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def forget(account_id: int, address: str) -> None:
    """Take an address out of what is told of an account. Part of the caller's transaction."""
    for alert in Alert.objects.filter(account_id=account_id, kind=Kind.BLOCKED).order_by("pk"):
        figures = without(alert.figures, address)
        if figures is not None:
            alert.figures = figures
            alert.save(update_fields=["figures"])


def without(figures: Figures, address: str) -> dict[str, object] | None:
    """Figures without the samples to an address, in any case; None if there are none."""
    samples = figures.get("samples")
    if not isinstance(samples, list):
        return None
    kept = [one for one in samples if str(one.get("address", "")).lower() != address.lower()]
    return None if len(kept) == len(samples) else {**figures, "samples": kept}
