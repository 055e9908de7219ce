"""What runs learned of destinations, and how many of them there are: shared by all workers.

The only writer of `DestinationPace` and `DeliveryRun`. Several runs, on one machine or on more,
divide what a destination takes among them; each counts as long as its lease lasts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from mailqueue.models import DeliveryRun, DestinationPace
from mailqueue.pace import FORGOTTEN, Limits, Pace, allowed
from mailqueue.providers import OTHERS, PROVIDERS
from mailqueue.queue import storable

LONGEST_WORDS = 1000


def paces(now: datetime) -> dict[str, Pace]:
    """What is remembered of destinations that do not go at their usual pace."""
    rows = {row.name: _pace(row) for row in DestinationPace.objects.all()}
    stale = [name for name, pace in rows.items() if pace.is_stale(now)]
    if stale:
        DestinationPace.objects.filter(name__in=stale, wait_until__lt=now - FORGOTTEN).delete()
    return {name: pace for name, pace in rows.items() if name not in stale}


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


def slowed() -> QuerySet[DestinationPace]:
    """The destinations that do not go at their usual pace, the longest slowed first."""
    return DestinationPace.objects.order_by("slowed_at", "pk")


def limits_of(name: str, servers: Sequence[str] = ()) -> Limits:
    """What a destination is given at its usual pace: by the setting PACE, or as its provider.

    Entries of the setting name it, or a server of it, or the end of such a name.
    """
    # A strange port may stand behind the name.
    host, _, port = name.rpartition(":")
    bare = host if port.isdigit() and ":" not in host else name
    names = [one.lower() for one in (bare, *servers)]
    for key, connections, messages, per_minute in settings.PACE:
        if key == "*" and any(provider.name == name for provider in PROVIDERS):
            continue
        if key == "*" or any(f".{one}".endswith(f".{key}") for one in names):
            return Limits(connections, messages, per_minute)
    return next((one.limits for one in PROVIDERS if one.name == name), OTHERS)


def given_to(row: DestinationPace) -> Limits:
    """What a slowed destination is given now, all runs together."""
    return allowed(limits_of(row.name), _pace(row))


def _merged(stored: Pace, before: Pace, now: Pace) -> Pace:
    if _figures(stored) == _figures(before):
        return now
    if stored.is_usual:
        return now if now.strikes > before.strikes else stored
    # Somebody else learned too: the slower is believed.
    return min(stored, now, key=lambda pace: (pace.is_usual, pace.share, -pace.strikes))


def _figures(pace: Pace) -> tuple[int, int, datetime | None]:
    return pace.share, pace.strikes, pace.wait_until


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
