"""What happens at the door, kept in the journal: sign-ins, passwords, second factors.

allauth and Django tell of it by signals; `apps` connects them. The name that somebody typed in
vain is kept as what he tried, never as who he is.
"""

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from panel.audit import Action, record
from panel.models import User


def connect() -> None:
    """Listen from now on."""
    account_signals.user_logged_in.connect(_logged_in)
    user_login_failed.connect(_login_failed)
    account_signals.password_changed.connect(_password_changed)
    account_signals.password_reset.connect(_password_reset)
    mfa_signals.authentication_failed.connect(_code_failed)
    mfa_signals.authenticator_added.connect(_factor_added)
    mfa_signals.authenticator_removed.connect(_factor_removed)
    mfa_signals.authenticator_reset.connect(_codes_made)


def _logged_in(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record(request, user.get_username(), Action.LOGIN)


def _login_failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **rest: Any
) -> None:
    typed = str(credentials.get("username") or credentials.get("email") or "")
    record(request, "", Action.LOGIN_FAILED, target=typed)


def _code_failed(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record(request, "", Action.LOGIN_FAILED, target=user.get_username(), wrong="code")


def _password_changed(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record(request, user.get_username(), Action.CHANGE_PASSWORD)


def _password_reset(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record(request, user.get_username(), Action.RESET_PASSWORD)


def _factor_added(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **rest: Any
) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record(request, user.get_username(), Action.ADD_SECOND_FACTOR)


def _factor_removed(
    sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **rest: Any
) -> None:
    if authenticator.type == Authenticator.Type.TOTP:
        record(request, user.get_username(), Action.REMOVE_SECOND_FACTOR)


def _codes_made(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record(request, user.get_username(), Action.NEW_RECOVERY_CODES)
