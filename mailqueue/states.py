"""The service states of an account, and the one table of what may follow what. Pure.

The windows that limits look at start anew whenever the state becomes `ok` or `force`; that, and
who may raise which event, is for `service` to see to.
"""

from enum import StrEnum

from mailqueue.errors import IllegalTransition


class State(StrEnum):
    """The state of an account's service, by the names of the API."""

    OK = "ok"
    FORCE = "force"
    KO = "ko"
    BOUNCE = "bounce"
    SPAM = "spam"
    PURGING = "purging"


class Event(StrEnum):
    """What happens to an account's service."""

    BLOCK = "block"  # ok, force -> ko
    TOO_FAST = "too_fast"  # ok, force -> ko
    TOO_MANY_ERRORS = "too_many_errors"  # ok, force -> ko
    RATIO_EXCEEDED = "ratio_exceeded"  # ok, force -> bounce
    SPAM_DETECTED = "spam_detected"  # ok, force, ko, bounce -> spam
    RECOVERED = "recovered"  # force -> ok
    UNBLOCK = "unblock"  # ko -> ok, bounce -> force
    PURGE = "purge"  # ko, bounce, spam -> purging
    PURGED = "purged"  # purging -> ok
    PURGED_REVIEW = "purged_review"  # purging -> spam, when a review is required
    PURGED_STAY = "purged_stay"  # purging -> ko, when an administrator wants it to stay blocked
    LIFT = "lift"  # ko, bounce, spam -> ok


# Mail goes out in these; in all other states it is held.
DELIVERING = frozenset({State.OK, State.FORCE})

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.OK, Event.BLOCK): State.KO,
    (State.FORCE, Event.BLOCK): State.KO,
    (State.OK, Event.TOO_FAST): State.KO,
    (State.FORCE, Event.TOO_FAST): State.KO,
    (State.OK, Event.TOO_MANY_ERRORS): State.KO,
    (State.FORCE, Event.TOO_MANY_ERRORS): State.KO,
    (State.OK, Event.RATIO_EXCEEDED): State.BOUNCE,
    (State.FORCE, Event.RATIO_EXCEEDED): State.BOUNCE,
    (State.OK, Event.SPAM_DETECTED): State.SPAM,
    (State.FORCE, Event.SPAM_DETECTED): State.SPAM,
    (State.KO, Event.SPAM_DETECTED): State.SPAM,
    (State.BOUNCE, Event.SPAM_DETECTED): State.SPAM,
    (State.FORCE, Event.RECOVERED): State.OK,
    (State.KO, Event.UNBLOCK): State.OK,
    (State.BOUNCE, Event.UNBLOCK): State.FORCE,
    (State.KO, Event.PURGE): State.PURGING,
    (State.BOUNCE, Event.PURGE): State.PURGING,
    (State.SPAM, Event.PURGE): State.PURGING,
    (State.PURGING, Event.PURGED): State.OK,
    (State.PURGING, Event.PURGED_REVIEW): State.SPAM,
    (State.PURGING, Event.PURGED_STAY): State.KO,
    (State.KO, Event.LIFT): State.OK,
    (State.BOUNCE, Event.LIFT): State.OK,
    (State.SPAM, Event.LIFT): State.OK,
}


def allows(state: State, event: Event) -> bool:
    """Whether `event` leads anywhere from `state`."""
    return (state, event) in TRANSITIONS


def following(state: State, event: Event) -> State:
    """The state that `event` leads to from `state`.

    Raises IllegalTransition if the table has no such step.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def after_purge(*, review_required: bool, stay_blocked: bool) -> Event:
    """The event that ends a purge: an administrator's wish weighs more than a review to come."""
    if stay_blocked:
        return Event.PURGED_STAY
    return Event.PURGED_REVIEW if review_required else Event.PURGED
