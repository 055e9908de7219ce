"""Who may see and do what.

An administrator (`is_staff`) sees and does all, an owner what concerns his accounts, a reader
looks only. An account that somebody may not see does not exist for him: 404.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from mailqueue.models import HostingAccount
from panel import password_reset
from panel.models import Membership, User
from panel.views.errors import NotAllowed, wrong_method

P = ParamSpec("P")


class SignedInRequest(HttpRequest):
    """A request of somebody who has logged in, as `signed_in` hands it on."""

    user: User
    htmx: HtmxDetails


View = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]
AnyView = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


class ClosedSignup(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts of the panel are made by its administrators."""

    error_messages = {  # noqa: RUF012
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": gettext_lazy("The user name or the password is wrong."),
        "email_password_mismatch": gettext_lazy("The e-mail address or the password is wrong."),
        "too_many_login_attempts": gettext_lazy(
            "Too many failed attempts. Wait a few minutes, then try again."
        ),
        "enter_current_password": gettext_lazy("Type your current password."),
        "incorrect_password": gettext_lazy("The password is wrong."),
        "account_inactive": gettext_lazy("This account is closed."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up by himself."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link of a letter, whatever host the request names."""
        return password_reset.link(key)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Our own letter with this link."""
        password_reset.send(user, context["password_reset_url"])


def only(*methods: str) -> Callable[[AnyView[P]], AnyView[P]]:
    """Refuse other methods (405) before anything else; GET brings HEAD."""
    allowed = [*methods, "HEAD"] if "GET" in methods else [*methods]

    def decorate(view: AnyView[P]) -> AnyView[P]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in allowed:
                return wrong_method(request, allowed)
            return view(request, *args, **kwargs)

        return answer

    return decorate


def signed_in(view: View[P]) -> AnyView[P]:
    """Send strangers to the login page; let nobody keep a copy of what others see."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            response = view(cast(SignedInRequest, request), *args, **kwargs)
        else:
            response = _to_login(request)
        add_never_cache_headers(response)
        # The same address answers with a page or with a fragment of it.
        patch_vary_headers(response, ["HX-Request"])
        return response

    return answer


def administrators_only(view: View[P]) -> View[P]:
    """Refuse everybody else (403)."""

    @wraps(view)
    def answer(request: SignedInRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_staff:
            raise NotAllowed(_("This page is for administrators."))
        return view(request, *args, **kwargs)

    return answer


def visible_accounts(user: User) -> QuerySet[HostingAccount]:
    """The accounts that somebody may see. System accounts are on no page."""
    accounts = HostingAccount.objects.filter(is_system=False)
    return accounts if user.is_staff else accounts.filter(memberships__user=user)


def account_for(user: User, service_name: str) -> HostingAccount:
    """The account of this name. Raises Http404 if `user` may not see it, or there is none."""
    try:
        return visible_accounts(user).get(service_name=service_name)
    except HostingAccount.DoesNotExist:
        raise Http404 from None


def may_act(user: User, account: HostingAccount) -> bool:
    """Whether somebody who sees an account may also change it; a closed one nobody but staff."""
    if user.is_staff or account.closed_at is not None:
        return user.is_staff
    return Membership.objects.filter(
        user=user, account=account, role=Membership.Role.OWNER
    ).exists()


def account_to_change(user: User, service_name: str) -> HostingAccount:
    """Like `account_for`. Raises NotAllowed if `user` may look at it only."""
    account = account_for(user, service_name)
    if not may_act(user, account):
        raise NotAllowed(_("You may look at this account, but not change it."))
    return account


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login page, and afterwards back to the page, never to an action."""
    htmx = HtmxDetails(request)
    login = reverse("account_login")
    if htmx:
        page = htmx.current_url_abs_path or reverse("accounts")
        # A redirect would put the login page where the fragment was to go.
        return HttpResponseClientRedirect(redirect_to_login(page, login).url)
    is_page = request.method in {"GET", "HEAD"}
    return redirect_to_login(request.get_full_path() if is_page else reverse("accounts"), login)
