"""« Destinations »: who takes mail more slowly than usual, or not at all, for administrators."""

from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import destinations
from mailqueue.models import DestinationPace
from mailqueue.pace import USUAL
from panel import audit, wording
from panel.access import SignedInRequest, administrators_only, only, signed_in
from panel.forms import ListForm

PER_PAGE = 50


@only("GET")
@signed_in
@administrators_only
def page(request: SignedInRequest) -> HttpResponse:
    """The destinations that do not go at their usual pace, the longest slowed first."""
    form = ListForm(request.GET)
    form.is_valid()
    found = Paginator(destinations.slowed(), PER_PAGE).get_page(form.cleaned_data.get("page") or 1)
    now = timezone.now()
    context = {
        "section": "destinations",
        "found": found,
        "rows": [_row(row, now) for row in found],
    }
    return render(request, "destinations/page.html", context)


@only("POST")
@signed_in
@administrators_only
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give a destination its usual pace again, at once."""
    with transaction.atomic():
        name = destinations.resume(pk)
        if name is not None:
            audit.note(request, audit.Action.RESUME_PACE, target=name)
    if name is None:
        messages.info(request, _("This destination goes at its usual pace already."))
    else:
        messages.success(
            request, _("%(name)s is sent to at the usual pace again.") % {"name": name}
        )
    return redirect("destinations")


def _row(row: DestinationPace, now: datetime) -> dict[str, object]:
    """A destination, and what it is given now."""
    return {
        "row": row,
        "given": destinations.given_to(row),
        "since": wording.moment(row.slowed_at, now),
        # It could not be reached; it takes what it is given.
        "is_away": row.share == USUAL,
        "rests_for": wording.duration(row.wait_until - now)
        if row.wait_until and row.wait_until > now
        else "",
    }
