"""Every event in every state: what the table allows, and that all else is refused."""

import pytest

from mailqueue.errors import IllegalTransition
from mailqueue.states import DELIVERING, Event, State, after_purge, allows, following

OK, FORCE, KO, BOUNCE, SPAM, PURGING = State
# Rows are events, columns the states in their order; None is refused.
TABLE = {
    Event.BLOCK: (KO, KO, None, None, None, None),
    Event.TOO_FAST: (KO, KO, None, None, None, None),
    Event.TOO_MANY_ERRORS: (KO, KO, None, None, None, None),
    Event.RATIO_EXCEEDED: (BOUNCE, BOUNCE, None, None, None, None),
    Event.SPAM_DETECTED: (SPAM, SPAM, SPAM, SPAM, None, None),
    Event.RECOVERED: (None, OK, None, None, None, None),
    Event.UNBLOCK: (None, None, OK, FORCE, None, None),
    Event.PURGE: (None, None, PURGING, PURGING, PURGING, None),
    Event.PURGED: (None, None, None, None, None, OK),
    Event.PURGED_REVIEW: (None, None, None, None, None, SPAM),
    Event.PURGED_STAY: (None, None, None, None, None, KO),
    Event.LIFT: (None, None, OK, OK, OK, None),
}
CASES = [
    pytest.param(state, event, after, id=f"{event}-in-{state}")
    for event, row in TABLE.items()
    for state, after in zip(State, row, strict=True)
]


def test_the_table_names_every_event() -> None:
    assert set(TABLE) == set(Event)


@pytest.mark.parametrize(("state", "event", "after"), CASES)
def test_an_event_leads_where_the_table_says(
    state: State, event: Event, after: State | None
) -> None:
    assert allows(state, event) == (after is not None)
    if after is None:
        with pytest.raises(IllegalTransition) as caught:
            following(state, event)
        assert (caught.value.state, caught.value.event) == (state, event)
    else:
        assert following(state, event) is after


def test_mail_goes_out_in_ok_and_force_only() -> None:
    assert {OK, FORCE} == DELIVERING


@pytest.mark.parametrize(
    ("review_required", "stay_blocked", "event"),
    [
        (False, False, Event.PURGED),
        (False, True, Event.PURGED_STAY),
        (True, False, Event.PURGED_REVIEW),
        (True, True, Event.PURGED_STAY),
    ],
)
def test_a_purge_ends_as_its_account_needs(
    review_required: bool, stay_blocked: bool, event: Event
) -> None:
    assert after_purge(review_required=review_required, stay_blocked=stay_blocked) is event
