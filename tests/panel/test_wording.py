"""The sentences of the page."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from mailqueue import overview
from mailqueue.overview import Why
from mailqueue.states import Event, State
from panel import wording

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("length", "french", "english"),
    [
        (timedelta(seconds=-5), "< 1 min", "< 1 min"),
        (timedelta(seconds=59), "< 1 min", "< 1 min"),
        (timedelta(minutes=5), "5 min", "5 min"),
        (timedelta(hours=2, minutes=3, seconds=59), "2 h 03", "2 h 03"),
        (timedelta(hours=72), "72 h 00", "72 h 00"),
        (timedelta(hours=100), "4 jours", "4 days"),
        (timedelta(days=1234), "1 234 jours", "1,234 days"),
    ],
)
def test_durations_read_naturally_and_stay_on_one_line(
    length: timedelta, french: str, english: str
) -> None:
    for language, text in (("fr", french), ("en", english)):
        with translation.override(language):
            assert wording.duration(length) == text.replace(" ", NBSP)


def test_moments_are_told_in_the_time_zone_of_the_account() -> None:
    now = datetime(2026, 3, 11, 23, 30, tzinfo=UTC)
    with translation.override("fr"), timezone.override(ZoneInfo("Europe/Paris")):
        assert wording.moment(now, now) == "aujourd’hui à 00:30"
        assert wording.moment(now - timedelta(hours=1), now) == "hier à 23:30"
        assert wording.moment(now - timedelta(days=9), now) == "le 3 mars 2026 à 00:30"
    with translation.override("fr"), timezone.override(ZoneInfo("Asia/Kolkata")):
        assert wording.moment(now - timedelta(hours=1), now) == "aujourd’hui à 04:00"


@pytest.mark.parametrize("why", Why)
def test_every_reason_has_words(why: Why) -> None:
    assert wording.why_not(why)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_word(state: State) -> None:
    assert wording.state_word(state)


@pytest.mark.parametrize("event", [Event.BLOCK, Event.UNBLOCK, Event.PURGE])
def test_every_button_has_a_title_and_a_last_word(event: Event) -> None:
    assert wording.title(event)
    assert all(wording.done(event, state) for state in State)


def test_every_action_that_a_state_refuses_says_why() -> None:
    for state in State:
        actions = overview.actions(state)
        for action in (actions.block, actions.unblock, actions.purge):
            assert action.is_allowed or wording.why_not(action.why)
