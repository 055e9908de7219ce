"""What goes out is signed by the right keys, and no trouble with a key stops it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from mailqueue import accounts, queue, senders, signing_keys
from mailqueue.models import HostingAccount, Message, Recipient, SigningKey
from mailqueue.queue import Claimed, Submission
from relay.delivery import deliver_due
from relay.signer import KEPT, Signer
from tests.support.dkim_reader import verified
from tests.support.loop import run
from tests.support.remote import Remote, remote

pytestmark = pytest.mark.django_db(transaction=True)

RSA, ED25519 = SigningKey.Algorithm.RSA, SigningKey.Algorithm.ED25519


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now)


@pytest.fixture
def aim(settings: Any) -> Callable[[Remote], None]:
    def at(server: Remote) -> None:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address

    return at


def letter(author: str) -> bytes:
    return f"From: <{author}>\r\nSubject: été\r\n\r\n.\r\nbody\r\n".encode()


def submit(account: HostingAccount, now: datetime, author: str, *recipients: str) -> None:
    content = letter(author)
    submission = Submission(
        account_id=account.pk,
        sender="site@boutique.example",
        recipients=recipients or ("client@example.org",),
        content=content,
        size_bytes=len(content),
        subject="x",
        origin=Message.Origin.SOCKET,
    )
    queue.accept([submission], now)


def activate(domain: str, now: datetime, *kinds: SigningKey.Algorithm) -> dict[str, str]:
    """Keys of a domain that sign, and the records of them."""
    records = {}
    for kind in kinds or (ED25519,):
        key = signing_keys.make(domain, kind, "admin", now)
        signing_keys.activate(key, now)
        records[signing_keys.record_name(key)] = signing_keys.record_value(key)
    return records


def claimed(account: HostingAccount, now: datetime, message_id: int = 1) -> Claimed:
    return Claimed(1, message_id, account.pk, "Q", "", "a@b.example", "b.example", 0, now, now, "c")


def test_both_keys_of_the_domain_sign_what_goes_out(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    records = activate("boutique.example", now, RSA, ED25519)
    many = [f"client{number}@example.org" for number in range(60)]
    submit(account, now, "a@news.boutique.example", *many)
    submit(account, now, "ceo@bank.example")
    with remote() as server:
        aim(server)
        run(deliver_due(lambda: now))
    assert set(Recipient.objects.values_list("status", flat=True)) == {"sent"}
    signed = [one.content for one in server.messages if b"bank.example" not in one.content]
    assert len(signed) == 2, "in two transactions"
    for content in signed:
        assert verified(content, records) == [True, True]
        assert content.endswith(letter("a@news.boutique.example"))
    (plain,) = [one.content for one in server.messages if b"bank.example" in one.content]
    assert plain == letter("ceo@bank.example")


def test_the_house_answers_for_what_has_no_key_of_its_own(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None], settings: Any
) -> None:
    settings.HOSTNAME = "mail.hoster.example"
    records = activate("hoster.example", now)
    submit(account, now, "ceo@bank.example")
    with remote() as server:
        aim(server)
        run(deliver_due(lambda: now))
    (message,) = server.messages
    assert b"d=hoster.example;" in message.content
    assert verified(message.content, records) == [True]


def test_a_change_of_keys_counts_after_a_moment(account: HostingAccount, now: datetime) -> None:
    first = activate("boutique.example", now)
    clock = [now]
    signer = Signer(lambda: clock[0])
    content = letter("a@boutique.example")

    def valid(message_id: int, records: dict[str, str]) -> list[bool]:
        return verified(run(signer.signed(claimed(account, now, message_id), content)), records)

    assert valid(1, first) == [True]
    second = activate("boutique.example", now)
    clock[0] = now + KEPT - timedelta(seconds=1)
    assert valid(2, first) == [True]
    clock[0] = now + KEPT
    assert valid(3, second) == valid(1, second) == [True]
    signing_keys.retire(SigningKey.objects.get(retired_at=None), now)
    clock[0] += KEPT
    assert valid(1, second) == []


def test_a_domain_of_another_account_signs_nothing(account: HostingAccount, now: datetime) -> None:
    other = accounts.create("autre.example", now)
    records = activate("boutique.example", now)
    content = letter("a@boutique.example")
    assert run(Signer(lambda: now).signed(claimed(other, now), content)) == content
    senders.add(other, "boutique.example", "admin", now)
    assert verified(run(Signer(lambda: now).signed(claimed(other, now), content)), records) == [
        True
    ]


def test_a_key_that_cannot_be_read_stops_no_mail(
    account: HostingAccount,
    now: datetime,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    records = activate("boutique.example", now, RSA, ED25519)
    # Kept by another house.
    SigningKey.objects.filter(algorithm=RSA).update(private_key="gAAAA nonsense \N{SNOWMAN}")
    content = letter("a@boutique.example")
    with caplog.at_level(logging.WARNING):
        found = run(Signer(lambda: now).signed(claimed(account, now), content))
    assert verified(found, records) == [True]
    assert "r._domainkey.boutique.example unread=yes" in caplog.text


def test_without_the_table_what_was_known_goes_on(
    account: HostingAccount, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    records = activate("boutique.example", now)
    clock = [now]
    signer = Signer(lambda: clock[0])
    content = letter("a@boutique.example")
    run(signer.signed(claimed(account, now), content))
    clock[0] += KEPT
    table = SigningKey._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        found = run(signer.signed(claimed(account, now), content))
        assert run(Signer(lambda: now).signed(claimed(account, now), content)) == content
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert verified(found, records) == [True]
    assert "keys=unread" in caplog.text


def test_large_messages_are_signed_too(account: HostingAccount, now: datetime) -> None:
    records = activate("boutique.example", now, RSA, ED25519)
    content = letter("a@boutique.example") + b"line of text\r\n" * 40_000
    found = run(Signer(lambda: now).signed(claimed(account, now), content))
    assert verified(found, records) == [True, True]
