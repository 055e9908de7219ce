"""Retry delays and ends of time, at their boundaries."""

from datetime import UTC, datetime, timedelta

import pytest

from mailqueue.schedule import deadline, next_attempt, retry_delay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "minutes"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 240), (500, 240)],
)
def test_delays_double_from_five_minutes_to_four_hours(tries: int, minutes: int) -> None:
    assert retry_delay(tries) == timedelta(minutes=minutes)


def test_a_retry_follows_a_try() -> None:
    with pytest.raises(ValueError, match="at least one"):
        retry_delay(0)


def test_chance_adds_up_to_a_fifth() -> None:
    assert next_attempt(NOON, 1, NOON + timedelta(hours=1), 0.0) == NOON + timedelta(minutes=5)
    assert next_attempt(NOON, 1, NOON + timedelta(hours=1), 1.0) == NOON + timedelta(minutes=6)


def test_no_attempt_at_or_after_the_deadline() -> None:
    end = NOON + timedelta(minutes=5)
    assert next_attempt(NOON, 1, end, 0.0) is None
    assert next_attempt(NOON, 1, end + timedelta(microseconds=1), 0.0) is not None


def test_time_ends_after_72_hours() -> None:
    assert deadline(NOON) == NOON + timedelta(hours=72)


@pytest.mark.parametrize(("released_after", "hours"), [(1, 72), (48, 72), (49, 73), (71, 95)])
def test_released_mail_has_at_least_a_day_of_tries(released_after: int, hours: int) -> None:
    assert deadline(NOON, NOON + timedelta(hours=released_after)) == NOON + timedelta(hours=hours)
