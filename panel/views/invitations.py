"""The link of an invitation: who follows it, and what he gets."""

from datetime import datetime
from typing import cast

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from panel import audit, invitations
from panel.access import SignedInRequest, only
from panel.forms import NewUserForm
from panel.models import Invitation, User

# Passwords are checked here; allauth's backend, the other one, would do as well.
BACKEND = "django.contrib.auth.backends.ModelBackend"


class Ended(Exception):
    """The link was used or revoked between its page and the click."""


@only("GET", "POST")
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show what the link gives, and give it on POST: mail scanners follow links too.

    410 if it is forged, used, revoked or too old; 429 if somebody tries many.
    """
    too_many: HttpResponse | None = ratelimit.consume_or_429(request, action="accept_invitation")
    if too_many is not None:
        return too_many
    now = timezone.now()
    invitation = invitations.read(token, now)
    if invitation is None:
        response = _ended(request)
    elif isinstance(request.user, User):
        response = _as_himself(request, invitation, now)
    elif invitations.has_user(invitation):
        response = _after_login(request, invitation)
    else:
        response = _as_somebody_new(request, invitation, now)
    add_never_cache_headers(response)
    return response


def _as_himself(request: HttpRequest, invitation: Invitation, now: datetime) -> HttpResponse:
    if request.method != "POST":
        return _page(request, invitation)
    signed_in = cast(SignedInRequest, request)
    try:
        with transaction.atomic():
            _give(signed_in, invitation, now)
    except Ended:
        return _ended(request)
    return _welcome(signed_in, invitation)


def _after_login(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """Lead to the login page and back; the address has a user, who need not be made again."""
    to_login = redirect_to_login(request.path, reverse("account_login"))
    if request.method == "POST":
        return to_login
    return _page(request, invitation, to_login=to_login.url)


def _as_somebody_new(request: HttpRequest, invitation: Invitation, now: datetime) -> HttpResponse:
    values = request.POST if request.method == "POST" else None
    form = NewUserForm(invitation.email, values, initial={"login": invitation.email})
    if form.is_valid():
        try:
            with transaction.atomic():
                user = User.objects.create_user(
                    form.cleaned_data["login"],
                    invitation.email,
                    form.cleaned_data["password1"],
                    language=translation.get_language() or "",
                )
                login(request, user, backend=BACKEND)
                _give(cast(SignedInRequest, request), invitation, now)
        except IntegrityError:
            form.add_error("login", form.taken())
        except Ended:
            request.session.flush()
            return _ended(request)
        else:
            return _welcome(cast(SignedInRequest, request), invitation)
    return _page(request, invitation, form=form)


def _give(request: SignedInRequest, invitation: Invitation, now: datetime) -> None:
    """Accept as who is logged in. Raises Ended, for which the caller's transaction is undone."""
    if not invitations.accept(invitation, request.user, now):
        raise Ended
    audit.note(
        request,
        audit.Action.ACCEPT_INVITATION,
        invitation.account,
        invitation.email,
        role=invitation.role or "administrator",
        invited_by=invitation.created_by,
    )


def _welcome(request: SignedInRequest, invitation: Invitation) -> HttpResponse:
    account = invitation.account
    if account is None:
        messages.success(request, _("You are now an administrator of Facteur."))
        return redirect("dashboard")
    messages.success(
        request,
        _("You now have access to %(account)s.") % {"account": account.service_name},
    )
    return redirect("account", account.service_name)


def _page(
    request: HttpRequest,
    invitation: Invitation,
    *,
    form: NewUserForm | None = None,
    to_login: str = "",
) -> HttpResponse:
    context = {"invitation": invitation, "form": form, "to_login": to_login}
    status = 400 if form is not None and form.errors else 200
    return render(request, "invitations/accept.html", context, status=status)


def _ended(request: HttpRequest) -> HttpResponse:
    context = {"invitation": None, "days": invitations.VALID_FOR.days}
    return render(request, "invitations/accept.html", context, status=410)
