"""Nobody but us makes an address that counts, and none counts for ever."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue.return_tokens import VALID_FOR, Purpose, Token, read, written

NOW = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
numbers = st.integers(0, 2**63 - 1)
purposes = st.sampled_from(Purpose)
secrets = st.text(min_size=1, max_size=60)


@given(purposes, numbers, secrets, secrets)
def test_it_says_again_what_it_was_made_for(
    purpose: Purpose, number: int, secret: str, newer: str
) -> None:
    local_part = written(purpose, number, NOW, secret)
    assert len(local_part) <= 64
    assert local_part == local_part.lower()
    for form in (local_part, local_part.upper(), local_part.title()):
        assert read(form, NOW, [newer, secret]) == Token(purpose, number, NOW)


@given(numbers, st.integers(0, 239))
def test_it_counts_no_more_when_any_bit_was_changed(number: int, bit: int) -> None:
    local_part = written(Purpose.RETURN, number, NOW, "secret")
    place, shift = 2 + bit // 5, bit % 5
    letter = LETTERS[LETTERS.index(local_part[place]) ^ 1 << shift]
    changed = local_part[:place] + letter + local_part[place + 1 :]
    assert read(changed, NOW, ["secret"]) is None


@given(numbers, st.data())
def test_it_counts_no_more_when_it_is_cut_or_grows(number: int, data: st.DataObject) -> None:
    local_part = written(Purpose.RETURN, number, NOW, "secret")
    end = data.draw(st.integers(0, len(local_part) - 1))
    more = data.draw(st.text(LETTERS + "+=-", min_size=1, max_size=9))
    for wrong in (local_part[:end], local_part + more, local_part.replace("+", "+" + more)):
        assert read(wrong, NOW, ["secret"]) is None


@given(numbers, secrets, secrets)
def test_another_secret_makes_none_that_counts(number: int, ours: str, theirs: str) -> None:
    local_part = written(Purpose.RETURN, number, NOW, theirs)
    assert (read(local_part, NOW, [ours]) is None) == (ours != theirs)


@given(numbers)
def test_one_for_a_purpose_counts_for_no_other(number: int) -> None:
    token = written(Purpose.RETURN, number, NOW, "secret").partition("+")[2]
    assert read(f"{Purpose.CASE}+{token}", NOW, ["secret"]) is None


@pytest.mark.parametrize("purpose", Purpose)
def test_it_ends_with_its_time(purpose: Purpose) -> None:
    local_part = written(purpose, 7, NOW, "secret")
    end = NOW + VALID_FOR[purpose]
    assert read(local_part, end - timedelta(seconds=1), ["secret"])
    assert read(local_part, end, ["secret"]) is None


def test_one_that_a_clock_ahead_made_counts_as_well() -> None:
    local_part = written(Purpose.RETURN, 7, NOW + timedelta(hours=2), "secret")
    assert read(local_part, NOW, ["secret"])


@given(st.text())
def test_foreign_text_is_nothing_and_breaks_nothing(text: str) -> None:
    for form in (text, f"b+{text}", f"b+{text:a<48}"[:50], "b+" + text * 48):
        assert read(form, NOW, ["secret"]) is None
