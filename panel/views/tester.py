"""« Tester un e-mail »: paste or upload a message, and see what would become of it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue.examining import Fault
from mailqueue.models import HostingAccount
from panel import tester, tester_words, throttle
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
    report = tester_words.report(found, author)
    return _answer(request, account, form, report=report, author=author)


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
