"""The page of the queue: searched, in pages, and what is done with chosen e-mails.

A choice takes two steps, as the three buttons do: what will happen and « Valider », then the deed.
Both are POST: two hundred numbers are too long for an address.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from mailqueue import false_alarms, queue, queue_view
from mailqueue.errors import IllegalTransition
from mailqueue.models import HostingAccount, Recipient
from mailqueue.queue import Wanted
from mailqueue.queue_view import Row, Wish
from mailqueue.tasks import follow_up
from panel import audit, overruling, queue_words, wording
from panel.access import SignedInRequest, account_for, account_to_change, may_act, only, signed_in
from panel.forms import QueueForm

# E-mails of a choice that are named before somebody confirms.
NAMED = 5
# Queue ids that an entry of the journal names.
NOTED = 10


class Choice(StrEnum):
    """What can be done with chosen e-mails."""

    RELEASE = "release"
    WANTED = "wanted"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chose: so many numbers, those that can be had, and if none, why."""

    ids: list[int]
    rows: list[Row]
    problem: str = ""
    status: int = 200


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str) -> HttpResponse:
    """The queue from the place that is asked for; for htmx the list alone."""
    account = account_for(request.user, service_name)
    is_fragment = request.htmx and not request.htmx.history_restore_request
    template = "queue/list.html" if is_fragment else "queue/page.html"
    with timezone.override(account.time_zone):
        return render(request, template, _context(request, account, request.GET))


@only("POST")
@signed_in
def confirm(request: SignedInRequest, service_name: str, choice: Choice) -> HttpResponse:
    """What will happen to the chosen e-mails, and « Valider »: a page, or what a dialog holds."""
    account = account_to_change(request.user, service_name)
    chosen = _chosen(request, account, choice)
    context = {
        "account": account,
        "tab": "scripts_emails",
        "choice": choice,
        "title": _title(choice),
        **_meaning(request, account, choice, chosen),
        "is_allowed": not chosen.problem,
        "rows": chosen.rows[:NAMED],
        "more": max(0, len(chosen.rows) - NAMED),
        "ids": [row.recipient_id for row in chosen.rows],
        "place": _place(request.POST),
        "back": _query(_place(request.POST)),
    }
    template = "queue/dialog.html" if request.htmx else "queue/confirm.html"
    with timezone.override(account.time_zone):
        return render(request, template, context, status=chosen.status)


@only("POST")
@signed_in
def act(request: SignedInRequest, service_name: str, choice: Choice) -> HttpResponse:
    """Let go or purge the chosen e-mails; 409 if that is not allowed, 400 if none was chosen."""
    account = account_to_change(request.user, service_name)
    chosen = _chosen(request, account, choice)
    status = chosen.status
    if chosen.problem:
        messages.error(request, chosen.problem)
    else:
        try:
            done = _do(request, account, choice, chosen)
        except IllegalTransition:
            # A click of somebody else came between.
            account.refresh_from_db()
            status = 409
            messages.error(request, _refused(request, account, choice))
        else:
            _tell(request, choice, done, len(chosen.ids))
    if request.htmx:
        with timezone.override(account.time_zone):
            context = _context(request, account, request.POST)
            return render(request, "queue/changed.html", context, status=status)
    if status != 200:
        with timezone.override(account.time_zone):
            context = _context(request, account, request.POST)
            return render(request, "queue/page.html", context, status=status)
    return redirect(reverse("queue", args=[service_name]) + _query(_place(request.POST)))


@dataclass(frozen=True, slots=True)
class Done:
    """To how many e-mails it was done, and what became of those that are wanted."""

    number: int
    wanted: Wanted | None = None


def _do(request: SignedInRequest, account: HostingAccount, choice: Choice, chosen: Chosen) -> Done:
    now = timezone.now()
    ids = [row.recipient_id for row in chosen.rows]
    is_staff = request.user.is_staff
    with transaction.atomic():
        if choice is Choice.WANTED:
            done = _want(request, account, chosen, now)
        elif choice is Choice.RELEASE:
            done = Done(queue.release_chosen(account.pk, ids, now, as_administrator=is_staff))
        else:
            done = Done(queue.purge_chosen(account.pk, ids, now))
        if done.number:
            action = {
                Choice.RELEASE: audit.Action.RELEASE_CHOSEN,
                Choice.WANTED: audit.Action.MARK_WANTED,
                Choice.PURGE: audit.Action.PURGE_CHOSEN,
            }[choice]
            queue_ids = list(dict.fromkeys(row.queue_id for row in chosen.rows))[:NOTED]
            audit.note(
                request,
                action,
                account,
                " ".join(queue_ids),
                number=done.number,
                of=len(chosen.ids),
            )
    follow_up()
    return done


def _want(request: SignedInRequest, account: HostingAccount, chosen: Chosen, now: datetime) -> Done:
    wanted = queue.mark_wanted(
        account.pk,
        {row.message_id for row in chosen.rows},
        now,
        actor=request.user.get_username(),
        as_administrator=request.user.is_staff,
    )
    return Done(wanted.let_go + wanted.over_quota, wanted)


def _tell(request: SignedInRequest, choice: Choice, done: Done, asked: int) -> None:
    if done.wanted is not None:
        text = overruling.done(done.wanted)
    elif choice is Choice.RELEASE:
        left = queue_words.left_alone(asked - done.number)
        text = f"{queue_words.released(done.number)} {left}" if done.number else ""
    else:
        left = queue_words.purge_leaves_alone(asked - done.number)
        text = f"{queue_words.purged(done.number)} {left}" if done.number else ""
    if text:
        messages.success(request, text.strip())
    else:
        messages.error(request, _left(choice, asked))


def _left(choice: Choice, number: int) -> str:
    """That so many of a choice stay as they are."""
    return {
        Choice.RELEASE: queue_words.left_alone,
        Choice.WANTED: queue_words.not_spam,
        Choice.PURGE: queue_words.purge_leaves_alone,
    }[choice](number)


def _chosen(request: SignedInRequest, account: HostingAccount, choice: Choice) -> Chosen:
    ids = _ids(request.POST)
    if not ids:
        return Chosen(ids, [], _("No e-mail is chosen. Tick some in the list first."), 400)
    if len(ids) > queue.MOST_CHOSEN:
        problem = _("At most %(number)d e-mails can be chosen at a time.")
        return Chosen(ids, [], problem % {"number": queue.MOST_CHOSEN}, 400)
    if not _may(request, account, choice):
        return Chosen(ids, [], _refused(request, account, choice), 409)
    rows = [row for row in queue_view.chosen(account, ids) if _fits(request, row, choice)]
    if not rows:
        return Chosen(ids, [], _left(choice, len(ids)), 409)
    return Chosen(ids, rows)


def _fits(request: SignedInRequest, row: Row, choice: Choice) -> bool:
    is_held = row.status is Recipient.Status.HELD
    if choice is Choice.PURGE:
        return is_held or row.status is Recipient.Status.WAITING
    if choice is Choice.WANTED:
        return is_held and row.hold_reason == Recipient.HoldReason.SPAM
    # What the quotas hold, or itself is held, is no owner's to let go.
    is_blocked = row.hold_reason == Recipient.HoldReason.BLOCKED
    return is_held and (request.user.is_staff or is_blocked)


def _may(request: SignedInRequest, account: HostingAccount, choice: Choice) -> bool:
    as_administrator = request.user.is_staff
    if choice is Choice.PURGE:
        return queue.may_purge(account)
    if choice is Choice.WANTED:
        return queue.may_overrule(account, as_administrator=as_administrator)
    return queue.may_release(account, as_administrator=as_administrator)


def _refused(request: SignedInRequest, account: HostingAccount, choice: Choice) -> str:
    if choice is Choice.PURGE:
        why = _("A purge is running")
    elif choice is Choice.WANTED:
        why = overruling.why_not(account, as_administrator=request.user.is_staff)
    else:
        why = queue_words.why_not_release(account)
    return _("Nothing was changed. %(why)s.") % {"why": why}


def _title(choice: Choice) -> str:
    return {
        Choice.RELEASE: _("Release the selection"),
        Choice.WANTED: _("Mark as wanted"),
        Choice.PURGE: _("Delete the selection"),
    }[choice]


def _meaning(
    request: SignedInRequest, account: HostingAccount, choice: Choice, chosen: Chosen
) -> dict[str, Any]:
    """What will happen to the chosen e-mails, for the templates."""
    if chosen.problem:
        return {"sentences": [chosen.problem]}
    left = _left(choice, len(chosen.ids) - len(chosen.rows))
    if choice is Choice.WANTED:
        outlook = false_alarms.outlook(
            account,
            {row.message_id for row in chosen.rows},
            with_malware=request.user.is_staff,
        )
        found = [*overruling.sentences(outlook), left]
        return {"sentences": filter(None, found), "lost": overruling.lost(outlook.falls)}
    asked = {
        Choice.RELEASE: queue_words.release_question,
        Choice.PURGE: queue_words.purge_question,
    }[choice]
    return {"sentences": filter(None, [asked(chosen.rows), left])}


_NUMBER = re.compile("[0-9]{1,18}")


def _ids(told: QueryDict) -> list[int]:
    """The numbers that were ticked, or all that were shown; what is no number is none."""
    values = told.getlist("shown" if told.get("all") else "chosen")
    return list(dict.fromkeys(int(value) for value in values if _NUMBER.fullmatch(value)))


def _place(told: QueryDict) -> dict[str, str]:
    """Where in the queue somebody stands, as an address says it; the usual is left out."""
    form = QueueForm(told)
    form.is_valid()
    values = form.cleaned_data
    place = {
        "q": values.get("q", "").strip(),
        "standing": values["standing"].value if values.get("standing") else "",
        "show": values.get("show") if values.get("show") != QueueForm.SIZES[0] else "",
        "after": values.get("after") or "",
        "before": values.get("before") or "",
    }
    return {name: str(value) for name, value in place.items() if value}


def _context(request: SignedInRequest, account: HostingAccount, told: QueryDict) -> dict[str, Any]:
    place = _place(told)
    wish = Wish(
        standing=queue_view.Standing(place["standing"]) if "standing" in place else None,
        search=place.get("q", ""),
    )
    size = int(place.get("show", QueueForm.SIZES[0]))
    after = int(place["after"]) if "after" in place else None
    before = int(place["before"]) if "before" in place and after is None else None
    found = queue_view.page(
        account, wish, after=after, before=before, limit=size, look_at=queue_view.LOOKED_AT
    )
    now = timezone.now()
    filters: dict[str, str] = {
        name: place[name] for name in ("q", "standing", "show") if name in place
    }
    is_in_charge = may_act(request.user, account)
    return {
        "account": account,
        "tab": "scripts_emails",
        "queued": account.totals.queued,
        "rows": [
            {
                "queued": row,
                "status": wording.queued_status(row, now),
                "age": wording.duration(now - row.accepted_at),
                "left": wording.duration(row.deadline - now),
                "is_spam": row.hold_reason == Recipient.HoldReason.SPAM,
                "score": None if row.spam_score is None else overruling.points(row.spam_score),
            }
            for row in found.rows
        ],
        "place": place,
        "is_narrowed": "q" in place or "standing" in place,
        "is_start": after is None and found.before is None,
        "standings": queue_words.standings(),
        "sizes": QueueForm.SIZES,
        "size": size,
        "looked": queue_words.looked(queue_view.LOOKED_AT, wording.moment(found.looked_until, now))
        if found.looked_until
        else "",
        "looks_back": before is not None,
        "first": _query(filters),
        "next": _query({**filters, "after": str(found.after)}) if found.after else "",
        "previous": _query({**filters, "before": str(found.before)}) if found.before else "",
        "may_act": is_in_charge,
        "may_release": is_in_charge and _may(request, account, Choice.RELEASE),
        "may_purge": is_in_charge and _may(request, account, Choice.PURGE),
        "why_not_release": queue_words.why_not_release(account),
        "shows_spam": any(row.hold_reason == Recipient.HoldReason.SPAM for row in found.rows),
        "why_not_wanted": overruling.why_not(account, as_administrator=request.user.is_staff),
    }


def _query(values: dict[str, str]) -> str:
    return f"?{urlencode(values)}" if values else ""
