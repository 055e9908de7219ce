"""An account's rule about strange authors holds for every way in."""

import os
import pwd
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from mailqueue import accounts, queue, senders, tokens
from mailqueue.models import (
    ForeignSender,
    HostingAccount,
    LastRefusal,
    Message,
    RefusedCall,
    SenderPolicy,
)
from tests.support.relaying import ID, Relay, packed, relay
from tests.support.submitting import LOOPBACK, Desk, certificate, running
from tests.support.waiting import eventually

STRANGE = b"From: Le PDG <ceo@bank.example>\nTo: you@example.org\nSubject: s\n\nbody\n"
OWN = b"From: a@shop.example\nTo: you@example.org\nSubject: s\n\nbody\n"
LINE = "this account may not write in the name of 'ceo@bank.example'"


@pytest.fixture
def shop(transactional_db: None) -> HostingAccount:
    return accounts.create("shop.example", datetime.now(UTC), uid=os.getuid())


@pytest.fixture
def desk(shop: HostingAccount) -> Iterator[Relay]:
    with relay() as new:
        yield new


def on_the_wire(message: bytes) -> bytes:
    return message.replace(b"\n", b"\r\n")


def bind(account: HostingAccount, policy: SenderPolicy) -> None:
    senders.set_policy(account.pk, policy)


def content() -> bytes:
    found = queue.content_of(Message.objects.latest("pk").pk)
    assert found
    return found


def talk(desk: Relay, message: bytes) -> list[bytes]:
    """What plain SMTP on standard input is answered after the content."""
    words = (
        b"EHLO x\r\nMAIL FROM:<a@shop.example>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n"
        + on_the_wire(message)
        + b".\r\nQUIT\r\n"
    )
    return desk.call("-bs", message=words).stdout.splitlines()[-2:-1]


def test_a_strange_author_is_refused_by_every_way(desk: Relay, shop: HostingAccount) -> None:
    bind(shop, SenderPolicy.REFUSE)
    result = desk.call("-t", message=STRANGE)
    assert result.returncode == 77
    assert result.stderr.decode().count("\n") == 1
    assert LINE in result.stderr.decode()
    assert talk(desk, STRANGE) == [f"550 5.7.1 {LINE}".encode()]

    path = desk.maildrop / ID
    path.write_bytes(packed(b"-t", message=STRANGE))
    path.chmod(0o640)
    assert desk.look() == 1
    assert len(list(desk.refused.iterdir())) == 1
    assert RefusedCall.objects.get().reason == LINE

    assert not Message.objects.exists()
    noted = LastRefusal.objects.filter(exit_code=77, text=LINE)
    eventually(lambda: noted.exists(), 5, "the page is told")
    for message in (OWN, b"To: you@example.org\n\nbody\n"):
        assert desk.call("-t", message=message).returncode == 0
    assert talk(desk, OWN)[0].startswith(b"250 ")
    assert not ForeignSender.objects.exists()


def test_the_login_of_the_caller_is_none_and_others_of_the_host_are(
    desk: Relay, shop: HostingAccount, settings: Any
) -> None:
    settings.HOSTNAME = "house.test"
    bind(shop, SenderPolicy.REFUSE)
    # What cron writes: a name without a domain, which is the caller's.
    login = pwd.getpwuid(os.getuid()).pw_name
    for author, code in ((login, 0), (f"{login}@house.test", 0), ("other@house.test", 77)):
        message = f"From: {author}\nTo: you@example.org\n\nbody\n".encode()
        assert desk.call("-t", message=message).returncode == code, author
    # With -f alone From is what that says, and must be the account's too.
    absent = b"To: you@example.org\n\nbody\n"
    assert desk.call("-t", "-f", "ceo@bank.example", message=absent).returncode == 77
    assert desk.call("-t", "-f", "", message=absent).returncode == 0


def test_a_strange_author_is_refused_over_the_network(tmp_path: Path, shop: HostingAccount) -> None:
    bind(shop, SenderPolicy.REFUSE)
    _, plain = tokens.make(shop.pk, "x", "admin", datetime.now(UTC))
    with running(Desk(certificate(tmp_path), LOOPBACK)) as desk, desk.client() as client:
        client.login("shop.example", plain)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@shop.example", ["you@example.org"], on_the_wire(STRANGE))
        assert refused.value.smtp_code == 550
        assert refused.value.smtp_error == f"5.7.1 {LINE}".encode()
        assert (
            client.sendmail("a@shop.example", ["you@example.org"], OWN.replace(b"\n", b"\r\n"))
            == {}
        )
    assert Message.objects.count() == 1


def test_a_warned_account_sends_and_its_page_can_tell(desk: Relay, shop: HostingAccount) -> None:
    bind(shop, SenderPolicy.WARN)
    script = b"X-PHP-Originating-Script: 33:contact.php\n"
    for message in (STRANGE, script + STRANGE, OWN):
        assert desk.call("-t", message=message).returncode == 0
    assert Message.objects.count() == 3
    row = ForeignSender.objects.get()
    assert (row.account, row.number) == (shop, 2)
    assert (row.author, row.script) == ("ceo@bank.example", "contact.php")


def test_a_strange_author_is_replaced_on_the_way_in(desk: Relay, shop: HostingAccount) -> None:
    bind(shop, SenderPolicy.REWRITE)
    senders.add(shop, "shop2.example", "admin", datetime.now(UTC))
    message = STRANGE.replace(b"body", b"corps \xe9 \xff\n.\n")
    assert desk.call("-t", "-i", "-f", "bounce@shop2.example", message=message).returncode == 0
    head, _, body = content().partition(b"\r\n\r\n")
    assert body == b"corps \xe9 \xff\r\n.\r\n\r\n"
    fields = head.split(b"\r\n")
    assert fields[0] == b'From: "Le PDG via shop.example" <bounce@shop2.example>'
    assert b"Reply-To: <ceo@bank.example>" in fields
    assert ForeignSender.objects.get().number == 1
    assert desk.call("-t", message=OWN).returncode == 0
    assert b"From: a@shop.example\r\n" in content()


def test_a_broken_note_refuses_nobody(desk: Relay, shop: HostingAccount) -> None:
    bind(shop, SenderPolicy.WARN)
    table = ForeignSender._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        assert desk.call("-t", message=STRANGE).returncode == 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert Message.objects.count() == 1
