"""What is known of hosts and addresses: wanted, found out, believed for a while, forgotten."""

from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import facts
from mailqueue.facts import Host, Question, Said, Seen, Trouble, Wanted
from mailqueue.models import HostingAccount, LinkedHost, ListAnswer
from mailqueue.screening import Listing

pytestmark = pytest.mark.django_db

ZONE, OTHER = "dnsbl.example", "other.example"
VISITOR = "8.8.4.4"


@pytest.fixture(autouse=True)
def _on(settings: Any) -> None:
    settings.CHECK_LINKS = True
    settings.DNSBL = [ZONE]


def wanted(account: HostingAccount, *hosts: str, secure: bool = True, visitor: str = "") -> Wanted:
    return Wanted(account.pk, hosts, frozenset(hosts if secure else ()), visitor)


def does_well(now: datetime, zone: str = ZONE) -> None:
    """Have a list tried, as the worker does, and pass."""
    facts.want_own(now)
    facts.take(now, 100)
    for address, answer in ((facts.LISTED, "127.0.0.2"), (facts.UNLISTED, "")):
        facts.hear([Said(Question(zone, address), answer)], now)


def test_what_is_unknown_speaks_against_nobody_and_is_wanted(
    account: HostingAccount, now: datetime
) -> None:
    found = facts.look(
        [wanted(account, "a.example"), wanted(account, "b.example", secure=False)], now
    )
    assert found == facts.Facts()
    hosts, questions = facts.take(now, 10)
    assert hosts == [Host("a.example", True), Host("b.example", False)]
    assert questions == []
    # Others leave them alone; if nothing comes of it, they are due again.
    assert facts.take(now + timedelta(minutes=9), 10) == ([], [])
    assert facts.take(now + timedelta(minutes=10), 1) == ([Host("a.example", True)], [])


def test_what_was_found_out_is_told(account: HostingAccount, now: datetime) -> None:
    asked = wanted(account, "dead.example", "plain.example", "fine.example", "silent.example")
    facts.look([asked], now)
    facts.take(now, 10)
    facts.learn(
        [
            Seen("dead.example", is_dead=True),
            Seen("plain.example", lacks_https=True),
            Seen("fine.example"),
            Seen("silent.example", is_known=False),
        ],
        now,
    )
    found = facts.look([asked], now)
    assert found.dead_hosts == {"dead.example"}
    assert found.hosts_without_https == {"plain.example"}
    assert facts.take(now + timedelta(days=30), 10) == ([], [])


@pytest.mark.parametrize(
    ("seen", "fresh"),
    [
        (Seen("a.example"), timedelta(days=7)),
        (Seen("a.example", is_dead=True), timedelta(days=1)),
        (Seen("a.example", lacks_https=True), timedelta(days=1)),
        (Seen("a.example", is_known=False), timedelta(hours=1)),
    ],
)
def test_it_is_found_out_again_once_it_is_wanted_after_its_time(
    account: HostingAccount, now: datetime, seen: Seen, fresh: timedelta
) -> None:
    asked = wanted(account, "a.example")
    facts.look([asked], now)
    facts.take(now, 10)
    facts.learn([seen], now)
    just_before, then = now + fresh - timedelta(seconds=1), now + fresh
    facts.look([asked], just_before)
    assert facts.take(just_before, 10) == ([], [])
    # What is old is no longer believed.
    assert facts.look([asked], then).dead_hosts == set()
    assert facts.take(then, 10) == ([Host("a.example", True)], [])


def test_an_https_link_to_a_host_that_was_looked_at_without_has_it_looked_at_again(
    account: HostingAccount, now: datetime
) -> None:
    facts.look([wanted(account, "a.example", secure=False)], now)
    facts.take(now, 10)
    facts.learn([Seen("a.example")], now)
    facts.look([wanted(account, "a.example")], now)
    assert facts.take(now, 10) == ([Host("a.example", True)], [])
    facts.learn([Seen("a.example")], now)
    facts.look([wanted(account, "a.example", secure=False)], now)
    assert facts.take(now, 10) == ([], [])
    assert LinkedHost.objects.get().is_secure


def test_names_are_asked_for_as_dns_has_them(account: HostingAccount, now: datetime) -> None:
    asked = wanted(account, "bücher.example", "xn--bcher-kva.example")
    facts.look([asked], now)
    assert facts.take(now, 10) == ([Host("xn--bcher-kva.example", True)], [])
    facts.learn([Seen("xn--bcher-kva.example", is_dead=True)], now)
    assert facts.look([asked], now).dead_hosts == set(asked.hosts)


def test_names_that_are_none_of_the_worlds_are_not_asked_for(
    account: HostingAccount, now: datetime
) -> None:
    names = ("nas.local", "x.onion", "wiki.internal", "a.localhost", "fritz.home.arpa", "a b.c")
    long = f"{'a' * 64}.example"
    assert facts.look([wanted(account, *names, "intranet", long)], now).dead_hosts == set()
    assert facts.take(now, 10) == ([], [])


def test_nothing_is_asked_for_where_it_is_off(
    account: HostingAccount, settings: Any, now: datetime
) -> None:
    settings.CHECK_LINKS = False
    settings.DNSBL = []
    with CaptureQueriesContext(connection) as seen:
        facts.look([wanted(account, "a.example", visitor=VISITOR)], now)
    assert not seen
    assert facts.reputation(now) == []


def test_each_account_may_have_a_hundred_hosts_found_out_in_an_hour(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    def ask(who: HostingAccount, first: int, at: datetime) -> int:
        facts.look([wanted(who, *(f"h{n}.example" for n in range(first, first + 60)))], at)
        return LinkedHost.objects.filter(asked_by=who).count()

    assert ask(account, 0, now) == 60
    assert ask(account, 60, now) == 100
    assert ask(account, 120, now + timedelta(minutes=59)) == 100
    assert ask(other, 200, now) == 60
    assert ask(account, 300, now + timedelta(hours=1)) == 160


def test_no_more_is_wanted_while_too_much_waits(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "MOST_WAITING", 5)
    facts.look([wanted(account, *(f"h{number}.example" for number in range(4)))], now)
    facts.look([wanted(account, "a.example", "b.example")], now)
    assert LinkedHost.objects.count() == 5
    facts.look([wanted(account, "c.example")], now)
    assert LinkedHost.objects.count() == 5


def test_queries_stay_few(account: HostingAccount, now: datetime) -> None:
    facts.look([wanted(account, *(f"h{number}.example" for number in range(50)))], now)
    batch = [wanted(account, f"h{number}.example", visitor=VISITOR) for number in range(50)]
    facts.look(batch, now)
    with CaptureQueriesContext(connection) as seen:
        facts.look(batch, now)
    assert len(seen) == 2


def test_a_listed_visitor_is_told(account: HostingAccount, now: datetime) -> None:
    does_well(now)
    asked = wanted(account, visitor=VISITOR)
    assert facts.look([asked], now).listings == {}
    assert facts.take(now, 10) == ([], [Question(ZONE, VISITOR)])
    facts.hear([Said(Question(ZONE, VISITOR), "127.0.0.4")], now)
    assert facts.look([asked], now).listings == {VISITOR: (Listing(ZONE, VISITOR, "127.0.0.4"),)}
    # Another one is not listed for that.
    assert facts.look([wanted(account, visitor="8.8.8.8")], now).listings == {}
    later = now + timedelta(hours=12)
    does_well(later)
    assert facts.look([asked], later).listings == {}


@pytest.mark.parametrize(
    ("listed", "unlisted", "trouble"),
    [
        (Said(Question(ZONE, facts.LISTED)), Said(Question(ZONE, facts.UNLISTED)), Trouble.EMPTY),
        (
            Said(Question(ZONE, facts.LISTED), "127.0.0.2"),
            Said(Question(ZONE, facts.UNLISTED), "127.0.0.2"),
            Trouble.WORLD,
        ),
        (
            Said(Question(ZONE, facts.LISTED), trouble=Trouble.PUBLIC),
            Said(Question(ZONE, facts.UNLISTED)),
            Trouble.PUBLIC,
        ),
    ],
)
def test_a_list_that_does_not_do_well_is_not_believed(
    account: HostingAccount, now: datetime, listed: Said, unlisted: Said, trouble: Trouble
) -> None:
    facts.want_own(now)
    assert not facts.reputation(now)[0].is_known
    asked = wanted(account, visitor=VISITOR)
    facts.look([asked], now)
    facts.hear([listed, unlisted, Said(Question(ZONE, VISITOR), "127.0.0.4")], now)
    assert facts.look([asked], now).listings == {}
    (zone,) = facts.reputation(now)
    assert (zone.is_known, zone.trouble) == (True, trouble)


def test_a_list_is_tried_again_and_again(now: datetime) -> None:
    does_well(now)
    (zone,) = facts.reputation(now)
    assert (zone.is_known, zone.trouble) == (True, None)
    soon = now + timedelta(hours=11)
    facts.want_own(soon)
    assert facts.take(soon, 10) == ([], [])
    later = now + timedelta(hours=12)
    facts.want_own(later)
    assert {question.address for question in facts.take(later, 10)[1]} == {
        facts.LISTED,
        facts.UNLISTED,
    }
    # Who does not find that out for a day, does not know.
    assert not facts.reputation(now + timedelta(days=2))[0].is_known


def test_our_own_addresses_are_asked_for_and_held_against_nobody(
    account: HostingAccount, settings: Any, now: datetime
) -> None:
    settings.OUTBOUND_ADDRESSES = [
        ip_network("9.9.9.8/31"),
        ip_network("2a00:1450::9"),
        ip_network("2a00:1451::/64"),
    ]
    does_well(now)
    own = {"9.9.9.8", "9.9.9.9", "2a00:1450::9"}
    rows = ListAnswer.objects.filter(is_house=True)
    assert set(rows.values_list("address", flat=True)) == own | {facts.LISTED, facts.UNLISTED}
    facts.hear([Said(Question(ZONE, "9.9.9.9"), "127.0.0.3")], now)
    (zone,) = facts.reputation(now)
    assert zone.listed == (Listing(ZONE, "9.9.9.9", "127.0.0.3"),)
    assert zone.checked_at == now
    # Many forms write the server's address where the visitor's belongs.
    assert facts.look([wanted(account, visitor="9.9.9.9")], now).listings == {}
    settings.OUTBOUND_ADDRESSES = []
    settings.DNSBL = [OTHER]
    facts.want_own(now)
    assert set(rows.values_list("zone", "address")) == {
        (OTHER, facts.LISTED),
        (OTHER, facts.UNLISTED),
    }


def test_what_nobody_wants_is_forgotten(account: HostingAccount, now: datetime) -> None:
    does_well(now)
    facts.look([wanted(account, "a.example", visitor=VISITOR)], now)
    day = now + timedelta(days=1, seconds=1)
    facts.look([wanted(account, "b.example")], day)
    # The visitor's address goes after a day.
    assert facts.prune(day) == 1
    assert facts.prune(now + timedelta(days=30, seconds=1)) == 1
    assert set(LinkedHost.objects.values_list("host", flat=True)) == {"b.example"}
    assert ListAnswer.objects.count() == 2


def test_there_are_only_so_many_rows(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "MOST_ROWS", 3)
    for number in range(6):
        facts.look([wanted(account, f"h{number}.example")], now + timedelta(minutes=number))
    assert facts.prune(now, limit=2) == 2
    assert facts.prune(now) == 1
    assert facts.prune(now) == 0
    left = LinkedHost.objects.order_by("host").values_list("host", flat=True)
    assert list(left) == ["h3.example", "h4.example", "h5.example"]
