"""What workers learned of Rspamd and ClamAV: shared by them, shown to administrators, and told.

The only writer of `EngineState`; `relay.engines` asks the engines. One row for each engine and
machine, whatever goes through.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from mailqueue import alerts
from mailqueue.models import EngineState

# All ours. Administrators are told of what is away as long as that, and still was a while ago.
TOLD_AFTER = timedelta(minutes=15)
HEARD_WITHIN = timedelta(minutes=10)
# A machine that is gone leaves its rows behind.
KEPT = timedelta(days=1)
LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Known:
    """What one machine knows of an engine; the fields are those of its row."""

    is_answering: bool
    since: datetime
    asked_at: datetime
    judged_at: datetime | None = None
    words: str = ""
    failures: int = 0
    rests: int = 0
    rest_until: datetime | None = None
    answers: int = 0
    mean_ms: float = 0.0
    missed: int = 0

    def after(self, now: datetime, *, is_answering: bool, words: str = "") -> "Known":
        """The same, asked again at `now`. A change of state begins a new time."""
        known = replace(self, asked_at=now, words=words or self.words)
        if is_answering is self.is_answering:
            return known
        # What went unseen is kept until the next failure: it is told beside "answers again".
        missed = known.missed if is_answering else 0
        return replace(known, is_answering=is_answering, since=now, missed=missed)


def set_up() -> list[str]:
    """The names of the engines that the settings have."""
    addresses = {
        EngineState.Name.RSPAMD: settings.RSPAMD,
        EngineState.Name.CLAMAV: settings.CLAMD,
    }
    return [name.value for name, address in addresses.items() if address is not None]


def load(node: str) -> dict[str, Known]:
    """What a machine knows, by the name of the engine."""
    return {row.name: _known(row) for row in EngineState.objects.filter(node=node)}


def keep(node: str, known: dict[str, Known]) -> None:
    """Write what a machine learned."""
    with transaction.atomic():
        for name in sorted(known):
            one = known[name]
            values = {
                "is_answering": one.is_answering,
                "since": one.since,
                "asked_at": one.asked_at,
                "judged_at": one.judged_at,
                "words": one.words.replace("\0", "")[:LONGEST_WORDS],
                "failures": min(one.failures, 1000),
                "rests": min(one.rests, 1000),
                "rest_until": one.rest_until,
                "answers": one.answers,
                "mean_ms": one.mean_ms,
                "missed": one.missed,
            }
            EngineState.objects.update_or_create(name=name, node=node, defaults=values)


def rows() -> Sequence[EngineState]:
    """All that is known of the engines of the settings, and of our own rules once they failed."""
    names = [*set_up(), EngineState.Name.RULES]
    return list(EngineState.objects.filter(name__in=names).order_by("name", "node"))


def away(now: datetime) -> list[EngineState]:
    """What did not answer when it was last asked, not long ago; the longest away first."""
    return sorted(
        (row for row in rows() if not row.is_answering and row.asked_at > now - HEARD_WITHIN),
        key=lambda row: row.since,
    )


def tell(system_account_id: int, now: datetime) -> int:
    """Raise an alert for each engine that has been away for long; return how many.

    Once for each time that it is away, on however many machines. The alerts are the system
    account's: they concern the house.
    """
    raised = 0
    for name, since, row in _first_of_each(away(now)):
        if since > now - TOLD_AFTER:
            continue
        figures = {
            "engine": EngineState.Name(name).label,
            "since": since.isoformat(),
            "words": row.words,
            "missed": row.missed,
        }
        key = f"{name} {since:%Y%m%d%H%M%S}"
        raised += alerts.raise_once(system_account_id, alerts.Kind.ENGINE, key, now, figures)
    return raised


def _first_of_each(found: Iterable[EngineState]) -> list[tuple[str, datetime, EngineState]]:
    first: dict[str, EngineState] = {}
    for row in found:
        first.setdefault(row.name, row)
    return [(name, row.since, row) for name, row in first.items()]


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` rows of machines that have asked nothing for a day; return how many."""
    old = EngineState.objects.filter(asked_at__lt=now - KEPT).order_by("pk")
    return EngineState.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:limit])
    ).delete()[0]


def _known(row: EngineState) -> Known:
    return Known(
        row.is_answering,
        row.since,
        row.asked_at,
        row.judged_at,
        row.words,
        row.failures,
        row.rests,
        row.rest_until,
        row.answers,
        row.mean_ms,
        row.missed,
    )
