"""What may come in is decided once, and is durable when the answer comes."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue import accounts, queue
from mailqueue.models import Message, Recipient
from relay import intake, listing
from relay.identity import Caller
from relay.intake import Answer, Handover, Intake, Letter, read, read_smtp
from tests.support.loop import run

UID = 4_000_000_001
NOW = datetime.fromisoformat("2026-03-11T10:30:00+00:00")
MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"


def handover(*words: bytes, message: bytes = MESSAGE, number: str = "", uid: int = UID) -> Handover:
    return Handover(uid, words or (b"-t", b"-i"), message, Message.Origin.SOCKET, number, b"/srv/x")


def letter(*words: bytes, message: bytes = MESSAGE) -> Letter:
    found = read(handover(*words, message=message), NOW)
    assert isinstance(found, Letter), found
    return found


def refusal(*words: bytes, message: bytes = MESSAGE) -> tuple[int, int]:
    found = read(handover(*words, message=message), NOW)
    assert isinstance(found, Answer)
    assert found.text.isprintable()
    return found.code // 100, found.exit_code


def test_recipients_of_header_and_arguments_are_one_list() -> None:
    found = letter(b"-t", b"x@y.example, you@example.org", b"--", b"<z@y.example>", b"root")
    assert found.recipients[:3] == ("x@y.example", "you@example.org", "z@y.example")
    assert found.recipients[3].startswith("root@")
    assert len(found.recipients) == 4


def test_without_t_the_header_names_nobody_and_bcc_is_still_removed() -> None:
    found = letter(b"-i", b"a@b.example", message=b"To: c@d.example\nBcc: e@f.example\n\nx\n")
    assert found.recipients == ("a@b.example",)
    assert b"e@f.example" not in found.content


@pytest.mark.parametrize(
    ("words", "sender"),
    [
        ((b"-f", b""), ""),
        ((b"-f", b"<>"), ""),
        ((b"-f", b"<a@b.example>"), "a@b.example"),
        ((b"-ra@b.example",), "a@b.example"),
    ],
)
def test_the_sender_is_the_one_of_the_arguments(words: tuple[bytes, ...], sender: str) -> None:
    assert letter(b"-t", *words).sender == sender


def test_without_one_the_sender_is_the_user() -> None:
    assert letter(b"-t").sender.startswith(f"uid{UID}@")


@pytest.mark.parametrize(
    ("words", "message", "expected"),
    [
        ((b"-t",), b"Subject: nobody\n\n", (5, 64)),
        ((b"-i",), MESSAGE, (5, 64)),
        ((b"-t",), b"To: list:;\n\n", (5, 64)),
        ((b"-z",), MESSAGE, (5, 64)),
        ((b"-be",), MESSAGE, (5, 64)),
        ((b"-t",), b"To: a b\n\n", (5, 65)),
        ((b"-t",), MESSAGE + b"\0", (5, 65)),
        ((b"-t", b"-f", b"a@b\r\nRCPT TO:<v@w>"), MESSAGE, (5, 65)),
        ((b"-t", b"-f", b"a b"), MESSAGE, (5, 65)),
        ((b"-t", b"-F", b"a\nBcc: v@w"), MESSAGE, (5, 65)),
        ((b"--", b"a@b.example\nv@w.example"), MESSAGE, (5, 65)),
        ((b"-t",), MESSAGE + b"x" * 10_485_760, (5, 65)),
        ((b"-t",), b"X: " + b"x" * 999 + b"\n" + MESSAGE, (5, 65)),
        ((b"-t",), b"x: y\n" * 300_000 + MESSAGE, (5, 65)),
        ((b"--", *[b"a%d@b.example" % number for number in range(10_001)]), MESSAGE, (5, 65)),
        ((b"-q",), b"", (2, 0)),
        ((b"-bv", b"a@b.example"), MESSAGE, (2, 0)),
    ],
)
def test_what_may_not_come_in_says_its_exit_code(
    words: tuple[bytes, ...], message: bytes, expected: tuple[int, int]
) -> None:
    assert refusal(*words, message=message) == expected


def test_exactly_the_limit_is_taken() -> None:
    room = 10_485_760 - len(MESSAGE) - MESSAGE.count(b"\n")
    # Each line travels with one byte more than it came with.
    body = (b"x" * 62 + b"\n") * (room // 64) + b"y" * (room % 64 - 2) + b"\n"
    assert letter(b"-t", b"-i", message=MESSAGE + body).size_bytes == 10_485_760
    assert refusal(b"-t", b"-i", message=MESSAGE + b"z" + body) == (5, 65)


def test_hints_about_the_script_are_kept_as_hints() -> None:
    found = letter(b"-t", message=b"X-PHP-Originating-Script: 0:a\tb.php\n" + MESSAGE)
    assert (found.caller, found.script, found.folder) == (Caller(UID), "a b.php", "/srv/x")


@pytest.mark.parametrize("line", [b"a\nb\r\n", b"a\rb\r\n", b"\n.\r\n", b"\r.\r\n", b"a\r\r\n"])
def test_smtp_refuses_a_bare_line_end(line: bytes) -> None:
    found = read_smtp(
        Caller(UID), "", ["a@b.example"], b"Subject: s\r\n\r\n" + line, Message.Origin.SOCKET, NOW
    )
    assert isinstance(found, Answer)
    assert (found.code, found.exit_code) == (554, 65)


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=12) | st.sampled_from([b"-t", b"-f", b"a@b", b"-F"]), max_size=5),
    st.binary(max_size=60),
)
def test_whatever_comes_has_an_answer(words: list[bytes], message: bytes) -> None:
    found = read(handover(b"-t", *words, message=b"To: x@y.example\n" + message), NOW)
    assert isinstance(found, Letter | Answer)
    if isinstance(found, Letter):
        assert all(address.isprintable() for address in (*found.recipients, found.sender))


# --- commits


@pytest.fixture
def account(transactional_db: None, now: datetime) -> int:
    return int(accounts.create("shop.example", now, uid=UID).pk)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def take(*handovers: Handover) -> list[Answer]:
    async def work() -> Sequence[Answer]:
        desk = Intake(lambda: NOW)
        try:
            return await asyncio.gather(*(desk.hand_over(one) for one in handovers))
        finally:
            await desk.finish()

    return list(run(work()))


def test_what_is_answered_with_250_is_in_the_queue(account: int) -> None:
    [answer] = take(handover())
    message = Message.objects.get()
    assert (answer.code, answer.text) == (250, message.queue_id)
    assert (message.account_id, message.subject, message.folder) == (account, "s", "/srv/x")
    content = queue.content_of(message.pk)
    assert content is not None
    assert content.endswith(b"\r\n\r\nbody\r\n")


def test_a_caller_sees_the_queue_of_its_own_account(account: int, now: datetime) -> None:
    accounts.create("other.example", now, uid=UID + 1)
    question = handover(b"-bp", message=b"")
    [empty] = take(question)
    assert (empty.code, empty.exit_code, empty.lines) == (250, 0, ("Mail queue is empty",))
    take(handover(), handover(b"-i", b"a@b.example", uid=UID + 1))
    Recipient.objects.update(reply="450 4.2.0\n250 \x1b[2Jlater")
    [answer] = take(question)
    message = Message.objects.get(account=account)
    [line] = answer.lines
    assert line == (
        f"{message.queue_id}  2026-03-11 10:30 UTC  waiting  you@example.org"
        "  (450 4.2.0 250  [2Jlater)"
    )
    [stranger] = take(handover(b"-bp", message=b"", uid=UID + 2))
    assert (stranger.exit_code, stranger.lines) == (67, ())


def test_a_long_queue_is_listed_in_part(account: int) -> None:
    take(*[handover() for _ in range(listing.MOST + 1)])
    [answer] = take(handover(b"-bp", message=b""))
    assert len(answer.lines) == listing.MOST + 1
    assert "more" in answer.lines[-1]


def test_without_the_database_a_question_has_no_answer(account: int) -> None:
    table = Recipient._meta.db_table
    execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        [answer] = take(handover(b"-bp", message=b""))
    finally:
        execute(f"ALTER TABLE elsewhere RENAME TO {table}")
    assert (answer.code, answer.exit_code) == (451, 75)


def test_the_same_hand_over_is_taken_once(account: int) -> None:
    first, second = take(handover(number="f" * 32), handover(number="f" * 32))
    [third] = take(handover(number="f" * 32))
    assert first == second == third
    assert Message.objects.count() == 1


def test_a_user_without_an_account_is_refused_and_nobody_else(account: int) -> None:
    answers = take(handover(), handover(uid=UID + 1), handover())
    assert [(answer.code, answer.exit_code) for answer in answers] == [
        (250, 0),
        (550, 67),
        (250, 0),
    ]


def test_one_that_cannot_be_stored_refuses_no_other(account: int) -> None:
    table = Message._meta.db_table
    if connection.vendor == "postgresql":
        begin = f"ALTER TABLE {table} ADD CONSTRAINT no_poison CHECK (subject <> 'poison')"
        end = f"ALTER TABLE {table} DROP CONSTRAINT no_poison"
    else:
        begin = (
            f"CREATE TRIGGER no_poison BEFORE INSERT ON {table} WHEN NEW.subject = 'poison' "
            "BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )
        end = "DROP TRIGGER no_poison"
    bad = handover(message=MESSAGE.replace(b": s", b": poison"))
    execute(begin)
    try:
        answers = take(handover(), handover(), bad, handover())
    finally:
        execute(end)
    assert [answer.code for answer in answers] == [250, 250, 451, 250]
    assert answers[2].exit_code == 75
    assert Message.objects.count() == 3


def test_without_the_database_it_asks_to_try_again_and_gets_over_it(account: int) -> None:
    table = Message._meta.db_table

    async def work() -> list[Answer]:
        desk = Intake(lambda: NOW)
        during = await desk.hand_over(handover())
        await asyncio.to_thread(renamed_back)
        after = await desk.hand_over(handover())
        await desk.finish()
        return [during, after]

    def renamed_back() -> None:
        execute(f"ALTER TABLE elsewhere RENAME TO {table}")
        connection.close()

    execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    during, after = run(work())
    assert (during.code, during.exit_code, after.code) == (451, 75, 250)


def test_it_gets_over_connections_that_the_database_has_ended(account: int) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections that could end")

    def end_others() -> None:
        execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        connection.close()

    async def work() -> list[Answer]:
        desk = Intake(lambda: NOW)
        answers = [await desk.hand_over(handover())]
        await asyncio.to_thread(end_others)
        answers += [await desk.hand_over(handover()) for _ in range(3)]
        await desk.finish()
        return answers

    connection.close()  # the test's own would be ended too
    answers = run(work())
    assert [answer.code for answer in answers][2:] == [250, 250]


def test_a_full_disk_refuses_before_it_is_full(account: int, settings: object) -> None:
    settings.MIN_FREE_DISK = 2**62  # type: ignore[attr-defined]
    [answer] = take(handover())
    assert (answer.code, answer.exit_code) == (452, 69)
    assert not Message.objects.exists()


def test_a_caller_that_leaves_cancels_nobody_else(account: int) -> None:
    async def work() -> list[Answer | BaseException]:
        desk = Intake(lambda: NOW)
        calls = [asyncio.create_task(desk.hand_over(handover())) for _ in range(5)]
        await asyncio.sleep(0)
        calls[0].cancel()
        await asyncio.sleep(0)
        calls[3].cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        # The desk still works.
        answers.append(await desk.hand_over(handover()))
        await desk.finish()
        return answers

    answers = run(work())
    taken = [answer.code for answer in answers if isinstance(answer, Answer)]
    assert taken == [250] * 4
    assert Recipient.objects.count() in {4, 5, 6}


def test_what_nobody_waits_for_any_more_does_not_fill_the_memory(account: int) -> None:
    async def work() -> int:
        desk = Intake(lambda: NOW)
        first = asyncio.create_task(desk.hand_over(handover()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # its commit has begun
        others = [asyncio.create_task(desk.hand_over(handover())) for _ in range(50)]
        await asyncio.sleep(0)
        for call in others:
            call.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await first
        await desk.finish()
        return 0

    run(work())
    assert Message.objects.count() == 1


def test_a_hostile_header_stops_nobody_else(account: int) -> None:
    hostile = handover(message=b"To: " + b":;" * 250_000 + b"\n\nx\n")

    async def work() -> float:
        desk = Intake(lambda: NOW)
        await desk.hand_over(handover())
        calls = [asyncio.create_task(desk.hand_over(hostile)) for _ in range(3)]
        await asyncio.sleep(0)
        begin = time.perf_counter()
        await desk.hand_over(handover())
        waited = time.perf_counter() - begin
        is_quicker = not calls[-1].done()
        await asyncio.gather(*calls)
        await desk.finish()
        assert is_quicker
        return waited

    assert run(work()) < 5


def test_many_share_a_commit(account: int) -> None:
    answers = take(*[handover() for _ in range(intake.MOST_MESSAGES + 50)])
    assert {answer.code for answer in answers} == {250}
    assert Message.objects.count() == intake.MOST_MESSAGES + 50


def test_messages_to_very_many_share_no_commit(account: int) -> None:
    ticks = count()
    many = [b"a%d@b.example" % number for number in range(intake.MOST_RECIPIENTS // 2 + 1)]

    async def work() -> Sequence[Answer]:
        desk = Intake(lambda: NOW + timedelta(seconds=next(ticks)))
        answers = await asyncio.gather(*(desk.hand_over(handover(b"-i", *many)) for _ in range(3)))
        await desk.finish()
        return answers

    assert [answer.code for answer in run(work())] == [250] * 3
    assert Message.objects.values("accepted_at").distinct().count() == 3
