"""The tokens of an account: made, shown once, revoked. For administrators."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import tokens
from mailqueue.models import AccountToken
from panel import audit, smtp_settings
from panel.access import SignedInRequest, account_for, administrators_only, only, signed_in
from panel.audit import Action
from panel.hosting_forms import TokenForm


@only("GET", "POST")
@signed_in
@administrators_only
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The tokens, and the form for another.

    A new one is shown in the answer itself: to show it after a redirect it would have to be kept
    somewhere. The price is that loading that answer again asks for another token.
    """
    account = account_for(request.user, service_name)
    form = TokenForm(request.POST if request.method == "POST" else None)
    made, plain = None, ""
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made, plain = tokens.make(
                    account.pk,
                    form.cleaned_data["name"],
                    request.user.get_username(),
                    timezone.now(),
                    uid=form.cleaned_data["uid"],
                    networks=form.cleaned_data["networks"],
                )
                bound = {"networks": made.networks} if made.networks else {}
                audit.note(request, Action.MAKE_TOKEN, account, made.name, uid=made.uid, **bound)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            form = TokenForm()
    with timezone.override(account.time_zone):
        context = {
            "account": account,
            "tab": "account",
            "form": form,
            "made": made,
            "plain": plain,
            "sendmail": settings.SENDMAIL,
            "smtp": smtp_settings.for_scripts(),
            "networks": ", ".join(made.networks.split()) if made else "",
            "tokens": tokens.of_account(account.pk),
        }
        status = 400 if form.errors else 200
        return render(request, "hosting/tokens.html", context, status=status)


@only("GET", "POST")
@signed_in
@administrators_only
def revoke(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """What revoking means, and « Valider »; 409 if it was revoked before."""
    account = account_for(request.user, service_name)
    token = get_object_or_404(AccountToken, pk=pk, account=account)
    obstacle = _("This token was revoked before.") if token.revoked_at else ""
    if request.method == "POST" and not obstacle:
        with transaction.atomic():
            if tokens.revoke(token, timezone.now()):
                audit.note(request, Action.REVOKE_TOKEN, account, token.name)
        messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
        return redirect("tokens", service_name)
    context = {
        "account": account,
        "tab": "account",
        "title": _("Revoke the token “%(name)s”") % {"name": token.name},
        "sentences": [
            _("Calls with this token are refused from now on: mail() returns false."),
            _("This cannot be undone; a new token can be made."),
        ],
        "obstacle": obstacle,
        "back": "tokens",
    }
    return render(request, "hosting/confirm.html", context, status=409 if obstacle else 200)
