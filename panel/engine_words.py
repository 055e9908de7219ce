"""What the dashboard says of the engines that look at mail: Rspamd and ClamAV.

Owns the words; what was learned of them comes from `mailqueue.engines`.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from mailqueue import engines
from mailqueue.models import EngineState
from panel import wording


@dataclass(frozen=True, slots=True)
class Line:
    """An engine as one machine sees it; `state` is "ok", "away" or "unknown"."""

    name: str
    node: str
    state: str
    word: str
    # Since when, or why not; may quote the engine.
    seen: str = ""
    quoted: str = ""
    answers: int = 0
    mean_ms: float | None = None
    missed: int = 0


def all_of(now: datetime) -> list[Line]:
    """A line for each engine of the settings and each machine that asks it; and for our own rules,
    where they failed.
    """
    rows = engines.rows()
    lines = []
    for name in engines.set_up():
        label = EngineState.Name(name).label
        found = [_line(label, row, now) for row in rows if row.name == name]
        lines += found or [Line(label, "", "unknown", _("Not asked yet"))]
    ours = EngineState.Name.RULES
    return lines + [_line(str(ours.label), row, now) for row in rows if row.name == ours]


def _line(label: str, row: EngineState, now: datetime) -> Line:
    values = {"moment": wording.moment(row.since, now)}
    mean_ms = row.mean_ms if row.answers else None
    if row.asked_at < now - engines.HEARD_WITHIN:
        asked = {"moment": wording.moment(row.asked_at, now)}
        state, word = "unknown", _("Not known")
        seen = _("It was last asked %(moment)s.") % asked
        return Line(label, row.node, state, word, seen, answers=row.answers, mean_ms=mean_ms)
    if row.is_answering:
        seen = _("It began %(moment)s.") % values
        return Line(label, row.node, "ok", _("Answers"), seen, answers=row.answers, mean_ms=mean_ms)
    return Line(
        label,
        row.node,
        "away",
        _("Does not answer"),
        _("It stopped %(moment)s.") % values,
        row.words,
        row.answers,
        mean_ms,
        row.missed,
    )
