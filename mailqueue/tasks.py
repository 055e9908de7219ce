"""Slow work on rows, in slices: holds, releases, purges, what came back; what goes with age.

A slice is a transaction of its own: a worker that dies loses at most one, and the next sweep goes
on where it stopped.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from celery import shared_task
from django.db import IntegrityError

from mailqueue import (
    accounts,
    alerts,
    behaviour,
    cases,
    copies,
    counters,
    engines,
    facts,
    maillog,
    mta_sts,
    probes,
    queue,
    returns,
    scripts,
    senders,
    service,
    suppressions,
    troubles,
)
from mailqueue.celery import CLASSIFY, DELIVER, PRUNE, WARN, WORK, hint
from mailqueue.models import Returned
from mailqueue.returns import Handled

# A task ends after this many seconds, so that a worker's shutdown does not wait for it.
SHARE_S = 20.0
Outcome = Returned.Outcome

logger = logging.getLogger("facteur.work")


def follow_up() -> None:
    """Tell workers that a click has left them something to do. Waits as long as `hint` may."""
    if hint(WORK):
        hint(DELIVER)


@shared_task(name=WORK)
def work() -> int:
    """Go on with all open jobs, a slice of each in turn; return how many slices were done."""
    until = time.monotonic() + SHARE_S
    slices = 0
    service.recover(datetime.now(UTC))
    went, lines = _drip(until)
    if went:
        hint(DELIVER)
    jobs, blocking = service.open_jobs(), service.open_script_jobs()
    while (jobs or blocking or lines) and time.monotonic() < until:
        slices += len(jobs) + len(blocking) + len(lines)
        jobs = _go_on(service.advance, jobs)
        blocking = _go_on(service.advance_script, blocking)
        lines = [pk for pk in lines if _one(service.drip, pk) == service.SLICE]
        # What was released waits to go out, and need not wait for the end of the release.
        if not (jobs or blocking or lines) or slices % 20 == 0:
            hint(DELIVER)
    if jobs or blocking or lines:
        hint(WORK)
    return slices


def _go_on(step: Callable[[int, datetime], int | None], numbers: list[int]) -> list[int]:
    """Do a slice of each of these jobs; those that are to go on."""
    left = (_one(step, number) for number in numbers)
    return [number for number in left if number is not None]


def _drip(until: float) -> tuple[int, list[int]]:
    """Let go what the quotas allow, a slice of each account in turn.

    Returns how many recipients went, and the accounts of which more may go.
    """
    went, lines = 0, []
    account_id = service.next_line(0)
    while account_id is not None:
        number = _one(service.drip, account_id) or 0
        went += number
        if number == service.SLICE:
            lines.append(account_id)
        account_id = service.next_line(account_id) if time.monotonic() < until else None
    return went, lines


def _one(step: Callable[[int, datetime], int | None], number: int) -> int | None:
    """Do a step for one account; what is wrong with its rows must not stop all others."""
    try:
        return step(number, datetime.now(UTC))
    except IntegrityError:
        logger.exception("step=%s of=%d failed=yes", step.__name__, number)
        return None


@shared_task(name=CLASSIFY)
def classify() -> int:
    """Handle what came back, slice by slice; return how many messages that was."""
    until = time.monotonic() + SHARE_S
    number = 0
    while (handled := returns.handle(datetime.now(UTC))) is not None:
        number += len(handled)
        _follow(handled, datetime.now(UTC))
        if time.monotonic() > until:
            hint(CLASSIFY)
            break
    if copies.send(datetime.now(UTC)):
        hint(DELIVER)
    return number


def _follow(handled: Sequence[Handled], now: datetime) -> None:
    """Let rules look at accounts of which mail came back, or was complained about."""
    concerned: dict[Returned.Outcome, set[int]] = defaultdict(set)
    for one in handled:
        maillog.returned(one)
        if one.account_id is not None:
            concerned[one.outcome].add(one.account_id)
    stops = [
        *service.judge_failures(concerned[Outcome.FAILURE], now),
        *service.judge_complaints(concerned[Outcome.COMPLAINT], now),
    ]
    for stop in stops:
        maillog.stopped(stop)


@shared_task(name=WARN)
def warn() -> int:
    """Have people told of held mail that expires soon, who refuses this house, what engine is away.

    Returns how many alerts that was.
    """
    now = datetime.now(UTC)
    house = accounts.system(now).pk
    raised = troubles.tell(house, now) + engines.tell(house, now)
    return alerts.note_expiring(now) + raised


@shared_task(name=PRUNE)
def prune() -> None:
    """Delete old rows, minutes, alerts, cases, policies, and bodies kept for a look only."""
    until = time.monotonic() + SHARE_S
    counters.prune_minutes(datetime.now(UTC))
    for step in (
        queue.prune,
        queue.prune_bodies,
        alerts.prune,
        behaviour.prune,
        engines.prune,
        facts.prune,
        cases.prune,
        mta_sts.prune,
        probes.prune,
        returns.prune,
        scripts.prune,
        senders.prune,
        suppressions.prune,
        troubles.prune,
    ):
        while step(datetime.now(UTC)) and time.monotonic() < until:
            pass
