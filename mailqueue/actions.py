"""The buttons of a service: which of them a state allows, to whom, and why not the others. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from mailqueue.states import Event, State, allows, following


class Why(StrEnum):
    """Why a button does not apply."""

    ALREADY_BLOCKED = "already_blocked"
    NOT_BLOCKED = "not_blocked"
    PURGE_FIRST = "purge_first"
    PURGING = "purging"
    REVIEW = "review"
    CLOSED = "closed"
    ADMINISTRATORS_ONLY = "administrators_only"


@dataclass(frozen=True, slots=True)
class Action:
    """A button: the event it raises, whether the state allows it, and if not, why."""

    event: Event
    is_allowed: bool
    why: Why | None
    next_state: State | None


@dataclass(frozen=True, slots=True)
class Actions:
    """The three buttons of the page, and the one that administrators have beside them."""

    block: Action
    unblock: Action
    purge: Action
    lift: Action


def of_state(
    state: State,
    *,
    review_required: bool = False,
    is_administrator: bool = False,
    is_closed: bool = False,
) -> Actions:
    """Which buttons apply in a state, and why the others do not.

    While a review is required, an administrator alone may let mail go on; nobody may while the
    account is closed.
    """
    needs_review = review_required and not is_administrator
    lift = _action(state, Event.LIFT)
    if not is_administrator:
        lift = Action(Event.LIFT, False, Why.ADMINISTRATORS_ONLY, None)
    unblock = _action(state, Event.UNBLOCK)
    # After a purge there is nothing left to purge first: it is the review that is missing.
    if needs_review and (unblock.is_allowed or unblock.why is Why.PURGE_FIRST):
        unblock = Action(Event.UNBLOCK, False, Why.REVIEW, None)
    if is_closed:
        unblock, lift = (
            Action(action.event, False, Why.CLOSED, None) if action.is_allowed else action
            for action in (unblock, lift)
        )
    return Actions(
        block=_action(state, Event.BLOCK),
        unblock=unblock,
        purge=_action(state, Event.PURGE),
        lift=lift,
    )


def _action(state: State, event: Event) -> Action:
    if allows(state, event):
        return Action(event, True, None, following(state, event))
    if state is State.PURGING:
        why = Why.PURGING
    elif event is Event.BLOCK:
        why = Why.ALREADY_BLOCKED
    elif state is State.SPAM:
        why = Why.PURGE_FIRST
    else:
        why = Why.NOT_BLOCKED
    return Action(event, False, why, None)
