"""What runs learned of destinations, and how many of them there are: shared by all workers.

The only writer of `DestinationPace` and `DeliveryRun`. Several runs, on one machine or on more,
divide what a destination takes among them; each counts as long as its lease lasts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from mailqueue.models import DeliveryRun, DestinationPace
from mailqueue.pace import Pace
from mailqueue.queue import storable

LONGEST_WORDS = 1000


def paces() -> dict[str, Pace]:
    """What is remembered of destinations that do not go at their usual pace."""
    return {row.name: _pace(row) for row in DestinationPace.objects.all()}


def keep(changes: Mapping[str, tuple[Pace, Pace]], waiting: Mapping[str, int]) -> dict[str, Pace]:
    """Write what a run learned: for each destination, what it knew and what it knows now.

    Returns what is so afterwards: of two runs that were told to slow down the slower is believed,
    and a pace that somebody set back to the usual meanwhile stays there unless it was slowed since.
    """
    after: dict[str, Pace] = {}
    with transaction.atomic():
        found = DestinationPace.objects.select_for_update().filter(name__in=changes)
        rows = {row.name: row for row in found.order_by("name")}
        for name in sorted(changes):
            before, pace = changes[name]
            row = rows.get(name)
            pace = _merged(_pace(row) if row else Pace(), before, pace)
            after[name] = pace
            _write(name, pace, waiting.get(name, 0))
    return after


def resume(pk: int) -> str | None:
    """Give a destination its usual pace again, at once; its name, or None if there is none."""
    with transaction.atomic():
        row = DestinationPace.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return None
        row.delete()
        return row.name


def join(token: str, now: datetime, until: datetime) -> int:
    """Count a run among those that deliver, until its lease is over; how many there are."""
    with transaction.atomic():
        DeliveryRun.objects.filter(lease_until__lte=now).exclude(token=token).delete()
        DeliveryRun.objects.update_or_create(token=token, defaults={"lease_until": until})
        return DeliveryRun.objects.count()


def leave(token: str) -> None:
    """Count a run no more."""
    DeliveryRun.objects.filter(token=token).delete()


def slowed() -> Iterable[DestinationPace]:
    """The destinations that do not go at their usual pace, those that wait longest first."""
    return DestinationPace.objects.order_by("slowed_at", "pk")


def _merged(stored: Pace, before: Pace, now: Pace) -> Pace:
    if stored == before or now.strikes > before.strikes and stored.is_usual:
        return now
    if stored.is_usual:
        return stored
    # Somebody else learned too: the slower, and the longer rest.
    slowest = min(stored, now, key=lambda pace: (pace.is_usual, pace.share, -pace.strikes))
    return slowest


def _pace(row: DestinationPace) -> Pace:
    return Pace(row.share, row.strikes, row.slowed_at, row.wait_until, row.words)


def _write(name: str, pace: Pace, waiting: int) -> None:
    if pace.slowed_at is None:
        DestinationPace.objects.filter(name=name).delete()
        return
    values = {
        "share": pace.share,
        "strikes": pace.strikes,
        "slowed_at": pace.slowed_at,
        "wait_until": pace.wait_until,
        "words": storable(pace.words, LONGEST_WORDS),
        "waiting": waiting,
    }
    DestinationPace.objects.update_or_create(name=name, defaults=values)
