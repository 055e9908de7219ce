"""« Emails en erreur »: what was refused and why, as a page and as a file."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from mailqueue import failures
from mailqueue.bounces import Category
from mailqueue.failures import Wish
from panel import audit, spreadsheet, wording
from panel.access import SignedInRequest, account_for, only, signed_in
from panel.forms import EXPIRED, ErrorsForm
from panel.models import DailyReport

# Reports that the page leads to: a quarter of a year.
MOST_REPORTS = 92


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The e-mails in error of one account, the newest first."""
    account = account_for(request.user, service_name)
    form = ErrorsForm(request.GET)
    form.is_valid()
    before = form.cleaned_data.get("before", "")
    found = failures.page(account, _wish(form), before)
    asked = _query(form)
    is_fragment = request.htmx and not request.htmx.history_restore_request
    with timezone.override(account.time_zone):
        return render(
            request,
            "errors_list/list.html" if is_fragment else "errors_list/page.html",
            {
                "account": account,
                "tab": "scripts_emails",
                "rows": [
                    {
                        "failure": row,
                        "address": wording.address(row.address),
                        "category": wording.cause(row),
                        "advice": wording.what_to_do(row),
                    }
                    for row in found.rows
                ],
                "form": form,
                "categories": [*wording.failure_categories(), (EXPIRED, _("Expired in the queue"))],
                "periods": wording.error_periods(),
                "days": form.days_wanted(),
                "is_first": not before,
                "first": f"?{urlencode(asked)}",
                "next": f"?{urlencode({**asked, 'before': found.before})}" if found.before else "",
                "export": urlencode(asked),
                "reports": DailyReport.objects.filter(account=account)
                .defer("text")
                .order_by("-day")[:MOST_REPORTS],
            },
        )


@only("GET")
@signed_in
def export(request: SignedInRequest, service_name: str) -> StreamingHttpResponse:
    """The same as comma-separated values, for all pages; formulas in it are text."""
    account = account_for(request.user, service_name)
    form = ErrorsForm(request.GET)
    form.is_valid()
    audit.note(request, audit.Action.EXPORT_ERRORS, account)
    rows = _cells(failures.everything(account, _wish(form)))
    response = StreamingHttpResponse(
        spreadsheet.lines(_heading(), rows), content_type="text/csv; charset=utf-8"
    )
    name = f"emails-en-erreur-{account.service_name}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@only("GET")
@signed_in
def report(request: SignedInRequest, service_name: str, day: date) -> HttpResponse:
    """A daily report as it was sent."""
    account = account_for(request.user, service_name)
    found = DailyReport.objects.filter(account=account, day=day).first()
    if found is None:
        raise Http404
    with timezone.override(account.time_zone):
        context = {"account": account, "tab": "scripts_emails", "report": found}
        return render(request, "errors_list/report.html", context)


def _wish(form: ErrorsForm) -> Wish:
    category = form.cleaned_data.get("category", "")
    is_expired = category == EXPIRED
    return Wish(
        since=timezone.now() - timedelta(days=form.days_wanted()),
        category=Category(category) if category and not is_expired else None,
        is_expired=is_expired,
        search=form.cleaned_data.get("q", "").strip(),
    )


def _query(form: ErrorsForm) -> dict[str, str]:
    values = {name: form.cleaned_data.get(name, "") for name in ("q", "category")}
    values["days"] = str(form.days_wanted())
    return {name: value for name, value in values.items() if value}


def _heading() -> list[str]:
    return [
        _("Date"),
        _("Recipient"),
        _("Subject"),
        _("Script"),
        _("Category"),
        _("Status code"),
        _("Server’s message"),
        _("Server"),
    ]


def _cells(rows: Iterator[failures.Failure]) -> Iterator[list[str]]:
    for row in rows:
        yield [
            row.ended_at.isoformat(timespec="seconds"),
            row.address,
            row.subject,
            row.script,
            wording.cause(row),
            row.status,
            row.reply,
            row.host,
        ]
