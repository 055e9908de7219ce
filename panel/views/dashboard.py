"""« Tableau de bord »: the whole house at a glance, for administrators."""

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from mailqueue import house_overview
from mailqueue.states import State
from panel import engine_words, list_words, wording
from panel.access import SignedInRequest, administrators_only, only, signed_in


@only("GET")
@signed_in
@administrators_only
def page(request: SignedInRequest) -> HttpResponse:
    """States, the day's figures, the last 24 hours, the largest senders, open reviews."""
    now = timezone.now()
    seen = house_overview.at(now)
    with timezone.override(ZoneInfo(seen.time_zone)):
        names = wording.bar_names(seen.history)
        context = {
            "section": "dashboard",
            "engines": engine_words.all_of(now),
            "lists": list_words.all_of(now),
            "asks_for_own": list_words.own_addresses(),
            "seen": seen,
            "states": [
                {"state": state, "word": wording.state_word(state), "number": number}
                for state, number in seen.states.items()
            ],
            "chart": {
                "caption": wording.caption(seen.history),
                "span": wording.span(seen.history),
                "is_by_hour": True,
                "rows": [
                    {"bar": bar, **name} for bar, name in zip(seen.history.bars, names, strict=True)
                ],
            },
            "awaiting": [
                {
                    "account": row.account,
                    "word": wording.state_word(State(row.account.state)),
                    "stated_at": row.stated_at,
                    "moment": wording.moment(row.stated_at, now) if row.stated_at else "",
                }
                for row in seen.awaiting
            ],
        }
        return render(request, "dashboard/page.html", context)
