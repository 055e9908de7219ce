"""« Scripts »: which scripts of an account send how much, and the blocking of one of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone

from mailqueue import script_view, service
from mailqueue.models import HostingAccount
from mailqueue.script_view import Figures, Line
from mailqueue.tasks import follow_up
from panel import audit, script_words
from panel.access import SignedInRequest, account_for, account_to_change, may_act, only, signed_in
from panel.forms import ListForm
from panel.script_words import Step

PER_PAGE = 50
# The newest e-mails of a script that its page names.
MESSAGES = 20
# The height of the small bars, and of one that is there at all.
BARS_HEIGHT = 24
LEAST_HEIGHT = 2


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """All scripts of an account: the blocked ones first, then those that send most."""
    account = account_for(request.user, service_name)
    form = ListForm(request.GET)
    form.is_valid()
    now = timezone.now()
    lines = script_view.of_account(account, now)
    found = Paginator(lines, PER_PAGE).get_page(form.cleaned_data.get("page") or 1)
    days = script_view.by_day([line.script.pk for line in found], now)
    with timezone.override(account.time_zone):
        return render(
            request,
            "scripts/page.html",
            {
                "account": account,
                "tab": "scripts",
                "found": found,
                "rows": [{**_told(line), "bars": _bars(days[line.script.pk])} for line in found],
                "number_blocked": sum(line.script.blocked_at is not None for line in lines),
            },
        )


@only("GET")
@signed_in
def script(request: SignedInRequest, service_name: str, key: str) -> HttpResponse:
    """One script: its chart, its last e-mails, what is held of it, and the buttons."""
    account = account_for(request.user, service_name)
    now = timezone.now()
    line = _wanted(account, key)
    is_in_charge = may_act(request.user, account)
    held = script_view.held_of(line.script) if line.script.blocked_at or line.job else None
    days = script_view.by_day([line.script.pk], now)[line.script.pk]
    with timezone.override(account.time_zone):
        return render(
            request,
            "scripts/script.html",
            {
                "account": account,
                "tab": "scripts",
                **_told(line),
                "working": script_words.working(line.job),
                "held": script_words.held_told(held) if held and held.number else "",
                "days": [
                    {"day": day, "figures": figures, "date": formats.date_format(day)}
                    for day, figures in days.items()
                ],
                "messages_found": script_view.messages_of(line.script, MESSAGES),
                "looked_at": script_view.MESSAGES_LOOKED_AT,
                "steps": [
                    {"step": step, "title": script_words.title(step)}
                    for step in Step
                    if is_in_charge and not script_words.why_not(step, line.script)
                ],
            },
        )


@only("GET")
@signed_in
def confirm(request: SignedInRequest, service_name: str, key: str, step: Step) -> HttpResponse:
    """What will happen, and « Valider »; 409 if the button does not apply."""
    account = account_to_change(request.user, service_name)
    line = _wanted(account, key)
    why_not = script_words.why_not(step, line.script)
    held = script_view.held_of(line.script)
    context = {
        "account": account,
        "tab": "scripts",
        **_told(line),
        "step": step,
        "title": script_words.title(step),
        "is_allowed": not why_not,
        "sentences": [why_not] if why_not else script_words.consequences(step, account, held),
    }
    return render(request, "scripts/confirm.html", context, status=409 if why_not else 200)


@only("POST")
@signed_in
def act(request: SignedInRequest, service_name: str, key: str, step: Step) -> HttpResponse:
    """Block, unblock or purge a script; what does not apply is told and changes nothing."""
    account = account_to_change(request.user, service_name)
    now = timezone.now()
    wanted = _wanted(account, key).script
    refusal = script_words.why_not(step, wanted)
    if refusal:
        messages.error(request, refusal)
        return redirect("script", service_name, key)
    with transaction.atomic():
        if step is Step.BLOCK:
            clicked = service.block_script(account.pk, key, request.user.get_username(), now)
        elif step is Step.UNBLOCK:
            clicked = service.unblock_script(account.pk, key, now)
        else:
            clicked = service.purge_script(account.pk, key, now)
        audit.note(request, _ACTIONS[step], account, wanted.name, folder=wanted.folder)
    service.start_script_job(clicked, now)
    follow_up()
    messages.success(request, script_words.done(step, wanted))
    return redirect("script", service_name, key)


_ACTIONS = {
    Step.BLOCK: audit.Action.BLOCK_SCRIPT,
    Step.UNBLOCK: audit.Action.UNBLOCK_SCRIPT,
    Step.PURGE: audit.Action.PURGE_SCRIPT,
}


def _wanted(account: HostingAccount, key: str) -> Line:
    """The script of this key. Raises Http404 if the account has none."""
    line = script_view.of_script(account, key, timezone.now())
    if line is None:
        raise Http404
    return line


def _told(line: Line) -> dict[str, Any]:
    figures = line.figures
    return {
        "line": line,
        "script": line.script,
        "name": script_words.name(line),
        "folder": script_words.visible(line.script.folder),
        "way": script_words.way(line.script),
        "error_share": script_words.share(figures.failed, figures.handed),
        "spam_share": script_words.share(figures.spam, figures.handed),
    }


def _bars(days: Mapping[date, Figures]) -> list[dict[str, Any]]:
    """Small bars, one for each day, drawn to the highest of them."""
    most = max((max(day.handed, day.failed) for day in days.values()), default=0)
    bars: list[dict[str, Any]] = []
    for place, day in enumerate(days.values()):
        for kind, number in (("sent", max(day.handed, day.failed)), ("failed", day.failed)):
            if number:
                height = max(LEAST_HEIGHT, BARS_HEIGHT * number // most)
                bars.append(
                    {"x": 4 * place, "y": BARS_HEIGHT - height, "height": height, "kind": kind}
                )
    return bars
