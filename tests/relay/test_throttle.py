"""Connections and wrong tokens are counted by where they come from."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.throttle import (
    MOST_BY_SOURCE,
    MOST_CONNECTIONS,
    MOST_FAILURES,
    MOST_SOURCES,
    WITHIN_S,
    Throttle,
    source_of,
)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source


@given(st.text(max_size=50))
def test_no_address_raises(address: str) -> None:
    assert isinstance(source_of(address), str)


def test_so_many_connections_of_one_source_and_of_all() -> None:
    throttle = Throttle()
    assert all(throttle.enter("a") for _ in range(MOST_BY_SOURCE))
    assert not throttle.enter("a")
    others = [f"s{number % 100}" for number in range(MOST_CONNECTIONS - MOST_BY_SOURCE)]
    assert all(throttle.enter(source) for source in others)
    assert not throttle.enter("b")
    throttle.leave("a")
    assert throttle.enter("b")
    assert not throttle.enter("a")


def test_the_oldest_stranger_makes_room_when_all_places_are_taken() -> None:
    throttle = Throttle()
    cut_off: list[int] = []
    for number in range(MOST_CONNECTIONS):
        assert throttle.enter(f"s{number % 100}")
        throttle.note_stranger(number, partial(cut_off.append, number))
    throttle.note_known(0)
    assert throttle.enter("a")
    assert throttle.enter("b")
    assert cut_off == [1, 2]
    # Nobody is cut off for a source that has too many itself.
    full = [throttle.enter("c") for _ in range(MOST_BY_SOURCE + 1)]
    assert full == [True] * MOST_BY_SOURCE + [False]
    assert len(cut_off) == MOST_BY_SOURCE + 2


def test_ten_wrong_tokens_within_ten_minutes_bar_a_source_for_a_while() -> None:
    throttle = Throttle()
    for number in range(MOST_FAILURES):
        assert not throttle.is_barred("a", number)
        throttle.fail("a", number)
    assert throttle.is_barred("a", WITHIN_S - 1)
    assert not throttle.is_barred("b", WITHIN_S - 1)
    assert not throttle.is_barred("a", WITHIN_S)
    throttle.fail("a", WITHIN_S)
    assert throttle.is_barred("a", WITHIN_S), "the last ten are as close again"
    assert not throttle.is_barred("a", 2 * WITHIN_S)
    throttle.fail("a", 2 * WITHIN_S)
    assert not throttle.is_barred("a", 2 * WITHIN_S)


def test_sources_are_forgotten_before_they_fill_the_memory() -> None:
    throttle = Throttle()
    for _ in range(MOST_FAILURES):
        throttle.fail("old", 0.0)
    for number in range(MOST_SOURCES):
        throttle.fail(str(number), 0.0)
    assert not throttle.is_barred("old", 1.0)
