"""Where somebody stands on the page « Scripts emails »: what of its long parts is shown.

Kept in the address, so that links, the way back and the fragment that follows by itself agree.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.http import urlencode

from mailqueue.history import Period
from panel.forms import PlaceForm


@dataclass(frozen=True, slots=True)
class Place:
    """The queue after a recipient, changes of state before one, the chart of a period or day."""

    after: int | None = None
    earlier: int | None = None
    period: Period = Period.MONTH
    day: date | None = None

    @property
    def query(self) -> str:
        """What of it belongs into an address; nothing where the page begins."""
        values = {
            "after": self.after,
            "earlier": self.earlier,
            "period": None if self.period is Period.MONTH else self.period.value,
            "day": None if self.day is None else self.day.isoformat(),
        }
        return urlencode({name: value for name, value in values.items() if value is not None})

    def but(self, **changes: Any) -> "Place":
        """The same place with something else in it."""
        return replace(self, **changes)


def read(values: QueryDict) -> Place:
    """The place that an address tells."""
    form = PlaceForm(values)
    form.is_valid()
    told = form.cleaned_data
    return Place(
        after=told.get("after"),
        earlier=told.get("earlier"),
        period=told.get("period") or Period.MONTH,
        day=told.get("day"),
    )
