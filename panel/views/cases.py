"""Cases: why an account stopped for spam, what was found, what its owner says, and the answer.

An account's people see its cases, administrators the list of all, and they alone answer. Whoever
looks into an e-mail of a case leaves an entry in the journal of the account.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages as notes
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from mailqueue import actions, case_view, cases, overview, service
from mailqueue.errors import IllegalTransition, NoReview
from mailqueue.models import CaseSample, HostingAccount, Review, SpamCase
from mailqueue.states import Event, State
from mailqueue.tasks import follow_up
from panel import audit, case_words, explaining, preview, wording
from panel.access import (
    SignedInRequest,
    account_for,
    account_to_change,
    administrators_only,
    may_act,
    only,
    signed_in,
)
from panel.forms import CaseForm, CasesForm
from panel.views import messages
from panel.views.errors import NotAllowed

# Rules that the list names for a case.
NAMED = 2


@only("GET")
@signed_in
@administrators_only
def everywhere(request: SignedInRequest) -> HttpResponse:
    """The cases of the whole house, those that are open unless all are wanted."""
    form = CasesForm(request.GET)
    form.is_valid()
    told = form.cleaned_data
    search, is_all = told.get("q", "").strip(), bool(told.get("all"))
    before = told.get("before")
    found = case_view.page(is_open=not is_all, search=search, before_id=before)
    now = timezone.now()
    asked = {"q": search, "all": "on" if is_all else ""}
    first = {name: value for name, value in asked.items() if value}
    context = {
        "section": "cases",
        "rows": [_row(row, now) for row in found.rows],
        "search": search,
        "is_all": is_all,
        "first": f"?{urlencode(first)}" if before else "",
        "next": f"?{urlencode({**first, 'before': found.next_before})}"
        if found.next_before
        else "",
    }
    return render(request, "cases/list.html", context)


@only("GET")
@signed_in
def page(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """One case: evidence, what to do, what was said and what happened."""
    account, case = _wanted(request, service_name, pk)
    return _page(request, account, case, CaseForm())


@only("POST")
@signed_in
def answer(request: SignedInRequest, service_name: str, pk: int) -> HttpResponse:
    """Lift the stop, or refuse to, with a word for the owner; 409 if there is nothing to answer."""
    account, case = _wanted(request, service_name, pk, find=account_to_change)
    if not request.user.is_staff:
        raise NotAllowed(_("Only an administrator can answer a review."))
    form = CaseForm(request.POST)
    if not form.is_valid():
        return _page(request, account, case, form, status=400)
    given, word = form.cleaned_data["answer"], form.cleaned_data["word"]
    try:
        if given == CaseForm.LIFT:
            _lift(request, account, word)
        else:
            _refuse(request, account, word)
    except (IllegalTransition, NoReview) as error:
        account.refresh_from_db()
        notes.error(request, _why(account, error))
        return _page(request, account, case, form, status=409)
    return redirect("case", service_name, pk)


@only("GET")
@signed_in
def sample(request: SignedInRequest, service_name: str, pk: int, sample_pk: int) -> HttpResponse:
    """One e-mail of a case: what was found in it, and what it says."""
    account, case, row = _sample(request, service_name, pk, sample_pk)
    content = _content(request, account, row, audit.Action.PREVIEW)
    seen = None if content is None else preview.take_apart(content)
    [line] = case_words.samples([row])
    with timezone.override(account.time_zone):
        return render(
            request,
            "cases/sample.html",
            {
                "account": account,
                "tab": "scripts_emails",
                "case": case,
                "line": line,
                "seen": seen,
                "known": messages.known(seen),
                "is_cut": seen is not None and (seen.is_cut or row.is_clipped),
            },
        )


@only("GET")
@signed_in
@xframe_options_sameorigin
def html(request: SignedInRequest, service_name: str, pk: int, sample_pk: int) -> HttpResponse:
    """The HTML of an e-mail of a case as a document of its own, locked up by its policy."""
    account, _case, row = _sample(request, service_name, pk, sample_pk)
    return messages.document(_content(request, account, row, audit.Action.PREVIEW, once=True))


@only("GET")
@signed_in
def download(request: SignedInRequest, service_name: str, pk: int, sample_pk: int) -> HttpResponse:
    """An e-mail of a case as it is kept, as a file."""
    account, _case, row = _sample(request, service_name, pk, sample_pk)
    return messages.file(_content(request, account, row, audit.Action.DOWNLOAD), row.queue_id)


def _wanted(
    request: SignedInRequest,
    service_name: str,
    pk: int,
    *,
    find: Callable[..., HostingAccount] = account_for,
) -> tuple[HostingAccount, SpamCase]:
    """The account and its case. Raises Http404, NotAllowed."""
    account = find(request.user, service_name)
    case = case_view.find(account, pk)
    if case is None:
        raise Http404
    return account, case


def _sample(
    request: SignedInRequest, service_name: str, pk: int, sample_pk: int
) -> tuple[HostingAccount, SpamCase, CaseSample]:
    account, case = _wanted(request, service_name, pk)
    messages.check_preview(request.user, account)
    row = case.samples.filter(pk=sample_pk).first()
    if row is None:
        raise Http404
    return account, case, row


def _content(
    request: SignedInRequest,
    account: HostingAccount,
    row: CaseSample,
    action: audit.Action,
    *,
    once: bool = False,
) -> bytes | None:
    content = cases.content_of(row)
    if content is not None:
        messages.note_look(request, account, row.queue_id, action, once=once)
    return content


def _lift(request: SignedInRequest, account: HostingAccount, word: str) -> None:
    with transaction.atomic():
        service.lift(account.pk, request.user.get_username(), timezone.now(), word)
        audit.note(request, audit.Action.LIFT, account)
    follow_up()
    notes.success(request, wording.done(Event.LIFT, State.OK))


def _refuse(request: SignedInRequest, account: HostingAccount, word: str) -> None:
    with transaction.atomic():
        service.refuse_review(account.pk, request.user.get_username(), word, timezone.now())
        audit.note(request, audit.Action.REFUSE_REVIEW, account)
    notes.success(request, _("The owner is told that the stop stays, and why."))


def _why(account: HostingAccount, error: Exception) -> str:
    """Why there was nothing to answer."""
    if isinstance(error, NoReview):
        return _("Nothing was changed. Nobody waits for an answer.")
    may = actions.of_state(
        State(account.state), is_administrator=True, is_closed=account.closed_at is not None
    )
    return wording.refused(may.lift.why)


def _page(
    request: SignedInRequest,
    account: HostingAccount,
    case: SpamCase,
    form: CaseForm,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    seen = overview.of_account(account, now, is_administrator=request.user.is_staff)
    is_current = seen.case is not None and seen.case.pk == case.pk
    said = case_view.statements(case)
    scripts, samples = cases.scripts(case.scripts), case_view.samples(case)
    waiting = next((review for review in said if review.answered_at is None), None)
    with timezone.override(account.time_zone):
        context: dict[str, Any] = {
            "account": account,
            "tab": "scripts_emails",
            "case": case,
            "seen": seen,
            "state_word": wording.state_word(seen.state),
            "opened": wording.moment(case.opened_at, now),
            "ended": case_words.ended(case, now),
            "figures": explaining.figures_told(case.change.event, case.change.figures),
            "rules": case_words.rules(case),
            "threshold": case_words.threshold(),
            "nothing_found": case_words.nothing_found(),
            "scripts": scripts,
            "known_scripts": case_view.known_scripts(case, (one.key for one in scripts)),
            "samples": case_words.samples(samples),
            "kept": case_view.kept(samples),
            "may_preview": messages.may_preview(request.user, account),
            "may_act": may_act(request.user, account),
            "explanation": explaining.explanation(seen, now) if is_current else None,
            "lift_line": wording.consequences(Event.LIFT, seen)
            if is_current and seen.actions.lift.is_allowed
            else [],
            "waiting": waiting,
            "form": form,
            "statements": [_statement(review, now) for review in said],
            "changes": {"rows": explaining.changes_told(case_view.changes(case), now)},
            "others": [
                {
                    "case": other,
                    "opened": wording.moment(other.opened_at, now),
                    "ended": case_words.ended(other, now),
                }
                for other in case_view.others(case)
            ],
        }
        return render(request, "cases/page.html", context, status=status)


def _statement(review: Review, now: datetime) -> dict[str, Any]:
    return {
        "review": review,
        "stated": wording.moment(review.stated_at, now),
        "answered": wording.moment(review.answered_at, now) if review.answered_at else "",
    }


def _row(row: case_view.Row, now: datetime) -> dict[str, Any]:
    """A case of the list."""
    account = row.case.account
    return {
        "case": row.case,
        "account": account,
        "opened": wording.moment(row.case.opened_at, now),
        "ended": case_words.ended(row.case, now),
        "state_word": wording.state_word(State(account.state)),
        "rules": case_words.rules(row.case, NAMED),
        "stated": wording.moment(row.stated_at, now)
        if row.stated_at and row.case.closed_at is None
        else "",
    }
