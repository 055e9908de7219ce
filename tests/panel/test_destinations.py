"""« Destinations »: who is slowed, why, and the button that resumes the usual pace."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailqueue import destinations, pace
from mailqueue.models import DestinationPace
from mailqueue.pace import Limits, Pace
from panel.models import AuditEntry, User
from panel.pace_settings import read_paces
from tests.panel.conftest import Browse

PAGE = "/destinations/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def at() -> datetime:
    return timezone.now() - 5 * MINUTE


def slow(name: str, at: datetime, words: str, times: int = 1) -> DestinationPace:
    known = Pace()
    for place in range(times):
        known = pace.slower(known, at + place * 60 * MINUTE, words)
    destinations.keep({name: (Pace(), known)}, {name: 1234})
    return DestinationPace.objects.get(name=name)


def test_it_says_when_nobody_is_slowed(browse: Browse, administrator: User) -> None:
    text = browse(administrator).get(PAGE).content.decode()
    assert "Toutes les destinations prennent les e-mails à la cadence habituelle." in text
    assert '<a href="/destinations/" aria-current="true">Destinations</a>' in text


def test_it_tells_pace_reason_and_what_was_put_off(
    browse: Browse, administrator: User, at: datetime
) -> None:
    slow("Orange", at, "421 mwinf5c <b>OFR_104</b> Too many connections")
    text = browse(administrator).get(PAGE).content.decode()
    assert "Orange" in text
    assert "50\N{NO-BREAK SPACE}% de la cadence habituelle" in text
    assert "1\N{NO-BREAK SPACE}connexion" in text
    assert "100\N{NO-BREAK SPACE}e-mails par minute" in text
    assert "&lt;b&gt;OFR_104&lt;/b&gt; Too many connections" in text
    assert "1\N{NARROW NO-BREAK SPACE}234" in text or "1\N{NO-BREAK SPACE}234" in text


def test_it_tells_who_cannot_be_reached_and_how_long_it_is_left_alone(
    browse: Browse, administrator: User
) -> None:
    known = pace.away(Pace(), timezone.now(), "cannot connect to mx.example.org")
    destinations.keep({"mx.example.org": (Pace(), known)}, {})
    text = browse(administrator).get(PAGE).content.decode()
    assert "injoignable" in text
    assert "rien n’y est envoyé pendant encore" in text


def test_the_button_resumes_the_usual_pace_and_is_noted(
    browse: Browse, administrator: User, at: datetime
) -> None:
    row = slow("Orange", at, "421 slow down")
    response = browse(administrator).post(f"{PAGE}{row.pk}/resume/", follow=True)
    assert "Orange" in response.content.decode()
    assert not DestinationPace.objects.exists()
    entry = AuditEntry.objects.get(action="resume_pace")
    assert (entry.target, entry.actor) == ("Orange", administrator.username)
    again = browse(administrator).post(f"{PAGE}{row.pk}/resume/", follow=True)
    assert "déjà à sa cadence habituelle" in again.content.decode()
    assert AuditEntry.objects.filter(action="resume_pace").count() == 1


def test_a_long_list_has_pages(browse: Browse, administrator: User, at: datetime) -> None:
    for index in range(51):
        slow(f"mx{index}.example.org", at, "421 slow down")
    first = browse(administrator).get(PAGE).content.decode()
    second = browse(administrator).get(f"{PAGE}?page=2").content.decode()
    assert (first.count("/resume/"), second.count("/resume/")) == (50, 1)


@pytest.mark.parametrize(
    ("name", "servers", "limits"),
    [
        ("Orange", ["smtp-in.orange.fr"], Limits(1, 50, 60)),
        ("Gmail", ["aspmx.l.google.com"], Limits(10, 50, 1200)),
        ("mx.example.org:2525", ["mx.example.org"], Limits(40, 1000)),
        ("mx.example.org:2525", [], Limits(40, 1000)),
        ("notexample.org", [], Limits(10, 100)),
        ("mx.other.example", [], Limits(10, 100)),
    ],
)
def test_the_setting_has_its_way(
    settings: Any, name: str, servers: list[str], limits: Limits
) -> None:
    settings.PACE = read_paces(["*=10/100", "orange=1/50/60", "example.org=40/1000/0"])
    assert destinations.limits_of(name, servers) == limits
