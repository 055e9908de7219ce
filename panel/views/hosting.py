"""The list of accounts, and the page « Informations générales » of one."""

from dataclasses import dataclass, replace

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from mailqueue import judgements, overview, queue
from mailqueue.states import State
from panel import bulk, limit_words, wording
from panel.access import SignedInRequest, account_for, only, signed_in, visible_accounts
from panel.forms import ListForm
from panel.models import Membership


@dataclass(frozen=True, slots=True)
class Wish:
    """What the list of accounts is asked for."""

    search: str
    state: State | None
    sort: str
    # Closed accounts too.
    with_closed: bool = False

    def values(self) -> dict[str, str]:
        """What of it belongs into an address or a form; nothing where the list begins."""
        values = {
            "q": self.search,
            "state": self.state.value if self.state else "",
            "sort": "" if self.sort == "service_name" else self.sort,
            "closed": "1" if self.with_closed else "",
        }
        return {name: value for name, value in values.items() if value}

    def query(self, page: int = 1) -> str:
        """The end of the address of a page of this list."""
        number = {"page": str(page)} if page > 1 else {}
        return "?" + urlencode(self.values() | number)

    def address(self) -> str:
        """The address of the first page of this list."""
        return reverse("accounts") + (self.query() if self.values() else "")


def wish(values: QueryDict) -> Wish:
    """What an address or a form asks for. Nonsense is as good as nothing."""
    form = ListForm(values)
    form.is_valid()
    asked = form.cleaned_data.get("sort", "")
    return Wish(
        search=form.cleaned_data.get("q", "").strip(),
        state=form.cleaned_data.get("state"),
        sort=asked if asked.removeprefix("-") in overview.SORTS else "service_name",
        with_closed=form.cleaned_data.get("closed", False),
    )


@only("GET")
@signed_in
def accounts(request: SignedInRequest) -> HttpResponse:
    """The accounts that the user may see: searched, by state, sorted, in pages."""
    form = ListForm(request.GET)
    form.is_valid()
    asked = wish(request.GET)
    visible = visible_accounts(request.user)
    found = overview.accounts_page(
        visible if asked.with_closed else visible.filter(closed_at=None),
        timezone.now(),
        search=asked.search,
        state=asked.state,
        sort=asked.sort,
        page=form.cleaned_data.get("page") or 1,
    )
    # A restored page is a whole page, whoever asks for it.
    is_fragment = request.htmx and not request.htmx.history_restore_request
    return render(
        request,
        "hosting/list.html" if is_fragment else "hosting/accounts.html",
        {
            "found": found,
            "search": asked.search,
            "state": asked.state,
            "sort": asked.sort,
            "states": [(state, wording.state_word(state)) for state in State],
            "columns": {name: _column(name, asked) for name in overview.SORTS},
            "previous": asked.query(found.page - 1) if found.page > 1 else None,
            "next": asked.query(found.page + 1) if found.page < found.pages else None,
            "kept": asked.values(),
            "may_take_all": found.pages > 1 and found.total <= bulk.MOST,
            "with_closed": asked.with_closed,
            "has_closed": visible.exclude(closed_at=None).exists(),
            "turned": replace(asked, with_closed=not asked.with_closed).query(),
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
                "screening": judgements.mode_of(found).label,
                "owners_overrule": queue.owners_may_overrule(found),
            },
        )


def _column(name: str, asked: Wish) -> dict[str, str]:
    """How a column is sorted now, and where its heading leads: to the same, turned round.

    Names begin at A, figures with the largest.
    """
    is_figure = name not in {"service_name", "state"}
    first = f"-{name}" if is_figure else name
    turned = (
        name if asked.sort == first and is_figure else f"-{name}" if asked.sort == name else first
    )
    order = {name: "ascending", f"-{name}": "descending"}.get(asked.sort, "")
    return {"order": order, "query": replace(asked, sort=turned).query()}
