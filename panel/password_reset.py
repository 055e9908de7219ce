"""A new password by e-mail: who gets a link, where it leads, and what its letter says.

allauth owns the pages and the token. Ours is that the link is built from our own settings, for a
request can name any host, and that the answer is the same whether an address is known or not.
"""

import time
from datetime import timedelta

from allauth.account.forms import ResetPasswordForm
from django.conf import settings
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from panel.models import User

# The least time that an answer takes, in seconds: writing a letter takes a part of it, so that the
# clock does not tell what the page keeps to itself.
# Note: with Redis away a letter takes about a second, and then the clock does tell.
ANSWER_S = 0.5


class ResetForm(ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    """The address to which a link is wanted."""

    def clean_email(self) -> str:
        """Find who has this address, in whatever case it was written; nobody is no error."""
        address: str = self.cleaned_data["email"]
        self.users = list(User.objects.filter(email__iexact=address, is_active=True))
        return address

    def save(self, request: HttpRequest, **options: object) -> str:
        """Send the letters, if there are any, in the time that an answer takes."""
        until = time.monotonic() + ANSWER_S
        address: str = super().save(request, **options)
        time.sleep(max(0.0, until - time.monotonic()))
        return address


def link(key: str) -> str:
    """The address of the page for the new password; `key` is allauth's, number and token."""
    number, _dash, token = key.partition("-")
    page = reverse("account_reset_password_from_key", kwargs={"uidb36": number, "key": token})
    return f"{settings.PUBLIC_URL}{page}"


def send(user: User, address: str) -> None:
    """Send the letter with the link `address`, in the user's language.

    It goes to the address that we know, not to the one that was typed: they may look alike only.
    Raises django.db.Error or InvalidSubmission if the letter cannot be kept.
    """
    with translation.override(user.language or translation.get_language()):
        valid = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        context = {
            "login": user.get_username(),
            "link": address,
            "hours": valid // timedelta(hours=1),
        }
        EmailMessage(
            _("Choose a new password for Facteur"),
            render_to_string("letters/password_reset.txt", context),
            to=[user.email],
        ).send()
