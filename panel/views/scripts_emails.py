"""The page « Scripts emails »: what an account sends, and the buttons that stop it.

The page is made of parts. Each is rendered once, for the page or for the fragment that keeps an
open page up to date: that fragment carries only the parts whose text has changed.
"""

import hashlib
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from mailqueue import overview, service
from mailqueue.errors import IllegalTransition
from mailqueue.models import HostingAccount
from mailqueue.overview import Overview
from mailqueue.states import DELIVERING, Event, State
from mailqueue.tasks import follow_up
from panel import wording
from panel.access import SignedInRequest, account_for, account_to_change, may_act, only, signed_in
from panel.forms import PurgeForm, QueueForm

PARTS = ("explanation", "facts", "actions", "history", "queue")


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The whole page."""
    account = account_for(request.user, service_name)
    return _page(request, account, timezone.now())


@only("GET")
@signed_in
def live(request: SignedInRequest, service_name: str) -> HttpResponse:
    """What has changed on the page since `version`; 204 if nothing has."""
    account = account_for(request.user, service_name)
    if not request.htmx:
        return redirect("scripts_emails", service_name)
    parts = _parts(request, account, timezone.now())
    known = request.GET.get("version", "")
    if known == _version(parts):
        return HttpResponse(status=204)
    return HttpResponse(_fragment(request, account, parts, known))


@only("GET")
@signed_in
def confirm(request: SignedInRequest, service_name: str, action: Event) -> HttpResponse:
    """What an action will do, and « Valider »: a page, or what a dialog holds."""
    account = account_to_change(request.user, service_name)
    seen = overview.of_account(account, timezone.now())
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
            },
            status=200 if asked.is_allowed else 409,
        )


@only("POST")
@signed_in
def act(request: SignedInRequest, service_name: str, action: Event) -> HttpResponse:
    """Block, unblock or purge; 409 if the state of the service does not allow it."""
    account = account_to_change(request.user, service_name)
    now = timezone.now()
    is_refused = False
    try:
        _click(request, account, action, now)
    except IllegalTransition:
        is_refused = True
    account.refresh_from_db()
    if is_refused:
        why = getattr(overview.actions(State(account.state)), action).why
        messages.error(request, wording.refused(why))
    else:
        messages.success(request, wording.done(action, State(account.state)))
    status = 409 if is_refused else 200
    if request.htmx:
        parts = _parts(request, account, now)
        return HttpResponse(_fragment(request, account, parts, ""), status=status)
    if is_refused:
        return _page(request, account, now, status)
    return redirect("scripts_emails", service_name)


def _click(request: SignedInRequest, account: HostingAccount, action: Event, now: datetime) -> None:
    actor = request.user.get_username()
    if action is Event.BLOCK:
        service.block(account.pk, actor, now)
    elif action is Event.UNBLOCK:
        service.unblock(account.pk, actor, now)
    else:
        form = PurgeForm(request.POST if request.user.is_staff else {})
        stay_blocked = form.is_valid() and form.cleaned_data["stay_blocked"]
        service.purge(account.pk, actor, now, stay_blocked=stay_blocked)
    follow_up()


def _page(
    request: SignedInRequest, account: HostingAccount, now: datetime, status: int = 200
) -> HttpResponse:
    parts = _parts(request, account, now)
    context = {
        "account": account,
        "tab": "scripts_emails",
        "parts": parts,
        "live_url": _live_url(request, account, parts),
        # The address of a refused action is none to come back to.
        "here": reverse("scripts_emails", args=[account.service_name]),
    }
    return render(request, "scripts_emails/page.html", context, status=status)


def _fragment(
    request: SignedInRequest, account: HostingAccount, parts: dict[str, str], known: str
) -> str:
    """The parts that differ from those of version `known`, and the alerts if there are any."""
    old = dict(zip(PARTS, known.split("-"), strict=False))
    changed = {name: text for name, text in parts.items() if old.get(name) != _digest(text)}
    context = {"changed": changed, "live_url": _live_url(request, account, parts)}
    return render_to_string("scripts_emails/live.html", context, request)


def _parts(request: SignedInRequest, account: HostingAccount, now: datetime) -> dict[str, str]:
    """Each part of the page as text, in the account's time zone."""
    seen = overview.of_account(account, now)
    is_in_charge = may_act(request.user, account)
    form = QueueForm(request.GET)
    after = form.cleaned_data["after"] if form.is_valid() else None
    context: dict[str, Any] = {
        "account": account,
        "seen": seen,
        "may_act": is_in_charge,
        "is_delivering": seen.state in DELIVERING,
        "state_word": wording.state_word(seen.state),
        "state_for": wording.duration(now - seen.since),
        "error_share": _share(seen),
        "progress": wording.progress(seen.job) if seen.job else "",
        "after": after,
    }
    with timezone.override(account.time_zone):
        context["explanation"] = wording.explanation(seen, now)
        context["buttons"] = wording.buttons(seen, may_act=is_in_charge)
        context["queue"] = _queue(account, after, now)
        return {
            name: render_to_string(f"scripts_emails/{name}.html", context, request)
            for name in PARTS
        }


def _queue(account: HostingAccount, after: int | None, now: datetime) -> dict[str, Any]:
    found = overview.queue_page(account, after)
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
        "next": urlencode({"after": found.next_after}) if found.next_after else "",
    }


def _share(seen: Overview) -> float | None:
    return 100 * seen.total_in_error / seen.total_sent if seen.total_sent else None


def _live_url(request: SignedInRequest, account: HostingAccount, parts: dict[str, str]) -> str:
    values = {"version": _version(parts)}
    if "after" in request.GET:
        values["after"] = request.GET["after"]
    address = reverse("scripts_emails_live", args=[account.service_name])
    return f"{address}?{urlencode(values)}"


def _version(parts: dict[str, str]) -> str:
    return "-".join(_digest(parts[name]) for name in PARTS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
