"""The page of an account can say what was refused last, and a loop of refusals costs little."""

import asyncio
import os
from datetime import datetime

import pytest
from django.db import connection

from mailqueue import accounts, tokens
from mailqueue.models import HostingAccount, LastRefusal, Message
from relay import disk
from relay.database import in_database
from relay.identity import Caller
from relay.intake import Handover, Intake
from relay.server import RAW_LIMIT
from tests.support.loop import run
from tests.support.relaying import packed, relay

UID = 4_000_000_001
NOW = datetime.fromisoformat("2026-03-11T10:30:00+00:00")
MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"


@pytest.fixture
def account(transactional_db: None) -> HostingAccount:
    return accounts.create("shop.example", NOW, uid=UID)


def call(
    *words: bytes,
    message: bytes = MESSAGE,
    uid: int = UID,
    origin: Message.Origin = Message.Origin.SOCKET,
) -> Handover:
    return Handover(uid, words or (b"-t",), message, origin)


def take(*handovers: Handover) -> None:
    async def work() -> None:
        desk = Intake(lambda: NOW)
        try:
            await asyncio.gather(*(desk.hand_over(one) for one in handovers))
        finally:
            await desk.finish()

    run(work())


@pytest.mark.parametrize(
    ("handover", "exit_code", "words"),
    [
        (call(b"-t", message=b"Subject: nobody\n\n"), 64, "no recipients"),
        (call(b"-z"), 64, "unknown option"),
        (call(b"-t", message=MESSAGE + b"\0"), 65, "NUL"),
        (call(b"-t", message=MESSAGE + b"x\n" * 5_300_000), 65, "larger"),
    ],
)
def test_the_last_refusal_of_an_account_is_kept(
    account: HostingAccount, handover: Handover, exit_code: int, words: str
) -> None:
    take(handover)
    row = LastRefusal.objects.get()
    assert (row.account_id, row.exit_code, row.refused_at) == (account.pk, exit_code, NOW)
    assert words in row.text


def test_a_closed_account_and_a_revoked_token_are_noted(account: HostingAccount) -> None:
    row, plain = tokens.make(account.pk, "x", "admin", NOW, uid=33)
    tokens.revoke(row, NOW)
    take(call(b"-t", b"--token=" + plain.encode(), uid=33))
    assert "token" in LastRefusal.objects.get().text
    LastRefusal.objects.all().delete()
    accounts.close(account.pk, "admin", NOW)
    take(call())
    assert "closed" in LastRefusal.objects.get().text


def test_what_concerns_no_account_or_was_taken_or_only_asked_is_not_noted(
    account: HostingAccount,
) -> None:
    take(call(), call(b"-bp"), call(uid=UID + 1), call(b"-t", b"--token=fct_x"))
    accounts.close(account.pk, "admin", NOW)
    take(call(b"-bp"))
    assert not LastRefusal.objects.exists()


def test_a_nearly_full_disk_is_noted_unless_the_maildrop_keeps_the_message(
    account: HostingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "FREE_SHARE", 2)
    take(call(origin=Message.Origin.MAILDROP))
    assert not LastRefusal.objects.exists()
    take(call())
    assert LastRefusal.objects.get().exit_code == 69


def test_a_loop_of_refusals_is_written_down_once_a_second(account: HostingAccount) -> None:
    written: list[int] = []

    def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        if "lastrefusal" in sql and not sql.startswith("SELECT"):
            written.append(1)
        return execute(sql, params, many, context)

    async def work() -> None:
        desk = Intake(lambda: NOW)
        await in_database(lambda: connection.execute_wrappers.append(count))
        try:
            for _ in range(200):
                await desk.hand_over(call(b"-z"))
        finally:
            await desk.finish()
            await in_database(connection.execute_wrappers.clear)

    run(work())
    assert LastRefusal.objects.count() == 1
    # An update that finds nothing and an insert; then one update for the rest at most.
    assert 1 <= len(written) <= 4


def test_without_the_table_the_answer_is_the_same(account: HostingAccount) -> None:
    table = LastRefusal._meta.db_table

    async def work() -> int:
        desk = Intake(lambda: NOW)
        answer = await desk.hand_over(call(b"-z"))
        await desk.finish()
        return answer.exit_code

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        assert run(work()) == 64
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


def test_plain_smtp_is_noted_too(account: HostingAccount) -> None:
    async def work() -> None:
        desk = Intake(lambda: NOW)
        await desk.take_smtp(Caller(UID), "", ["a@b.example"], b"a\nb\r\n", Message.Origin.SOCKET)
        await desk.finish()

    run(work())
    assert "bare" in LastRefusal.objects.get().text


@pytest.mark.parametrize("is_announced", [True, False])
def test_what_smtp_refuses_for_its_size_is_noted(
    transactional_db: None, is_announced: bool
) -> None:
    accounts.create("own.example", NOW, uid=os.getuid())
    line = b"x" * 998 + b"\r\n"
    with relay() as desk, desk.connect() as connection:
        size = b" SIZE=10485761" if is_announced else b""
        connection.sendall(b"EHLO a\r\nMAIL FROM:<a@b.example>" + size + b"\r\n")
        if not is_announced:
            connection.sendall(b"RCPT TO:<a@b.example>\r\nDATA\r\n")
            connection.sendall(line * (10_485_760 // len(line) + 1) + b".\r\n")
        connection.sendall(b"QUIT\r\n")
        words = connection.makefile("rb").read()
    assert b"\r\n552 5.3.4 " in words
    assert words.endswith(b"\r\n221 2.0.0 Bye\r\n")
    refusal = LastRefusal.objects.get()
    assert (refusal.exit_code, "larger" in refusal.text) == (65, True)


def test_what_is_too_large_to_be_read_is_noted_for_its_token(account: HostingAccount) -> None:
    accounts.create("own.example", NOW, uid=os.getuid())
    _, plain = tokens.make(account.pk, "x", "admin", NOW, uid=os.getuid())
    with relay() as desk:
        token = b"--token=" + plain.encode()
        answer = desk.say(packed(b"-t", token, message=b"x" * (RAW_LIMIT + 1)))[1]
        assert answer.startswith(b"552 5.3.4 exit=65 ")
    assert LastRefusal.objects.get().account_id == account.pk
