"""How a destination is slowed and comes back; and what runs tell each other of it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue import destinations, pace
from mailqueue.models import DeliveryRun, DestinationPace
from mailqueue.outcomes import Outcome, Result
from mailqueue.pace import FLOOR, USUAL, Limits, Pace
from mailqueue.providers import PROVIDERS, provider_of

MINUTE = timedelta(minutes=1)
LIMITS = Limits(connections=20, messages=100, per_minute=600)


@pytest.mark.parametrize(
    ("reply", "status", "is_told"),
    [
        ("421 4.7.28 our system has detected an unusual rate of mail", "4.7.28", True),
        ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred", "4.7.0", True),
        ("451 4.7.500 Server busy. Please try again later from [192.0.2.1]", "4.7.500", True),
        ("421 too many connections from your host", "4.0.0", True),
        ("450 4.7.1 Client host rejected: greylisted, come back later", "4.7.1", False),
        ("451 4.7.1 try again later", "4.7.1", False),
        ("452 4.2.2 The mailbox is full", "4.2.2", False),
        ("450 4.1.1 mailbox unavailable", "4.1.1", False),
        ("450 4.2.1 The user is receiving mail too quickly. Please resend later", "4.2.1", False),
        ("452 4.5.3 Too many recipients", "4.5.3", False),
        ("mx.example:25: bad certificate; TLS is demanded by MTA-STS", "4.7.5", False),
        ("mx.example:25 does not take the login: 535 5.7.8 failed", "4.7.8", False),
    ],
)
def test_it_tells_a_wish_for_less_from_all_else(reply: str, status: str, is_told: bool) -> None:
    assert pace.wants_less(Outcome(Result.DEFERRED, reply, status)) is is_told


def test_a_refusal_by_reputation_slows_and_one_of_a_mailbox_does_not() -> None:
    block = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
    assert pace.wants_less(Outcome(Result.FAILED, block, "5.7.1"))
    assert not pace.wants_less(Outcome(Result.FAILED, "550 5.1.1 User unknown", "5.1.1"))
    assert not pace.wants_less(Outcome(Result.DELIVERED, "250 2.0.0 ok", "2.0.0"))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("slower"), st.integers(0, 7200)),
        st.tuples(st.just("away"), st.integers(0, 7200)),
        st.tuples(st.just("faster"), st.integers(0, 200)),
    ),
    max_size=60,
)


@given(steps=STEPS, runs=st.integers(1, 9))
def test_whatever_is_learned_a_destination_gets_something_and_not_more_than_usual(
    steps: list[tuple[str, int]], runs: int
) -> None:
    now = datetime(2026, 3, 2)  # noqa: DTZ001 - only differences count
    known = Pace()
    for name, number in steps:
        before = known
        if name == "faster":
            known = pace.faster(known, number)
            assert known.share >= before.share
        else:
            now += timedelta(seconds=number)
            known = (pace.slower if name == "slower" else pace.away)(known, now, "words")
            assert known.rests(now)
            assert known.wait_until is not None
            assert known.wait_until - now <= pace.LONGEST_REST
            assert known.share <= before.share
        assert FLOOR <= known.share <= USUAL
        given_now = pace.allowed(LIMITS, known, runs)
        assert 1 <= given_now.connections <= LIMITS.connections
        assert 1 <= given_now.per_minute <= LIMITS.per_minute


def test_it_halves_rests_longer_each_time_and_comes_back_step_by_step(now: datetime) -> None:
    known = pace.slower(Pace(), now, "421 slow down")
    assert (known.share, known.wait_until) == (50, now + MINUTE)
    assert pace.slower(known, now, "421 again").share == 50, "others were told at the same time"
    known = pace.slower(known, now + MINUTE, "421 slow down")
    assert (known.share, known.wait_until) == (25, now + 3 * MINUTE)
    steps = 0
    while not known.is_usual:
        known, steps = pace.faster(known, pace.MESSAGES_OF_STEP), steps + 1
    assert steps == 15
    assert known == Pace()


def test_runs_share_what_a_destination_takes() -> None:
    assert pace.allowed(LIMITS, Pace(), 4) == Limits(5, 100, 150)
    slowed = Pace(share=50)
    assert pace.allowed(Limits(20, 100), slowed).per_minute == pace.RATE_WHEN_SLOWED // 2


def test_providers_are_told_by_their_servers() -> None:
    google = provider_of(["gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com."])
    assert google is not None
    assert google.name == "Gmail"
    tenant = provider_of(["contoso-fr.mail.protection.outlook.com"])
    assert tenant is not None
    assert tenant.name == "Office 365"
    assert provider_of(["notgoogle.com"]) is None
    assert provider_of(["mx.google.com", "mx.example.org"]) is None
    assert provider_of([]) is None
    assert len({provider.name for provider in PROVIDERS}) == len(PROVIDERS)


@pytest.mark.django_db
class TestShared:
    def keep(self, before: Pace, after: Pace) -> Pace:
        return destinations.keep({"Gmail": (before, after)}, {"Gmail": 7})["Gmail"]

    def test_what_one_run_learned_another_knows(self, now: datetime) -> None:
        slowed = pace.slower(Pace(), now, "421 4.7.28 slow down\0")
        self.keep(Pace(), slowed)
        known = destinations.paces(now)["Gmail"]
        assert (known.share, known.strikes, known.wait_until) == (50, 1, now + MINUTE)
        assert DestinationPace.objects.get().waiting == 7

    def test_of_two_runs_the_slower_is_believed(self, now: datetime) -> None:
        once = pace.slower(Pace(), now, "once")
        twice = pace.slower(pace.slower(once, now + MINUTE, "twice"), now + 9 * MINUTE, "thrice")
        self.keep(Pace(), once)
        self.keep(once, twice)
        assert self.keep(once, pace.faster(once, 100)) == twice
        assert destinations.paces(now)["Gmail"].share == 12

    def test_a_pace_that_was_set_back_stays_unless_it_is_slowed_again(self, now: datetime) -> None:
        slowed = pace.slower(Pace(), now, "421")
        self.keep(Pace(), slowed)
        assert destinations.resume(DestinationPace.objects.get().pk) == "Gmail"
        assert self.keep(slowed, pace.faster(slowed, 40)) == Pace()
        assert not DestinationPace.objects.exists()
        again = pace.slower(slowed, now + MINUTE, "421")
        assert self.keep(slowed, again) == again
        assert destinations.resume(12345) is None

    def test_the_usual_pace_and_what_is_old_are_forgotten(self, now: datetime) -> None:
        slowed = pace.slower(Pace(), now, "421")
        self.keep(Pace(), slowed)
        self.keep(slowed, Pace())
        assert not DestinationPace.objects.exists()
        self.keep(Pace(), slowed)
        assert destinations.paces(now + timedelta(days=2)) == {}
        assert not DestinationPace.objects.exists()

    def test_runs_that_died_stop_counting(self, now: datetime) -> None:
        assert destinations.join("one", now, now + MINUTE) == 1
        assert destinations.join("two", now, now + 5 * MINUTE) == 2
        assert destinations.join("one", now, now + MINUTE) == 2
        assert destinations.join("two", now + 2 * MINUTE, now + 5 * MINUTE) == 1
        destinations.leave("two")
        assert not DeliveryRun.objects.exists()
