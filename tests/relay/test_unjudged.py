"""What is known beside a message has its part in the verdict, from claim to delivery."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection

from mailqueue import accounts, queue
from mailqueue.models import Habit, HostingAccount, Judgement, Message, Recipient
from mailqueue.queue import Submission
from relay import inquiries
from relay.client import Timeouts
from relay.delivery import deliver_due
from relay.resolver import Resolver
from tests.support.loop import run
from tests.support.nameserver import Nameserver, nameserver
from tests.support.remote import Remote, remote

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = Timeouts(*([0.5] * 8))
DAY = timedelta(days=1)
NEWS = (
    "Bonjour {name},\n\nles nouvelles de la saison sont là, avec nos conseils pour bien choisir "
    "et une visite de notre atelier. Nous vous attendons pour les fêtes.\n{link}\n"
)


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now - 100 * DAY)


@pytest.fixture(autouse=True)
def mx(settings: Any) -> Iterator[Remote]:
    with remote() as server:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address
        yield server


@pytest.fixture
def dns(settings: Any) -> Iterator[Nameserver]:
    with nameserver() as server:
        settings.CHECK_LINKS = True
        yield server


def letter(
    address: str,
    link: str = "https://boutique.example/",
    author: str = "La boutique <site@boutique.example>",
    subject: str = "Des nouvelles",
    more: str = "",
) -> bytes:
    name = address.partition("@")[0].title()
    head = (
        f"From: {author}\r\nTo: {name} <{address}>\r\nSubject: {subject}\r\n{more}"
        "Date: Thu, 12 Mar 2026 14:07:00 +0100\r\nMessage-ID: <1@boutique.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return (head + NEWS.format(name=name, link=link).replace("\n", "\r\n")).encode()


def send(
    account: HostingAccount, at: datetime, letters: dict[str, bytes], script: str = "index.php"
) -> None:
    """Hand these over, and have a worker send what is due."""
    queue.accept(
        [
            Submission(
                account_id=account.pk,
                sender="site@boutique.example",
                recipients=(address,),
                content=content,
                size_bytes=len(content),
                subject="x",
                origin=Message.Origin.SOCKET,
                script=script,
            )
            for address, content in letters.items()
        ],
        at,
    )
    run(deliver_due(lambda: at, timeouts=QUICK))


def to(number: int, first: int = 0) -> list[str]:
    return [f"client{place}@example.org" for place in range(first, first + number)]


def found(address: str) -> set[str]:
    """The rules that the last message to an address met, as they are kept."""
    row = Judgement.objects.filter(message__recipients__address=address).latest("pk")
    return {finding["rule"] for finding in row.findings}


def held() -> set[str]:
    rows = Recipient.objects.filter(status="held", hold_reason="spam")
    return set(rows.values_list("address", flat=True))


def live_ordinarily(account: HostingAccount, now: datetime) -> None:
    """Two months of a site that writes to some people every few days."""
    for day in range(60, 0, -3):
        send(account, now - day * DAY, {one: letter(one) for one in to(6, first=6 * day)})


def test_an_injected_mailer_is_held_for_what_it_does(
    account: HostingAccount, now: datetime, mx: Remote
) -> None:
    live_ordinarily(account, now)
    assert not held()
    burst = {
        address: letter(
            address,
            link=f"https://b{place}.example/go",
            author=f"Anna {place} <a{place}@x.example>",
            subject=f"Hallo {place}",
        )
        for place, address in enumerate(to(60, first=7000))
    }
    send(account, now, burst, script="wp-includes/cache.php")
    # Half a hundred are looked at together; what is told of them is told of all.
    assert len(held()) >= 50
    assert found("client7059@example.org") >= {"burst", "random_senders", "changing_links"}
    arrived = {one for message in mx.messages for one in message.recipients}
    assert not arrived & held()
    account.refresh_from_db()
    assert account.state == "spam"
    habit = Habit.objects.get(account=account, script="")
    assert (habit.sent, habit.spam) == (60, len(held()))


@pytest.mark.parametrize("is_list", [True, False])
def test_a_newsletter_by_a_new_plugin_goes_out(
    account: HostingAccount, now: datetime, mx: Remote, is_list: bool
) -> None:
    live_ordinarily(account, now)
    more = "List-Unsubscribe: <https://boutique.example/out>\r\n" if is_list else ""
    mailing = {one: letter(one, more=more) for one in to(210, first=7000)}
    send(account, now, mailing, script="newsletter.php")
    assert not held()
    arrived = {one for message in mx.messages for one in message.recipients}
    assert arrived >= set(mailing)
    # They were told apart, and seen to be strangers.
    assert Habit.objects.get(account=account, script="").new == 210


def test_a_dead_host_counts_from_the_second_message_on(
    account: HostingAccount, now: datetime, dns: Nameserver, settings: Any
) -> None:
    settings.SPAM_MESSAGES = settings.SPAM_RECIPIENTS = 0

    def shout(address: str) -> None:
        # Enough to be kept, and no spam.
        content = letter(
            address, "https://www.gone.example/x http://192.0.2.7:81/", subject="ACHETEZ TOUT ICI"
        )
        send(account, now, {address: content})

    shout("first@example.org")
    assert "link_dead" not in found("first@example.org")
    run(inquiries.check_due(lambda: now, Resolver([dns.address])))
    assert ("www.gone.example", "A") in dns.asked
    shout("second@example.org")
    assert "link_dead" in found("second@example.org")
    assert {name for name, _ in dns.asked} == {"www.gone.example"}


def test_a_listed_visitor_counts_for_his_message_alone(
    account: HostingAccount, now: datetime, dns: Nameserver, settings: Any
) -> None:
    settings.DNSBL, settings.CHECK_LINKS = ["list.example"], False
    dns.add("2.0.0.127.list.example", "A", "127.0.0.2")
    dns.add("4.4.8.8.list.example", "A", "127.0.0.4")
    run(inquiries.check_due(lambda: now, Resolver([dns.address])))

    def form(address: str, visitor: str) -> None:
        content = letter(
            address,
            "http://192.0.2.7:81/",
            subject="ACHETEZ TOUT ICI",
            more=f"X-Originating-IP: [{visitor}]\r\n",
        )
        send(account, now, {address: content})

    form("first@example.org", "8.8.4.4")
    run(inquiries.check_due(lambda: now, Resolver([dns.address])))
    form("second@example.org", "8.8.4.4")
    form("third@example.org", "8.8.8.8")
    assert "listed" in found("second@example.org")
    assert "listed" not in found("first@example.org") | found("third@example.org")


@pytest.mark.parametrize("table", ["mailqueue_habit", "mailqueue_linkedhost"])
def test_what_cannot_be_known_stops_no_mail(
    account: HostingAccount,
    now: datetime,
    mx: Remote,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    table: str,
) -> None:
    settings.CHECK_LINKS = True
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        send(account, now, {"marie@example.org": letter("marie@example.org")})
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    assert [message.recipients for message in mx.messages] == [["marie@example.org"]]
    assert Message.objects.get().spam_score is not None
    assert "screening=without_facts" in caplog.text


def test_links_of_a_house_that_looks_at_none_are_not_asked_for(
    account: HostingAccount, now: datetime, dns: Nameserver, settings: Any
) -> None:
    settings.CHECK_LINKS = False
    settings.RESOLVERS = [dns.address]
    settings.ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
    send(account, now, {"marie@example.org": letter("marie@example.org")})
    run(inquiries.check_due(lambda: now, Resolver([dns.address])))
    assert dns.asked == []
