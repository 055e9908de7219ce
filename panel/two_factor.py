"""The second factor: how its secrets are kept, that a code counts once, and who must have one.

allauth owns the pages and the codes.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django_htmx.http import HttpResponseClientRedirect

from mailqueue import sealing
from panel.models import User

# What the secrets are sealed for.
PURPOSE = "second factor"
# Where somebody who has no second factor yet may go though he must have one.
_OPEN = {
    "mfa_activate_totp",
    "account_reauthenticate",
    "mfa_reauthenticate",
    "account_logout",
    "set_language",
}


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets are kept encrypted: whoever reads a copy of the database cannot make codes."""

    error_messages = {  # noqa: RUF012
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("The code is wrong, or has been used already."),
        "cannot_generate_recovery_codes": gettext_lazy("Switch two-factor sign-in on first."),
    }

    def encrypt(self, text: str) -> str:
        """With the newest secret key of the house."""
        return sealing.seal(text, PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """With any of the secret keys; what none opens becomes a secret that nobody knows."""
        secret = sealing.opened(encrypted_text, PURPOSE)
        # Codes of a random one are refused: `manage.py disabletwofactor` is the way out.
        return base64.b32encode(secrets.token_bytes(20)).decode() if secret is None else secret


class _OnceForm:
    """A form for a code that refuses one it has seen: allauth forgets codes after 30 seconds."""

    user: User

    def clean_code(self) -> str:
        """The code, if it is right and new."""
        code: str = super().clean_code()  # type: ignore[misc]
        digest = hashlib.sha256(f"{self.user.pk} {''.join(code.split())}".encode()).hexdigest()
        if not cache.add(f"two-factor-used-{digest}", True, timeout=300):
            raise get_mfa_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(_OnceForm, forms.AuthenticateForm):  # type: ignore[misc]
    """The code that a sign-in asks for."""


class ReauthenticateForm(_OnceForm, forms.ReauthenticateForm):  # type: ignore[misc]
    """The code that is asked for before something that matters."""


class SecondFactorFirst:
    """Leads whoever must have a second factor, and has none, to the page that sets one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, options: Any
    ) -> HttpResponseBase | None:
        """Answer in the view's place, before it has done anything."""
        name = request.resolver_match.url_name if request.resolver_match else ""
        user = request.user
        if not isinstance(user, User) or name in _OPEN or not is_required(user):
            return None
        if is_mfa_enabled(user):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRedirect(reverse("mfa_activate_totp"))
        return redirect("mfa_activate_totp")


def is_required(user: User) -> bool:
    """Whether somebody must have a second factor."""
    return settings.REQUIRE_2FA == "all" or (
        settings.REQUIRE_2FA == "administrators" and user.is_staff
    )
