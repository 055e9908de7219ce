"""« Journal »: who did what, when. Of all accounts for administrators, of one for its members."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from mailqueue.models import HostingAccount
from panel import audit, journal, spreadsheet
from panel.access import SignedInRequest, account_for, administrators_only, only, signed_in
from panel.forms import JournalForm
from panel.models import AuditEntry


@only("GET")
@signed_in
@administrators_only
def everywhere(request: SignedInRequest) -> HttpResponse:
    """The journal of the whole house."""
    return _page(request, None)


@only("GET")
@signed_in
def of_account(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The journal of one account: what administrators did to it too."""
    return _page(request, account_for(request.user, service_name))


@only("GET")
@signed_in
@administrators_only
def export_everywhere(request: SignedInRequest) -> StreamingHttpResponse:
    """The journal of the whole house as comma-separated values."""
    return _export(request, None)


@only("GET")
@signed_in
def export_of_account(request: SignedInRequest, service_name: str) -> StreamingHttpResponse:
    """The journal of one account as comma-separated values."""
    return _export(request, account_for(request.user, service_name))


def _page(request: SignedInRequest, account: HostingAccount | None) -> HttpResponse:
    form = JournalForm(request.GET)
    form.is_valid()
    before = form.cleaned_data.get("before", "")
    found = journal.page(_wish(form, account), before)
    asked = _query(form)
    names = ("journal", "journal_export") if account is None else _OF_ACCOUNT
    here, export = (reverse(name, args=[account.service_name] if account else []) for name in names)
    is_fragment = request.htmx and not request.htmx.history_restore_request
    context: dict[str, Any] = {
        "layout": "journal/of_account.html" if account else "journal/everywhere.html",
        "account": account,
        "section": "journal",
        "tab": "journal",
        "rows": [_told(entry) for entry in found.rows],
        "form": form,
        "actions": sorted(audit.words().items(), key=lambda item: item[1]),
        "periods": _periods(),
        "days": form.days_wanted(),
        "is_first": not before,
        "here": here,
        "first": f"?{urlencode(asked)}",
        "next": f"?{urlencode({**asked, 'before': found.before})}" if found.before else "",
        "export": f"{export}?{urlencode(asked)}",
        # Where an administrator sat is not for everybody.
        "has_addresses": request.user.is_staff,
    }
    with timezone.override(account.time_zone if account else None):
        return render(request, "journal/list.html" if is_fragment else context["layout"], context)


_OF_ACCOUNT = ("account_journal", "account_journal_export")


def _export(request: SignedInRequest, account: HostingAccount | None) -> StreamingHttpResponse:
    form = JournalForm(request.GET)
    form.is_valid()
    audit.note(request, audit.Action.EXPORT_JOURNAL, account)
    heading = [_("Date"), _("Who"), _("Action"), _("Hosting plan"), _("Concerns"), _("Details")]
    if request.user.is_staff:
        heading.append(_("Address"))
    rows = _cells(journal.everything(_wish(form, account)), len(heading))
    response = StreamingHttpResponse(
        spreadsheet.lines(heading, rows), content_type="text/csv; charset=utf-8"
    )
    of = f"{account.service_name}-" if account else ""
    name = f"journal-{of}{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _cells(entries: Iterator[AuditEntry], columns: int) -> Iterator[list[str]]:
    for entry in entries:
        yield [
            entry.at.isoformat(timespec="seconds"),
            entry.actor,
            audit.word(entry.action),
            entry.account.service_name if entry.account else "",
            entry.target,
            audit.detail_words(entry.details),
            entry.address or "",
        ][:columns]


def _told(entry: AuditEntry) -> dict[str, Any]:
    return {
        "entry": entry,
        "word": audit.word(entry.action),
        "details": audit.detail_words(entry.details),
    }


def _wish(form: JournalForm, account: HostingAccount | None) -> journal.Wish:
    told = form.cleaned_data
    return journal.Wish(
        since=timezone.now() - timedelta(days=form.days_wanted()),
        account=account,
        account_name="" if account else told.get("account", "").strip(),
        actor=told.get("actor", "").strip(),
        action=told.get("action", ""),
    )


def _query(form: JournalForm) -> dict[str, str]:
    values = {name: form.cleaned_data.get(name, "") for name in ("account", "actor", "action")}
    values["days"] = str(form.days_wanted())
    return {name: value for name, value in values.items() if value}


def _periods() -> list[tuple[int, str]]:
    return [
        (1, _("Last 24 hours")),
        (7, _("Last 7 days")),
        (30, _("Last 30 days")),
        (90, _("Last 90 days")),
        (366, _("One year")),
    ]
