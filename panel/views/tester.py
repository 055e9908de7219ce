"""« Tester un e-mail »: a message that is pasted, or uploaded, or sent to a test address."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import examining, judgements, probes
from mailqueue.examining import Fault
from mailqueue.models import HostingAccount, Probe, ProbeAddress, Screening
from panel import audit, tester, tester_words, throttle, wording
from panel.access import SignedInRequest, account_to_change, only, signed_in
from panel.forms import TesterForm


@only("GET", "POST")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The form, and what it was answered; for htmx the answer alone."""
    account = account_to_change(request.user, service_name)
    if request.method != "POST":
        return _answer(request, account, TesterForm())
    form = TesterForm(request.POST, request.FILES)
    if not form.is_valid():
        # A form takes any text but NUL.
        return _answer(request, account, form, 400, fault=tester_words.fault(Fault.BINARY))
    raw = form.message()
    if len(raw) > settings.MESSAGE_SIZE_LIMIT:
        return _answer(request, account, form, 400, fault=tester_words.too_large())
    now = timezone.now()
    try:
        throttle.count(f"tester-{request.user.pk}", tester.MOST_TESTS, now)
    except throttle.TooOften:
        words = _("At most %(number)d tests are made within an hour. Wait a little.")
        fault = words % {"number": tester.MOST_TESTS}
        return _answer(request, account, form, 429, fault=fault)
    found = tester.judge(account, raw, now)
    if isinstance(found, Fault):
        return _answer(request, account, form, 400, fault=tester_words.fault(found))
    author = tester.author(account, found.author_domain)
    report = tester_words.report(found, author, judgements.mode_of(account))
    return _answer(request, account, form, report=report, author=author)


@only("GET", "POST")
@signed_in
def address(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The test address, made anew by POST, and what came to it.

    For htmx the list alone, 204 if nothing is new since `version`.
    """
    account = account_to_change(request.user, service_name)
    now = timezone.now()
    if request.method == "POST":
        with transaction.atomic():
            made = probes.make_address(account.pk, now)
            audit.note(request, audit.Action.MAKE_TEST_ADDRESS, account, probes.written(made))
        return redirect("tester_address", service_name)
    row = probes.address_of(account.pk, now)
    came = probes.newest(account.pk, now)
    version = _version(row, came)
    mode = judgements.mode_of(account)
    if request.htmx and request.GET.get("version") == version:
        return HttpResponse(status=204)
    with timezone.override(account.time_zone):
        context = {
            "account": account,
            "tab": "tester",
            "row": row,
            "address": probes.written(row) if row else "",
            "came": [_shown(probe, mode, now) for probe in came],
            "version": version,
            "passed_over": row.passed_over if row and row.hour_from > now - probes.HOUR else 0,
            "most": probes.MOST_AN_HOUR,
            "most_kept": probes.MOST_KEPT,
        }
        looked = next((probe for probe in came if probe.result), None)
        if looked is not None:
            context |= _of_probe(account, looked)
        template = "tester/came.html" if request.htmx else "tester/address.html"
        return render(request, template, context)


@only("GET")
@signed_in
def result(request: SignedInRequest, service_name: str, queue_id: str) -> HttpResponse:
    """What was found in one e-mail that a script sent to the test address."""
    account = account_to_change(request.user, service_name)
    probe = probes.find(account.pk, queue_id, timezone.now())
    if probe is None:
        raise Http404
    context = {"account": account, "tab": "tester", "probe": probe}
    if probe.result:
        context |= _of_probe(account, probe)
    with timezone.override(account.time_zone):
        return render(request, "tester/result.html", context)


def _version(row: ProbeAddress | None, came: Sequence[Probe]) -> str:
    told = [row and (row.name, row.passed_over), *((one.pk, one.judged_at) for one in came)]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def _shown(probe: Probe, mode: Screening, now: datetime) -> dict[str, Any]:
    """A line of the list."""
    examined = examining.of_row(probe.result) if probe.result else None
    return {
        "probe": probe,
        "moment": wording.moment(probe.accepted_at, now),
        "examined": examined,
        "verdict": tester_words.short(examined, mode),
    }


def _of_probe(account: HostingAccount, probe: Probe) -> dict[str, Any]:
    """What a report of a probe needs."""
    examined = examining.of_row(probe.result)
    author = tester.author(account, examined.author_domain)
    return {
        "report": tester_words.report(examined, author, judgements.mode_of(account)),
        "author": author,
        "probe": probe,
        "is_sent": True,
    }


def _answer(
    request: SignedInRequest,
    account: HostingAccount,
    form: TesterForm,
    status: int = 200,
    **found: Any,
) -> HttpResponse:
    context = {"account": account, "tab": "tester", "form": form, **found}
    # A form that was sent by htmx stays on the page, with what was pasted.
    is_fragment = request.htmx and request.method == "POST"
    template = "tester/answer.html" if is_fragment else "tester/page.html"
    with timezone.override(account.time_zone):
        return render(request, template, context, status=status)
