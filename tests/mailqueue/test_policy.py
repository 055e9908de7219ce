"""The decisions of limits, at each boundary."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailqueue import policy
from mailqueue.policy import Limits, Nearly, Quota, Usage
from mailqueue.states import Event

LIMITS = Limits(
    hourly_quota=200,
    daily_quota=2000,
    fast_limit=600,
    error_limit=100,
    bounce_percent=25,
    hold=timedelta(hours=72),
    hold_limit=6000,
    hold_bytes=1000,
)
NONE = Limits(None, None, None, None, None, timedelta(hours=72), None, None)


@pytest.mark.parametrize(
    ("usage", "room"),
    [
        (Usage(), 200),
        (Usage(hour=199, day=199), 1),
        (Usage(hour=200, day=200), 0),
        (Usage(hour=450, day=450), 0),
        (Usage(hour=0, day=1900), 100),
        (Usage(hour=150, day=1990), 10),
        (Usage(hour=0, day=2000), 0),
    ],
)
def test_the_tighter_quota_decides_how_many_go(usage: Usage, room: int) -> None:
    assert policy.room(LIMITS, usage) == room


def test_without_quotas_any_number_goes() -> None:
    assert policy.room(NONE, Usage(hour=10**9, day=10**9)) is None
    assert policy.room(replace(NONE, daily_quota=5), Usage(hour=9, day=3)) == 2


@pytest.mark.parametrize(
    ("held", "held_bytes", "may"),
    [(6000, 1000, True), (6001, 0, False), (0, 1001, False), (0, 0, True)],
)
def test_what_may_be_held_ends_at_a_number_and_at_a_size(
    held: int, held_bytes: int, may: bool
) -> None:
    assert policy.may_hold(LIMITS, held, held_bytes) == may
    assert policy.may_hold(NONE, held, held_bytes)


def test_a_quota_is_nearly_used_at_four_fifths() -> None:
    assert policy.nearly_used(LIMITS, Usage(hour=159, day=1599)) == []
    assert policy.nearly_used(LIMITS, Usage(hour=160, day=1600)) == [
        Nearly(Quota.HOUR, 160, 200),
        Nearly(Quota.DAY, 1600, 2000),
    ]
    assert policy.nearly_used(NONE, Usage(hour=10**9, day=10**9)) == []


def test_too_fast_is_more_than_the_limit() -> None:
    assert policy.too_fast(LIMITS, 600) is None
    decision = policy.too_fast(LIMITS, 601)
    assert decision
    assert decision.event is Event.TOO_FAST
    assert decision.figures == {"number": 601, "limit": 600, "minutes": 10}
    assert policy.too_fast(NONE, 10**9) is None


def test_too_many_errors_begin_at_the_limit() -> None:
    assert policy.too_many_errors(LIMITS, 99) is None
    decision = policy.too_many_errors(LIMITS, 100)
    assert decision
    assert decision.event is Event.TOO_MANY_ERRORS
    assert decision.figures == {"number": 100, "limit": 100, "minutes": 60}
    assert policy.too_many_errors(NONE, 10**9) is None


@pytest.mark.parametrize(
    ("sent", "bounced", "is_forced", "stops"),
    [
        (40, 10, False, True),
        (41, 10, False, False),
        # Too few to tell.
        (19, 19, False, False),
        (20, 10, False, True),
        (20, 9, False, False),
        # Twice the share in force.
        (40, 19, True, False),
        (40, 20, True, True),
    ],
)
def test_the_ratio_stops_at_the_share_allowed(
    sent: int, bounced: int, is_forced: bool, stops: bool
) -> None:
    decision = policy.ratio_exceeded(LIMITS, sent, bounced, is_forced=is_forced)
    assert (decision is not None) == stops
    if decision:
        assert decision.event is Event.RATIO_EXCEEDED
        assert decision.figures == {
            "number": bounced,
            "sent": sent,
            "limit": 50 if is_forced else 25,
            "hours": 24,
        }


def test_without_a_share_no_ratio_stops() -> None:
    assert policy.ratio_exceeded(NONE, 100, 100) is None


@pytest.mark.parametrize(
    ("percent", "forced"), [(25, 50), (45, 90), (60, 90), (90, 90), (95, 95), (1, 2)]
)
def test_force_doubles_the_share_up_to_ninety_per_cent(percent: int, forced: int) -> None:
    assert policy.allowed_percent(percent, is_forced=False) == percent
    assert policy.allowed_percent(percent, is_forced=True) == forced


@pytest.mark.parametrize(
    ("automatic", "spam", "needed"), [(2, 2, False), (3, 0, True), (3, 3, True), (1, 1, False)]
)
def test_the_third_block_makes_a_review_needed(automatic: int, spam: int, needed: bool) -> None:
    assert policy.needs_review(automatic, spam) == needed
