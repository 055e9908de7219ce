"""The sentences of the page."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import formats, timezone, translation

from mailqueue import actions
from mailqueue.actions import Why
from mailqueue.history import Bar, History, Period
from mailqueue.models import StateChange
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
        seen = actions.of_state(state)
        for action in (seen.block, seen.unblock, seen.purge, seen.lift):
            assert action.is_allowed or wording.why_not(action.why)


def _hours(day: date, zone: str, first: datetime, number: int) -> History:
    ends = [(first + timedelta(hours=n)).astimezone(ZoneInfo(zone)) for n in range(number + 1)]
    bars = [Bar(ends[n], ends[n + 1], 0, 0, 0) for n in range(number)]
    return History(Period.MONTH, day, bars)


def test_the_hours_of_a_day_are_told_apart_when_clocks_change() -> None:
    autumn = _hours(date(2026, 10, 25), "Europe/Paris", datetime(2026, 10, 24, 22, tzinfo=UTC), 25)
    with translation.override("fr"):
        names = [name["hours"] for name in wording.bar_names(autumn)]
    assert names[1:5] == [
        "01:00–02:00",
        "02:00–03:00 (UTC+02:00)",
        "02:00–03:00 (UTC+01:00)",
        "03:00–04:00",
    ]
    assert len(set(names)) == 25
    spring = _hours(date(2026, 3, 29), "Europe/Paris", datetime(2026, 3, 28, 23, tzinfo=UTC), 23)
    with translation.override("fr"):
        names = [name["hours"] for name in wording.bar_names(spring)]
    assert names[1:3] == ["01:00–02:00", "03:00–04:00"]


def test_a_day_of_the_chart_has_its_name() -> None:
    shown = History(Period.WEEK, date(2026, 3, 2), [])
    for language, text in (("fr", "Lundi 2 mars 2026"), ("en", "Monday, March 2, 2026")):
        with translation.override(language):
            assert wording.span(shown) == text


@pytest.mark.parametrize("period", Period)
def test_every_period_has_words(period: Period) -> None:
    assert wording.period_word(period)
    assert wording.way_back(period)
    assert wording.caption(History(period, None, []))


@pytest.mark.parametrize("event", Event)
def test_every_change_of_state_has_words(event: Event) -> None:
    assert wording.event_word(event) != event.value
    change = StateChange(event=event, actor="claire")
    is_by_hand = event.value.startswith("purge") or event in {
        Event.BLOCK,
        Event.UNBLOCK,
        Event.LIFT,
    }
    assert (wording.actor(change) == "claire") == is_by_hand


def test_an_event_of_another_version_keeps_its_name() -> None:
    assert wording.event_word("struck_by_lightning") == "struck_by_lightning"


def test_an_hour_ends_no_sentence_twice() -> None:
    now = datetime(2026, 11, 25, 0, 5, tzinfo=UTC)
    with translation.override("en"):
        assert wording.moment(now, now) == "today at 00:05"
        assert formats.date_format(now, "DATETIME_FORMAT") == "Nov. 25, 2026, 00:05"


def test_what_an_erased_address_leaves_is_no_address() -> None:
    with translation.override("fr"):
        assert wording.address("erased-4559@invalid") == "(adresse effacée)"
        assert wording.address("erased-4559@invalid.example") == "erased-4559@invalid.example"
