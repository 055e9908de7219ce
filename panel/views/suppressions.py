"""« Adresses exclues »: addresses that get no mail, of one account or of the whole server.

One page for both lists: that of an account is for those who look after it, the server's for
administrators. Addresses travel in the body of requests, but for a search.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import suppressions
from mailqueue.models import HostingAccount, Suppression
from panel import address_lists, audit, spreadsheet, wording
from panel.access import (
    SignedInRequest,
    account_for,
    account_to_change,
    administrators_only,
    may_act,
    only,
    signed_in,
)
from panel.exclusion_forms import AddressListForm, ExcludedForm, RemoveExcludedForm

PER_PAGE = 50
MOST_WRONG_SHOWN = 20


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The list of an account."""
    account = account_for(request.user, service_name)
    return _page(request, account, may_change=may_act(request.user, account))


@only("GET")
@signed_in
@administrators_only
def house(request: SignedInRequest) -> HttpResponse:
    """The list of the whole server."""
    return _page(request, None, may_change=True)


@only("POST")
@signed_in
def add(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Put addresses on the list of an account: typed, pasted or in a file."""
    return _add(request, account_to_change(request.user, service_name))


@only("POST")
@signed_in
@administrators_only
def house_add(request: SignedInRequest) -> HttpResponse:
    """Put addresses on the list of the whole server."""
    return _add(request, None)


@only("POST")
@signed_in
def remove(request: SignedInRequest, service_name: str) -> HttpResponse:
    """Let an address get mail of an account again."""
    return _remove(request, account_to_change(request.user, service_name))


@only("POST")
@signed_in
@administrators_only
def house_remove(request: SignedInRequest) -> HttpResponse:
    """Take an address off the list of the whole server."""
    return _remove(request, None)


@only("GET")
@signed_in
def export(request: SignedInRequest, service_name: str) -> HttpResponseBase:
    """The list of an account as comma-separated values."""
    return _export(request, account_for(request.user, service_name))


@only("GET")
@signed_in
@administrators_only
def house_export(request: SignedInRequest) -> HttpResponseBase:
    """The list of the whole server as comma-separated values."""
    return _export(request, None)


def _page(
    request: SignedInRequest,
    account: HostingAccount | None,
    *,
    may_change: bool,
    form: AddressListForm | None = None,
    wrong: address_lists.AddressList | None = None,
    status: int = 200,
) -> HttpResponse:
    wish = ExcludedForm(request.GET)
    wish.is_valid()
    search = wish.cleaned_data.get("q", "").strip()
    after = wish.cleaned_data.get("after", "")
    now = timezone.now()
    rows = suppressions.listed(_id(account), now, search, after, PER_PAGE)
    shown, is_more = rows[:PER_PAGE], len(rows) > PER_PAGE
    further = {"q": search, "after": shown[-1].address} if is_more else {}
    with timezone.override(account.time_zone if account else None):
        return render(
            request,
            "suppressions/page.html",
            {
                "account": account,
                "section": "suppressions",
                "tab": "suppressions",
                "rows": [{"entry": row, "reason": wording.why_excluded(row)} for row in shown],
                "number": suppressions.number(_id(account), now),
                "search": search,
                "is_first": not after,
                "next": urlencode({name: text for name, text in further.items() if text}),
                "may_change": may_change,
                "form": form or AddressListForm(),
                "wrong": wrong.wrong[:MOST_WRONG_SHOWN] if wrong else (),
                "most_lines": address_lists.MOST_LINES,
                "here": _url(account, ""),
                "add": _url(account, "_add"),
                "remove": _url(account, "_remove"),
                "export": _url(account, "_export"),
            },
            status=status,
        )


def _add(request: SignedInRequest, account: HostingAccount | None) -> HttpResponse:
    form = AddressListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, account, may_change=True, form=form, status=400)
    found = form.cleaned_data["found"]
    now = timezone.now()
    actor = request.user.get_username()
    new, known = suppressions.add(_id(account), found.addresses, actor, now)
    if found.addresses:
        audit.note(request, audit.Action.EXCLUDE, account, addresses=len(found.addresses))
    _tell(request, new, known)
    if found.wrong:
        # They are named beside the form, below a list that may be long.
        told = ngettext(
            "%(number)s line holds no e-mail address: see below.",
            "%(number)s lines hold no e-mail address: see below.",
            len(found.wrong),
        )
        messages.warning(request, told % {"number": wording.number(len(found.wrong))})
        return _page(request, account, may_change=True, wrong=found, status=400)
    return redirect(_url(account, ""))


def _tell(request: SignedInRequest, new: int, known: int) -> None:
    """What came of a list: how many of its addresses are new, and how many were known."""
    if new:
        told = ngettext(
            "%(number)s address was added to the list.",
            "%(number)s addresses were added to the list.",
            new,
        )
        messages.success(request, told % {"number": wording.number(new)})
    if known:
        told = ngettext(
            "%(number)s address was on the list already.",
            "%(number)s addresses were on the list already.",
            known,
        )
        messages.info(request, told % {"number": wording.number(known)})
    if not new and not known:
        messages.warning(request, _("No address was added to the list."))


def _remove(request: SignedInRequest, account: HostingAccount | None) -> HttpResponse:
    form = RemoveExcludedForm(request.POST)
    if form.is_valid() and suppressions.remove(_id(account), [form.cleaned_data["address"]]):
        audit.note(request, audit.Action.INCLUDE, account, form.cleaned_data["address"])
        messages.success(request, _("The address gets e-mails again."))
    else:
        messages.warning(request, _("This address is not on the list."))
    return redirect(_url(account, ""))


def _export(request: SignedInRequest, account: HostingAccount | None) -> StreamingHttpResponse:
    audit.note(request, audit.Action.EXPORT_EXCLUDED, account)
    heading = [_("Address"), _("Reason"), _("Since"), _("Until"), _("Added by")]
    rows = suppressions.everything(_id(account), timezone.now())
    response = StreamingHttpResponse(
        spreadsheet.lines(heading, _cells(rows)), content_type="text/csv; charset=utf-8"
    )
    of = account.service_name if account else "facteur"
    name = f"adresses-exclues-{of}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _cells(rows: Iterator[Suppression]) -> Iterator[list[str]]:
    for row in rows:
        yield [
            row.address,
            wording.why_excluded(row),
            row.created_at.isoformat(timespec="seconds"),
            row.until.isoformat(timespec="seconds") if row.until else "",
            row.actor,
        ]


def _id(account: HostingAccount | None) -> int | None:
    return account.pk if account else None


def _url(account: HostingAccount | None, step: str) -> str:
    if account is None:
        return reverse(f"house_suppressions{step}")
    return reverse(f"suppressions{step}", args=[account.service_name])
