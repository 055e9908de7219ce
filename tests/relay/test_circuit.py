"""When an engine is left alone, and when it is asked again."""

from datetime import UTC, datetime, timedelta

import pytest

from relay.engines.circuit import FIRST_REST, LONGEST_REST, MOST_FAILURES, MOST_SLOW, Circuit

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)


def fail(circuit: Circuit, times: int, now: datetime = NOW, account_id: int = 1) -> None:
    for _ in range(times):
        assert circuit.lets_pass(now)
        circuit.failed(now, account_id, is_slow=False)


def test_a_failure_or_two_are_none_of_the_engines() -> None:
    circuit = Circuit()
    fail(circuit, MOST_FAILURES - 1)
    assert circuit.lets_pass(NOW)
    circuit.answered()
    fail(circuit, MOST_FAILURES - 1)
    assert circuit.rest_until is None


def test_three_in_a_row_give_it_a_rest() -> None:
    circuit = Circuit()
    fail(circuit, MOST_FAILURES)
    assert circuit.rest_until == NOW + FIRST_REST
    assert not circuit.lets_pass(NOW + FIRST_REST - timedelta(milliseconds=1))


def test_what_others_failed_at_counts_too() -> None:
    circuit = Circuit(failures=MOST_FAILURES - 1)
    fail(circuit, 1)
    assert circuit.rest_until == NOW + FIRST_REST


def test_after_a_rest_one_question_is_a_trial_and_the_others_pass_by() -> None:
    circuit = Circuit()
    fail(circuit, MOST_FAILURES)
    later = NOW + FIRST_REST
    assert circuit.lets_pass(later)
    assert not circuit.lets_pass(later)
    circuit.answered()
    assert circuit.lets_pass(later)
    assert (circuit.rests, circuit.rest_until) == (0, None)


def test_rests_grow_to_five_minutes_and_begin_small_again() -> None:
    circuit = Circuit()
    now = NOW
    lengths = []
    fail(circuit, MOST_FAILURES)
    for _ in range(12):
        assert circuit.rest_until is not None
        lengths.append(circuit.rest_until - now)
        now = circuit.rest_until
        fail(circuit, 1, now)
    assert lengths[:4] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST, 8 * FIRST_REST]
    assert lengths[-1] == LONGEST_REST
    assert circuit.lets_pass(now + LONGEST_REST)
    circuit.answered()
    fail(circuit, MOST_FAILURES, now)
    assert circuit.rest_until == now + FIRST_REST


def test_a_trial_that_was_broken_off_leaves_room_for_another() -> None:
    circuit = Circuit(1, NOW)
    assert circuit.lets_pass(NOW)
    circuit.gave_up()
    assert circuit.lets_pass(NOW)


def test_late_news_of_earlier_questions_changes_no_rest() -> None:
    circuit = Circuit()
    fail(circuit, MOST_FAILURES)
    for _ in range(20):
        circuit.failed(NOW, 2, is_slow=True)
    assert (circuit.rests, circuit.rest_until) == (1, NOW + FIRST_REST)


def test_one_account_cannot_switch_an_engine_off_with_a_few_slow_letters() -> None:
    circuit = Circuit()
    for _ in range(MOST_SLOW - 1):
        circuit.failed(NOW, 1, is_slow=True)
    assert circuit.rest_until is None
    circuit.failed(NOW, 2, is_slow=True)
    assert circuit.rest_until is not None


def test_but_an_engine_that_is_slow_for_the_only_account_is_left_alone_too() -> None:
    circuit = Circuit()
    for _ in range(MOST_SLOW):
        circuit.failed(NOW, 1, is_slow=True)
    assert circuit.rest_until is not None


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(hours=1)])
def test_a_rest_may_end_early_but_never_later(wait: timedelta) -> None:
    circuit = Circuit(3, NOW + timedelta(seconds=40))
    circuit.may_try(NOW + wait)
    assert circuit.rest_until == NOW + min(wait, timedelta(seconds=40))
    Circuit().may_try(NOW)
