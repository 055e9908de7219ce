"""The page « Scripts emails »: what an account sends, and the buttons that stop it.

The page is made of parts. Each is rendered once, for the page or for the fragment that keeps an
open page up to date: that fragment carries only the parts whose text has changed.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import actions, history, overview, queue_view, service
from mailqueue.errors import IllegalTransition
from mailqueue.history import History, Period
from mailqueue.models import HostingAccount
from mailqueue.overview import Overview
from mailqueue.states import DELIVERING, Event, State
from mailqueue.tasks import follow_up
from panel import audit, explaining, place, wording
from panel.access import (
    SignedInRequest,
    account_for,
    account_to_change,
    may_act,
    only,
    signed_in,
)
from panel.forms import LiftForm, PurgeForm
from panel.place import Place
from panel.views.errors import NotAllowed

PARTS = ("explanation", "facts", "actions", "periods", "span", "history", "queue", "changes")
ONE_DAY = timedelta(days=1)
# E-mails of the queue that the page shows at once.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Link:
    """The way to another place on the page: its address, and that of its fragment."""

    page: str
    live: str


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The whole page."""
    account = account_for(request.user, service_name)
    return _page(request, account, place.read(request.GET), timezone.now())


@only("GET")
@signed_in
def live(request: SignedInRequest, service_name: str) -> HttpResponse:
    """What has changed on the page since `version`; 204 if nothing has."""
    account = account_for(request.user, service_name)
    if not request.htmx:
        return redirect("scripts_emails", service_name)
    here = place.read(request.GET)
    parts = _parts(request, account, here, timezone.now())
    known = request.GET.get("version", "")
    if known == _version(parts):
        return HttpResponse(status=204)
    return HttpResponse(_fragment(request, account, here, parts, known))


@only("GET")
@signed_in
def confirm(request: SignedInRequest, service_name: str, action: Event) -> HttpResponse:
    """What an action will do, and « Valider »: a page, or what a dialog holds."""
    account = _account_for(request, service_name, action)
    seen = overview.of_account(account, timezone.now(), is_administrator=request.user.is_staff)
    asked = getattr(seen.actions, action)
    with timezone.override(account.time_zone):
        return render(
            request,
            "scripts_emails/dialog.html" if request.htmx else "scripts_emails/confirm.html",
            {
                "account": account,
                "tab": "scripts_emails",
                "action": action,
                "title": wording.title(action),
                "is_allowed": asked.is_allowed,
                "sentences": wording.consequences(action, seen)
                if asked.is_allowed
                else [wording.refused(asked.why)],
                "may_stay_blocked": action is Event.PURGE and request.user.is_staff,
                "takes_word": action is Event.LIFT,
            },
            status=200 if asked.is_allowed else 409,
        )


@only("POST")
@signed_in
def act(request: SignedInRequest, service_name: str, action: Event) -> HttpResponse:
    """Block, unblock or purge; 409 if the state of the service does not allow it."""
    account = _account_for(request, service_name, action)
    now = timezone.now()
    is_refused = False
    try:
        _click(request, account, action, now)
    except IllegalTransition:
        is_refused = True
    account.refresh_from_db()
    if is_refused:
        may = actions.of_state(
            State(account.state),
            review_required=account.review_required,
            is_administrator=request.user.is_staff,
            is_closed=account.closed_at is not None,
        )
        messages.error(request, wording.refused(getattr(may, action).why))
    else:
        messages.success(request, wording.done(action, State(account.state)))
    status = 409 if is_refused else 200
    if request.htmx:
        # The dialog stands on a page that shows some place.
        here = place.read(QueryDict(urlsplit(request.htmx.current_url or "").query))
        parts = _parts(request, account, here, now)
        return HttpResponse(_fragment(request, account, here, parts, ""), status=status)
    if is_refused:
        return _page(request, account, Place(), now, status)
    return redirect("scripts_emails", service_name)


def _click(request: SignedInRequest, account: HostingAccount, action: Event, now: datetime) -> None:
    with transaction.atomic():
        _raise(request, account, action, now)
        audit.note(request, audit.Action(action.value), account)
    follow_up()


def _raise(request: SignedInRequest, account: HostingAccount, action: Event, now: datetime) -> None:
    actor, is_staff = request.user.get_username(), request.user.is_staff
    if action is Event.BLOCK:
        service.block(account.pk, actor, now, by_administrator=is_staff)
    elif action is Event.UNBLOCK:
        service.unblock(account.pk, actor, now, by_administrator=is_staff)
    elif action is Event.LIFT:
        lifting = LiftForm(request.POST)
        word = lifting.cleaned_data["word"] if lifting.is_valid() else ""
        service.lift(account.pk, actor, now, word)
    else:
        form = PurgeForm(request.POST if is_staff else {})
        stay_blocked = form.is_valid() and form.cleaned_data["stay_blocked"]
        service.purge(account.pk, actor, now, stay_blocked=stay_blocked, by_administrator=is_staff)


def _account_for(request: SignedInRequest, service_name: str, action: Event) -> HostingAccount:
    """The account, if this user may do that to it. Raises Http404 or NotAllowed."""
    account = account_to_change(request.user, service_name)
    if action is Event.LIFT and not request.user.is_staff:
        raise NotAllowed(_("Only an administrator can lift a stop."))
    return account


def _page(
    request: SignedInRequest,
    account: HostingAccount,
    here: Place,
    now: datetime,
    status: int = 200,
) -> HttpResponse:
    parts = _parts(request, account, here, now)
    context = {
        "account": account,
        "tab": "scripts_emails",
        "parts": parts,
        "live_url": _live_url(account, here, _version(parts)),
        # The address of a refused action is none to come back to.
        "here": _link(account, here).page,
    }
    return render(request, "scripts_emails/page.html", context, status=status)


def _fragment(
    request: SignedInRequest,
    account: HostingAccount,
    here: Place,
    parts: dict[str, str],
    known: str,
) -> str:
    """The parts that differ from those of version `known`, and the alerts if there are any.

    What an alert says of the state is past once that has changed again: it goes.
    """
    old = dict(zip(PARTS, known.split("-"), strict=False))
    changed = {name: text for name, text in parts.items() if old.get(name) != _digest(text)}
    context = {
        "changed": changed,
        "is_past": "changes" in old and "changes" in changed,
        "live_url": _live_url(account, here, _version(parts)),
    }
    return render_to_string("scripts_emails/live.html", context, request)


def _parts(
    request: SignedInRequest, account: HostingAccount, here: Place, now: datetime
) -> dict[str, str]:
    """Each part of the page as text, in the account's time zone."""
    seen = overview.of_account(account, now, is_administrator=request.user.is_staff)
    is_in_charge = may_act(request.user, account)
    context: dict[str, Any] = {
        "account": account,
        "seen": seen,
        "may_act": is_in_charge,
        "is_delivering": seen.state in DELIVERING,
        "state_word": wording.state_word(seen.state),
        "state_for": wording.duration(now - seen.since),
        "error_share": _share(seen),
        "progress": wording.progress(seen.job) if seen.job else "",
    }
    with timezone.override(account.time_zone):
        context["explanation"] = explaining.explanation(seen, now)
        context["notices"] = explaining.notices(seen, now)
        context["spam_notice"] = explaining.spam_notice(seen)
        context["buttons"] = wording.buttons(seen, may_act=is_in_charge)
        context["chart"] = _chart(account, here, now, seen.queued)
        context["queue"] = _queue(account, here, now)
        context["changes"] = _changes(account, here, now)
        return {
            name: render_to_string(f"scripts_emails/{name}.html", context, request)
            for name in PARTS
        }


def _chart(account: HostingAccount, here: Place, now: datetime, queued: int) -> dict[str, Any]:
    born = timezone.localtime(account.created_at).date()
    today = timezone.localtime(now).date()
    shown = _history(account, here, now, queued, born, today)
    return {
        "periods": [
            {
                "value": period.value,
                "word": wording.period_word(period),
                "link": _link(account, here.but(period=period, day=None)),
                "is_current": shown.day is None and period is shown.period,
            }
            for period in Period
        ],
        "span": wording.span(shown),
        "caption": wording.caption(shown),
        "is_by_hour": shown.is_by_hour,
        "rows": [
            {"bar": bar, **words, "link": _to_day(account, here, bar.start.date(), born, shown)}
            for bar, words in zip(shown.bars, wording.bar_names(shown), strict=True)
        ],
        "back": wording.way_back(shown.period) if shown.day else "",
        "to_period": _link(account, here.but(day=None)),
        "to_previous": _to_neighbour(account, here, shown.day, -ONE_DAY, born, today),
        "to_next": _to_neighbour(account, here, shown.day, ONE_DAY, born, today),
    }


def _history(
    account: HostingAccount, here: Place, now: datetime, queued: int, born: date, today: date
) -> History:
    """The hours of the day that was chosen, if the account lived on it; else the period."""
    if here.day is not None and born <= here.day <= today:
        try:
            return history.of_day(account, here.day, here.period, now, queued)
        except ValueError:
            pass
    return history.of_period(account, here.period, now, queued)


def _to_day(
    account: HostingAccount, here: Place, day: date, born: date, shown: History
) -> Link | None:
    """From the bar of a day to its hours."""
    if shown.is_by_hour or day < born:
        return None
    return _link(account, here.but(day=day))


def _to_neighbour(
    account: HostingAccount, here: Place, day: date | None, step: timedelta, born: date, today: date
) -> Link | None:
    if day is None or not born <= day + step <= today:
        return None
    return _link(account, here.but(day=day + step))


def _queue(account: HostingAccount, here: Place, now: datetime) -> dict[str, Any]:
    found = queue_view.page(account, after=here.after, limit=SHOWN)
    return {
        "rows": [
            {
                "queued": row,
                "status": wording.queued_status(row, now),
                "age": wording.duration(now - row.accepted_at),
                "left": wording.duration(row.deadline - now),
            }
            for row in found.rows
        ],
        "to_start": _link(account, here.but(after=None)) if here.after else None,
        "to_next": _link(account, here.but(after=found.after)) if found.after else None,
    }


def _changes(account: HostingAccount, here: Place, now: datetime) -> dict[str, Any]:
    found = overview.changes_page(account, here.earlier)
    further = here.but(earlier=found.next_before)
    return {
        "rows": explaining.changes_told(found.rows, now),
        "to_newest": _link(account, here.but(earlier=None)) if here.earlier else None,
        "to_earlier": _link(account, further) if found.next_before else None,
    }


def _share(seen: Overview) -> float | None:
    return 100 * seen.total_in_error / seen.total_sent if seen.total_sent else None


def _link(account: HostingAccount, there: Place) -> Link:
    ways = [
        reverse(name, args=[account.service_name])
        for name in ("scripts_emails", "scripts_emails_live")
    ]
    return Link(*(f"{way}?{there.query}" if there.query else way for way in ways))


def _live_url(account: HostingAccount, here: Place, version: str) -> str:
    address = reverse("scripts_emails_live", args=[account.service_name])
    query = f"&{here.query}" if here.query else ""
    return f"{address}?version={version}{query}"


def _version(parts: dict[str, str]) -> str:
    return "-".join(_digest(parts[name]) for name in PARTS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
