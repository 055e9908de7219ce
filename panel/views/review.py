"""Reviews of a stop: the owner says what was done, an administrator refuses or lifts.

To lift is one of the actions of the page « Scripts emails ».
"""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import service
from mailqueue.errors import NoReview
from panel import audit
from panel.access import SignedInRequest, account_to_change, only, signed_in
from panel.forms import RefusalForm, StatementForm
from panel.views.errors import NotAllowed


@only("GET", "POST")
@signed_in
def state(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Say what was done about a stop, so that an administrator looks at it; 409 if none asks."""
    account = account_to_change(request.user, service_name)
    form = StatementForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                service.state_review(
                    account.pk,
                    request.user.get_username(),
                    form.cleaned_data["statement"],
                    timezone.now(),
                )
                audit.note(request, audit.Action.STATE_REVIEW, account)
        except NoReview:
            status = 409
        else:
            messages.success(
                request, _("Your statement was sent. An administrator looks at it and answers.")
            )
            return redirect("scripts_emails", service_name)
    context = {
        "account": account,
        "tab": "scripts_emails",
        "form": form,
        "is_asked": account.review_required and status == 200,
        "said": service.open_review(account.pk),
    }
    with timezone.override(account.time_zone):
        return render(request, "review/state.html", context, status=status)


@only("POST")
@signed_in
def refuse(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Answer that the stop stays, and why."""
    account = account_to_change(request.user, service_name)
    if not request.user.is_staff:
        raise NotAllowed(_("Only an administrator can answer a review."))
    form = RefusalForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed. Say why the stop stays."))
        return redirect("scripts_emails", service_name)
    try:
        with transaction.atomic():
            service.refuse_review(
                account.pk,
                request.user.get_username(),
                form.cleaned_data["word"],
                timezone.now(),
            )
            audit.note(request, audit.Action.REFUSE_REVIEW, account)
    except NoReview:
        messages.error(request, _("Nothing was changed. Nobody waits for an answer."))
    else:
        messages.success(request, _("The owner is told that the stop stays, and why."))
    return redirect("scripts_emails", service_name)
