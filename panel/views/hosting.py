"""The list of accounts, and the page « Informations générales » of one."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode

from mailqueue import overview
from panel import limit_words
from panel.access import SignedInRequest, account_for, only, signed_in, visible_accounts
from panel.forms import ListForm
from panel.models import Membership


@only("GET")
@signed_in
def accounts(request: SignedInRequest) -> HttpResponse:
    """The accounts that the user may see: searched, sorted, in pages."""
    form = ListForm(request.GET)
    form.is_valid()
    search = form.cleaned_data.get("q", "").strip()
    asked = form.cleaned_data.get("sort", "")
    sort = asked if asked.removeprefix("-") in overview.SORTS else "service_name"
    with_closed = form.cleaned_data.get("closed", False)
    visible = visible_accounts(request.user)
    found = overview.accounts_page(
        visible if with_closed else visible.filter(closed_at=None),
        timezone.now(),
        search=search,
        sort=sort,
        page=form.cleaned_data.get("page") or 1,
    )
    # A restored page is a whole page, whoever asks for it.
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return render(
        request,
        "hosting/list.html" if is_fragment else "hosting/accounts.html",
        {
            "found": found,
            "search": search,
            "sort": sort,
            "with_closed": with_closed,
            "has_closed": visible.exclude(closed_at=None).exists(),
            "turned": _query(search, sort, 1, not with_closed),
            "columns": {name: _column(name, sort, search, with_closed) for name in overview.SORTS},
            "previous": _query(search, sort, found.page - 1, with_closed)
            if found.page > 1
            else None,
            "next": _query(search, sort, found.page + 1, with_closed)
            if found.page < found.pages
            else None,
        },
    )


@only("GET")
@signed_in
def account(request: SignedInRequest, service_name: str) -> HttpResponse:
    """What an account is, and how its scripts send."""
    found = account_for(request.user, service_name)
    with timezone.override(found.time_zone):
        return render(
            request,
            "hosting/account.html",
            {
                "account": found,
                "tab": "account",
                "members": Membership.objects.filter(account=found)
                .select_related("user")
                .order_by("role", "user__username"),
                "sendmail": settings.SENDMAIL,
                "limits": limit_words.facts(found),
            },
        )


def _column(name: str, sort: str, search: str, with_closed: bool) -> dict[str, str]:
    """How a column is sorted now, and where its heading leads: to the same, turned round.

    Names begin at A, figures with the largest.
    """
    is_figure = name not in {"service_name", "state"}
    first = f"-{name}" if is_figure else name
    turned = name if sort == first and is_figure else f"-{name}" if sort == name else first
    order = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    return {"order": order, "query": _query(search, turned, 1, with_closed)}


def _query(search: str, sort: str, page: int, with_closed: bool) -> str:
    values = {
        "q": search,
        "sort": "" if sort == "service_name" else sort,
        "closed": "1" if with_closed else "",
    }
    if page > 1:
        values["page"] = str(page)
    return "?" + urlencode({name: value for name, value in values.items() if value})
