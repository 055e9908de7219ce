"""« Envoyer un e-mail de test »: the address and « Valider », then what became of it."""

import hashlib

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from mailqueue.models import HostingAccount
from panel import audit, throttle, trial
from panel.access import SignedInRequest, account_for, account_to_change, may_act, only, signed_in
from panel.forms import TestMailForm


@only("GET", "POST")
@signed_in
def send(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Ask for the address, and send: 409 while the service is blocked, 429 after too many."""
    account = account_to_change(request.user, service_name)
    refusal = trial.refusal(account)
    if refusal:
        return _form(request, account, TestMailForm(), 409, refusal)
    if request.method != "POST":
        known = request.user.email or account.report_to
        return _form(request, account, TestMailForm(initial={"address": known}))
    form = TestMailForm(request.POST)
    if not form.is_valid():
        return _form(request, account, form, 400)
    address = form.cleaned_data["address"]
    try:
        with transaction.atomic():
            queue_id = trial.send(account, address, timezone.now())
            audit.note(request, audit.Action.SEND_TEST, account, address, queue_id=queue_id)
    except throttle.TooOften:
        problem = _("At most %(number)d tests are sent within an hour. Wait a little.")
        form.add_error(None, problem % {"number": trial.MOST_TESTS})
        return _form(request, account, form, 429)
    except trial.QueueFull:
        problem = _("The queue is full: release or purge what it holds, then try again.")
        return _form(request, account, form, 409, problem)
    trial.deliver()
    after = reverse("test_mail_result", args=[service_name, queue_id])
    return HttpResponseClientRedirect(after) if request.htmx else redirect(after)


@only("GET")
@signed_in
def result(request: SignedInRequest, service_name: str, queue_id: str) -> HttpResponse:
    """How far a test has come; for htmx the steps alone, 204 if nothing is new since `version`."""
    account = account_for(request.user, service_name)
    row = trial.find(account, queue_id)
    if row is None:
        raise Http404
    with timezone.override(account.time_zone):
        steps = trial.steps(row, timezone.now())
        version = hashlib.sha256(repr(steps).encode()).hexdigest()[:12]
        if request.htmx and request.GET.get("version") == version:
            return HttpResponse(status=204)
        context = {
            "account": account,
            "tab": "scripts_emails",
            "row": row,
            "steps": steps,
            "version": version,
            "is_over": row.ended_at is not None,
        }
        fragment = render_to_string("test_mail/steps.html", context, request)
        if request.htmx:
            return HttpResponse(fragment)
        context |= {"fragment": fragment, "may_act": may_act(request.user, account)}
        return render(request, "test_mail/result.html", context)


def _form(
    request: SignedInRequest,
    account: HostingAccount,
    form: TestMailForm,
    status: int = 200,
    refusal: str = "",
) -> HttpResponse:
    context = {"account": account, "tab": "scripts_emails", "form": form, "refusal": refusal}
    template = "test_mail/dialog.html" if request.htmx else "test_mail/page.html"
    return render(request, template, context, status=status)
