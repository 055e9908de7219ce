"""« Mes e-mails ne partent pas »: the guide's four checks, with what Facteur saw of each."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from mailqueue import evidence, overview
from mailqueue.states import DELIVERING
from panel import checks, explaining, wording
from panel.access import SignedInRequest, account_for, may_act, only, signed_in


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The checks; where the service is stopped, that first."""
    account = account_for(request.user, service_name)
    now = timezone.now()
    seen = overview.of_account(account, now)
    with timezone.override(account.time_zone):
        context = {
            "account": account,
            "tab": "scripts_emails",
            "seen": seen,
            "state_word": wording.state_word(seen.state),
            "is_delivering": seen.state in DELIVERING,
            "explanation": explaining.explanation(seen, now),
            "checks": checks.all_four(evidence.of_account(account), now),
            "may_act": may_act(request.user, account),
            "sendmail": settings.SENDMAIL,
        }
        return render(request, "sending_help/page.html", context)
