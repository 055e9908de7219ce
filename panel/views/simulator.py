"""The mailbox of the built-in simulator, for administrators: what would have left the machine."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render

from mailqueue.models import SimulatedMessage
from panel.access import SignedInRequest, administrators_only, only, signed_in
from panel.forms import ListForm

PER_PAGE = 25
# A page shows this many bytes of a message: more of it is attachments.
SHOWN_BYTES = 65_536


@only("GET")
@signed_in
@administrators_only
def mailbox(request: SignedInRequest) -> HttpResponse:
    """The messages, the newest first."""
    form = ListForm(request.GET)
    form.is_valid()
    messages = SimulatedMessage.objects.defer("content").order_by("-pk")
    page = Paginator(messages, PER_PAGE).get_page(form.cleaned_data.get("page") or 1)
    return render(request, "simulator/mailbox.html", {"section": "simulator", "found": page})


@only("GET")
@signed_in
@administrators_only
def message(request: SignedInRequest, pk: int) -> HttpResponse:
    """One message as the other side would have got it, as text."""
    found = SimulatedMessage.objects.filter(pk=pk).first()
    if found is None:
        raise Http404
    text = bytes(found.content[:SHOWN_BYTES]).decode("utf-8", "replace")
    return render(
        request,
        "simulator/message.html",
        {
            "section": "simulator",
            "message": found,
            "text": text.replace("\0", "\N{REPLACEMENT CHARACTER}"),
            "is_cut": len(found.content) > SHOWN_BYTES,
        },
    )
