"""Blocking and unblocking many accounts at once, for administrators.

Each account is done by itself, as if it were the only one: what does not apply to one stops none of
the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from mailqueue import actions, service
from mailqueue.actions import Why
from mailqueue.errors import IllegalTransition
from mailqueue.models import HostingAccount
from mailqueue.states import Event, State
from mailqueue.tasks import follow_up
from panel import audit
from panel.access import SignedInRequest

# More at once would keep the browser waiting for too long.
MOST = 200


@dataclass(frozen=True, slots=True)
class Left:
    """An account to which the event does not apply, and why."""

    account: HostingAccount
    why: Why | None


def sort_out(
    accounts: Iterable[HostingAccount], event: Event
) -> tuple[list[HostingAccount], list[Left]]:
    """Those to which `event` applies now, and those to which it does not."""
    fit, left = [], []
    for account in accounts:
        may = actions.of_state(
            State(account.state),
            review_required=account.review_required,
            is_administrator=True,
            is_closed=account.closed_at is not None,
        )
        action = getattr(may, event)
        if action.is_allowed:
            fit.append(account)
        else:
            left.append(Left(account, action.why))
    return fit, left


def apply(
    request: SignedInRequest, accounts: Iterable[HostingAccount], event: Event, now: datetime
) -> tuple[list[HostingAccount], list[Left]]:
    """Block or unblock one after the other; return those done, and those to which it did not apply.

    Each has its entry in the journal, written with its change.
    """
    done, refused = [], []
    for account in accounts:
        try:
            with transaction.atomic():
                _do(account, event, request.user.get_username(), now)
                audit.note(request, _ACTIONS[event], account, in_selection=True)
        except IllegalTransition:
            account.refresh_from_db()
            refused.append(account)
        else:
            done.append(account)
    follow_up()
    return done, sort_out(refused, event)[1]


_ACTIONS = {Event.BLOCK: audit.Action.BLOCK, Event.UNBLOCK: audit.Action.UNBLOCK}


def _do(account: HostingAccount, event: Event, actor: str, now: datetime) -> None:
    if event is Event.BLOCK:
        service.block(account.pk, actor, now, by_administrator=True)
    else:
        service.unblock(account.pk, actor, now, by_administrator=True)
