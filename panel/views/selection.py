"""Blocking and unblocking a selection of the list « Hébergements », for administrators."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import overview
from mailqueue.models import HostingAccount
from mailqueue.states import Event
from panel import bulk, selection_words, wording
from panel.access import (
    SignedInRequest,
    administrators_only,
    only,
    signed_in,
    visible_accounts,
)
from panel.forms import SelectionForm
from panel.views import hosting


@only("GET")
@signed_in
@administrators_only
def confirm(request: SignedInRequest, action: Event) -> HttpResponse:
    """Name the accounts, say what will happen, and « Valider »."""
    chosen = _chosen(request, request.GET)
    fit, left = bulk.sort_out(chosen[: bulk.MOST], action)
    refusal = _refusal(chosen)
    status = 400 if refusal else 200 if fit else 409
    return _page(request, action, fit, left, refusal, status)


@only("POST")
@signed_in
@administrators_only
def act(request: SignedInRequest, action: Event) -> HttpResponse:
    """Block or unblock the accounts that the form names; tell one by one what did not apply."""
    chosen = _chosen(request, request.POST)
    refusal = _refusal(chosen)
    if refusal:
        return _page(request, action, [], [], refusal, 400)
    done, left = bulk.apply(request, chosen, action, timezone.now())
    if done:
        messages.success(request, selection_words.done(action, len(done)))
    for one in left:
        messages.error(request, selection_words.not_done(one))
    return redirect(hosting.wish(request.POST).address())


def _chosen(request: SignedInRequest, values: QueryDict) -> list[HostingAccount]:
    """The accounts that were chosen, by name; one more than may be, if there are more."""
    form = SelectionForm(values)
    form.is_valid()
    # A closed account takes no mail: there is nothing to switch.
    visible = visible_accounts(request.user).filter(closed_at=None)
    if form.cleaned_data.get("everything"):
        wish = hosting.wish(values)
        found = overview.matching(visible, wish.search, wish.state)
    else:
        found = visible.filter(pk__in=form.cleaned_data.get("account", [])[: bulk.MOST + 1])
    return list(found.order_by("service_name")[: bulk.MOST + 1])


def _refusal(chosen: list[HostingAccount]) -> str:
    if not chosen:
        return _("Choose at least one hosting plan in the list.")
    if len(chosen) > bulk.MOST:
        return _("At most %(number)d hosting plans can be chosen at once.") % {"number": bulk.MOST}
    return ""


def _page(
    request: SignedInRequest,
    action: Event,
    fit: list[HostingAccount],
    left: list[bulk.Left],
    refusal: str,
    status: int,
) -> HttpResponse:
    values = request.POST if request.method == "POST" else request.GET
    wish = hosting.wish(values)
    context = {
        "action": action,
        "title": selection_words.title(action, len(fit)) if fit else wording.title(action),
        "sentences": selection_words.consequences(action),
        "fit": [] if refusal else fit,
        "left": []
        if refusal
        else [{"account": one.account, "why": wording.why_not(one.why)} for one in left],
        "refusal": refusal,
        "back": wish.address(),
        "kept": wish.values(),
    }
    return render(request, "hosting/selection.html", context, status=status)
