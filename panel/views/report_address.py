"""« Changer le destinataire »: a new address for the error report, and the link to confirm it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from panel import report_address, throttle
from panel.access import SignedInRequest, account_to_change, only, signed_in
from panel.forms import ReportAddressForm


@only("GET", "POST")
@signed_in
def change(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Ask for the new address, and send it a link."""
    account = account_to_change(request.user, service_name)
    form = ReportAddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["address"]
        try:
            report_address.propose(account, address, timezone.now())
        except throttle.TooOften:
            form.add_error(None, _("Too many letters were asked for. Wait an hour."))
        else:
            messages.success(
                request,
                _("A link was sent to %(address)s. Reports go there once it has been followed.")
                % {"address": address},
            )
            return redirect("scripts_emails", service_name)
    context = {"account": account, "tab": "scripts_emails", "form": form}
    status = 400 if form.errors else 200
    return render(request, "report_address/change.html", context, status=status)


@only("GET", "POST")
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link proposes, and do it on « Valider »: mail scanners follow links too."""
    proposal = report_address.read(token)
    is_done = proposal is not None and request.method == "POST"
    if is_done and proposal is not None:
        report_address.accept(proposal)
    context = {"proposal": proposal, "is_done": is_done}
    status = 200 if proposal is not None else 410
    return render(request, "report_address/confirm.html", context, status=status)
