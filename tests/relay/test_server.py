"""The socket: lengths, order of replies, memory, what leaves early, plain SMTP."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue import accounts
from mailqueue.models import Message, Recipient
from mailqueue.queue import content_of
from relay.dialogue import MOST_BUFFERED_BY_ONE, MOST_UNKNOWN
from relay.server import (
    RAW_LIMIT,
    AlreadyRunning,
    lengths,
    listening,
    unpacked,
)
from tests.support.relaying import Relay, packed, read_lines, relay
from tests.support.waiting import eventually

MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"
GIVEN = packed(b"-t", b"-i", message=MESSAGE)


def fresh(message: bytes = MESSAGE) -> bytes:
    return packed(b"-t", b"-i", message=message, number=os.urandom(16).hex())


@pytest.fixture
def desk(transactional_db: None, now: datetime) -> Iterator[Relay]:
    accounts.create("shop.example", now, uid=os.getuid())
    with relay() as new:
        yield new


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("1 2", (1, 2)),
        ("0 0", (0, 0)),
        (None, None),
        ("", None),
        ("1", None),
        ("1 2 3", None),
        ("-1 2", None),
        ("+1 2", None),
        ("١ ٢", None),
        ("1 " + "9" * 16, None),
    ],
)
def test_the_line_has_two_lengths(argument: str | None, expected: tuple[int, int] | None) -> None:
    assert lengths(argument) == expected


@settings(deadline=None)
@given(st.text(max_size=40))
def test_the_line_never_raises(argument: str) -> None:
    found = lengths(argument)
    assert found is None or min(found) >= 0


@settings(deadline=None)
@given(st.binary(max_size=80) | st.lists(st.binary(max_size=34)).map(b"\0".join))
def test_arguments_never_raise(fields: bytes) -> None:
    found = unpacked(fields)
    assert found is None or len(found[0]) == 32


def test_fields_end_with_nul() -> None:
    number = "0" * 32
    assert unpacked(number.encode() + b"\0\0-t\0") == (number, b"", (b"-t",))
    for bad in (b"", b"\0", number.encode() + b"\0", b"x" * 32 + b"\0\0", b"0" * 32 + b"\0\0-t"):
        assert unpacked(bad) is None


def test_the_answer_follows_the_greeting_and_the_commit(desk: Relay) -> None:
    greeting, answer = desk.say(GIVEN)
    assert greeting.startswith(b"220 ")
    assert answer == b"250 2.0.0 exit=0 " + Message.objects.get().queue_id.encode()


def test_the_same_number_is_kept_once_and_one_connection_takes_many(desk: Relay) -> None:
    answers = desk.say(GIVEN + GIVEN + fresh(), lines=4)[1:]
    assert [answer[:17] for answer in answers] == [b"250 2.0.0 exit=0 "] * 3
    assert answers[0] == answers[1] != answers[2]
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (b"XSENDMAIL\r\n", b"501 5.5.4 exit=64 "),
        (b"XSENDMAIL x y\r\n", b"501 5.5.4 exit=64 "),
        (b"XSENDMAIL 1 999999999999\r\n", b"501 5.5.4 exit=64 "),
        (b"XSENDMAIL 3 0\r\nabc", b"501 5.5.4 exit=64 "),
        (packed(b"x" * 1_100_000), b"501 5.5.4 exit=64 "),
        (packed(b"-t", message=b"x" * (RAW_LIMIT + 1)), b"552 5.3.4 exit=65 "),
        (packed(b"-t", message=MESSAGE + b"x\n" * 5_300_000), b"552 5.3.4 exit=65 "),
        (packed(b"-t", message=b"\0"), b"554 5.6.0 exit=65 "),
    ],
)
def test_nonsense_is_refused_and_the_relay_goes_on(
    desk: Relay, words: bytes, answer: bytes
) -> None:
    assert desk.say(words)[1].startswith(answer)
    assert desk.say(fresh())[1].startswith(b"250 ")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_half_a_message_is_none(desk: Relay, part: float) -> None:
    with desk.connect() as connection:
        connection.sendall(GIVEN[: int(len(GIVEN) * part)])
        connection.shutdown(socket.SHUT_WR)
        assert len(read_lines(connection, 2)) == 1
    with desk.connect() as connection:
        connection.sendall(GIVEN[: int(len(GIVEN) * part)])
    assert not Message.objects.exists()
    assert desk.say(fresh())[1].startswith(b"250 ")


def test_who_closes_the_sending_side_still_hears_the_answer(desk: Relay) -> None:
    for _ in range(20):
        with desk.connect() as connection:
            connection.sendall(fresh())
            connection.shutdown(socket.SHUT_WR)
            assert read_lines(connection, 3)[1].startswith(b"250 2.0.0 exit=0 ")


def test_who_leaves_at_once_disturbs_nobody(desk: Relay, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        with desk.connect() as connection:
            connection.sendall(fresh())
    assert desk.say(fresh())[1].startswith(b"250 ")
    desk.stop()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_who_announces_much_and_sends_nothing_stops_nobody_else(desk: Relay) -> None:
    """Only its own user's share of the memory is taken, and given back when it leaves."""
    size = MOST_BUFFERED_BY_ONE // 3 * 2
    idle = [desk.connect() for _ in range(12)]
    for connection in idle:
        connection.sendall(b"XSENDMAIL 40 %d\r\n" % min(size, RAW_LIMIT))
    time.sleep(0.2)
    try:
        with desk.connect() as waiting:
            waiting.sendall(fresh())
            read_lines(waiting, 1)
            for connection in idle:
                connection.close()
            assert read_lines(waiting, 1)[0].startswith(b"250 ")
    finally:
        for connection in idle:
            connection.close()


def test_who_finds_no_room_is_told_to_come_back(desk: Relay) -> None:
    idle = [desk.connect() for _ in range(3)]
    for connection in idle:
        connection.sendall(b"XSENDMAIL 40 %d\r\n" % min(MOST_BUFFERED_BY_ONE // 2, RAW_LIMIT))
    time.sleep(0.2)
    large = MESSAGE + b"x" * 70 + b"\n"
    large += large[-71:] * 100_000
    try:
        calls = [
            threading.Thread(target=lambda: results.append(desk.call("-t", "-i", message=large)))
            for _ in range(3)
        ]
        results: list[subprocess.CompletedProcess[bytes]] = []
        for call in calls:
            call.start()
        by_smtp = large.replace(b"\n", b"\r\n") + b"."
        replies = dialogue(desk, *BEGIN, by_smtp, b"NOOP", *BEGIN[1:], b"\r\nsmall\r\n.")
        for call in calls:
            call.join()
    finally:
        for connection in idle:
            connection.close()
    assert [reply[:4] for reply in replies[4:6]] == [b"451 ", b"250 "]
    assert replies[-1].startswith(b"250 "), "there is room for a small one"
    assert {(result.returncode, result.stderr) for result in results} == {(0, b"")}
    assert len(desk.kept()) == 3
    assert desk.look() == 3
    assert Message.objects.count() == 4


def test_many_at_once_are_all_taken(desk: Relay) -> None:
    answers: list[bytes] = []

    def call() -> None:
        answers.extend(desk.say(fresh())[1] for _ in range(10))

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer for answer in answers if answer.startswith(b"250 ")}) == 200
    assert Message.objects.count() == 200


def test_a_stop_answers_what_is_under_way(desk: Relay) -> None:
    connections = [desk.connect() for _ in range(30)]
    for connection in connections:
        connection.sendall(fresh())
        read_lines(connection, 1)
    desk.stop()
    answers = [read_lines(connection, 1) for connection in connections]
    for connection in connections:
        connection.close()
    said = sum(bool(answer) and answer[0].startswith(b"250 ") for answer in answers)
    assert said == 30 == Message.objects.count()
    # Nothing of the relay's is left.
    assert sorted(os.listdir(desk.folder)) == ["maildrop", "sendmail"]


def test_every_user_may_connect_and_a_stale_socket_is_no_hindrance(desk: Relay) -> None:
    assert desk.socket.stat().st_mode & 0o777 == 0o666
    desk.stop()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(desk.socket))
    desk.start()
    assert desk.say(fresh())[1].startswith(b"250 ")


def test_a_second_relay_leaves_the_socket_to_the_first(desk: Relay) -> None:
    with pytest.raises(AlreadyRunning), listening(desk.socket):
        pass
    assert desk.say(fresh())[1].startswith(b"250 ")


# --- plain SMTP


def dialogue(desk: Relay, *commands: bytes) -> list[bytes]:
    """The replies to commands that are sent one by one, the last line of each."""
    replies = []
    with desk.connect() as connection:
        read_lines(connection, 1)
        for command in commands:
            connection.sendall(command + b"\r\n")
            reply = b""
            while not reply.endswith(b"\n") or reply.splitlines()[-1][3:4] == b"-":
                more = connection.recv(65_536)
                if not more:
                    break
                reply += more
            replies.append(reply)
    return replies


BEGIN = (b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA")


def test_smtp_offers_what_it_can_and_no_more(desk: Relay) -> None:
    [offer] = dialogue(desk, b"EHLO x")
    words = {line[4:].split()[0] for line in offer.splitlines()[1:]}
    assert words >= {b"SIZE", b"8BITMIME", b"SMTPUTF8", b"PIPELINING", b"ENHANCEDSTATUSCODES"}
    assert not words & {b"AUTH", b"STARTTLS", b"CHUNKING"}


def test_smtp_takes_a_message(desk: Relay) -> None:
    replies = dialogue(desk, *BEGIN, b"Subject: s\r\n\r\n..dot\r\n.", b"QUIT")
    assert [reply[:3] for reply in replies] == [b"250", b"250", b"250", b"354", b"250", b"221"]
    message = Message.objects.get()
    assert (message.sender, message.subject) == ("a@b.example", "s")
    assert Recipient.objects.get().address == "c@d.example"


def test_smtp_takes_commands_that_are_sent_ahead(desk: Relay) -> None:
    """Two messages, and what comes between them, in one go: each has its answer, in order."""
    one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\r\n%d\r\n.\r\n"
    words = b"EHLO x\r\n" + one % 1 + b"NOOP\r\nBOGUS\r\n" + one % 2 + b"QUIT\r\n"
    expected = [b"250", b"250", b"354", b"250", b"250", b"500", b"250", b"250", b"354", b"250"]
    for size in (len(words), 1, 7, 64):
        with desk.connect() as connection:
            for place in range(0, len(words), size):
                connection.sendall(words[place : place + size])
            connection.shutdown(socket.SHUT_WR)
            said = read_lines(connection, 1000)
        replies = [line[:3] for line in said if line[3:4] == b" "]
        assert replies == [b"220", b"250", *expected[:9], b"250", b"221"]
    assert Message.objects.count() == 8


def test_smtp_mends_a_line_that_is_too_long(desk: Relay) -> None:
    text = b"Subject: s\r\n\r\n" + b"x" * 300_000
    replies = dialogue(desk, *BEGIN, text + b"\r\n.", b"NOOP")
    assert [reply[:3] for reply in replies[-2:]] == [b"250", b"250"]
    lines = (content_of(Message.objects.get().pk) or b"").split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert sum(line.strip(b"x") == b"=" for line in lines) > 3000, "it is quoted-printable"


def test_smtp_reads_what_is_too_large_to_its_end(desk: Relay) -> None:
    large = b"Subject: s\r\n\r\n" + (b"x" * 998 + b"\r\n") * 10_600 + b"."
    replies = dialogue(desk, *BEGIN, large, *BEGIN[1:], b"\r\nsmall\r\n.")
    assert replies[4].startswith(b"552 5.3.4 ")
    assert replies[-1].startswith(b"250 ")
    assert Message.objects.count() == 1


def test_smtp_cuts_off_who_never_ends(desk: Relay) -> None:
    with desk.connect() as connection:
        connection.sendall(b"\r\n".join(BEGIN) + b"\r\n")
        read_lines(connection, 5)
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                connection.sendall(b"x" * 65_536)
        with contextlib.suppress(ConnectionError):
            while connection.recv(65_536):
                pass
    assert desk.say(fresh())[1].startswith(b"250 ")
    assert Message.objects.count() == 1


def test_smtp_passes_over_a_command_that_is_too_long(desk: Relay) -> None:
    replies = dialogue(desk, b"EHLO x", b"NOOP " + b"x" * 200_000, b"NOOP")
    assert [reply[:3] for reply in replies] == [b"250", b"500", b"250"]


def test_smtp_parts_with_who_talks_nonsense(desk: Relay) -> None:
    replies = dialogue(desk, *[b"BOGUS"] * MOST_UNKNOWN)
    assert [reply[:3] for reply in replies] == [*[b"500"] * (MOST_UNKNOWN - 1), b"421"]


def test_smtp_takes_the_null_sender_and_each_recipient_once(desk: Relay) -> None:
    rcpt = b"RCPT TO:<c@d.example>"
    replies = dialogue(desk, b"EHLO x", b"MAIL FROM:<>", rcpt, rcpt, b"DATA", b"\r\nx\r\n.")
    assert replies[-1].startswith(b"250 ")
    assert Message.objects.get().sender == ""
    assert Recipient.objects.count() == 1


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n\x00.\r\n"])
def test_only_crlf_dot_crlf_ends_a_message(desk: Relay, end: bytes) -> None:
    smuggled = b"MAIL FROM:<x@y.example>\r\nRCPT TO:<v@w.example>\r\nDATA\r\nx\r\n.\r\n"
    body = b"Subject: s\r\n\r\nx" + end + smuggled[:-5]
    replies = dialogue(desk, *BEGIN, body + b"\r\n.", b"NOOP")
    assert replies[-2].startswith(b"554 5.6.0")
    assert replies[-1].startswith(b"250")
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"MAIL FROM:<a@b.example> SIZE=99999999", b"552"),
        (b"MAIL FROM:<a@b\x01>", b"55"),
        (b"AUTH PLAIN AGEAYg==", b"5"),
        (b"STARTTLS", b"454"),
        (b"MAIL TO:<a@b.example>", b"501"),
        (b"MAIL FROM:<a@b.example> BODY=BINARYMIME", b"501"),
        (b"MAIL FROM:<a@b.example> RET=FULL", b"555"),
        (b"RCPT TO:<a@b.example>", b"503"),
        (b"DATA", b"503"),
        (b"DATA x", b"501"),
        (b"\xff\xfe", b"500"),
        (b"", b"500"),
    ],
)
def test_smtp_refuses(desk: Relay, command: bytes, code: bytes) -> None:
    assert dialogue(desk, b"EHLO x", command)[1].startswith(code)


def test_smtp_refuses_a_bad_recipient(desk: Relay) -> None:
    replies = dialogue(desk, *BEGIN[:2], b'RCPT TO:<"a\\"b"@c.example>')
    assert replies[-1].startswith(b"55")


def test_half_of_data_is_no_message(desk: Relay) -> None:
    with desk.connect() as connection:
        connection.sendall(b"\r\n".join(BEGIN) + b"\r\nSubject: s\r\n\r\nx\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    eventually(lambda: desk.say(fresh())[1].startswith(b"250 "))
    assert Message.objects.count() == 1


@pytest.mark.parametrize("last", [b"HELP\r\n", b"QUIT\r\n"])
def test_who_does_not_read_is_cut_off(last: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.dialogue.LINGER_S", 0.2)
    with relay(idle_s=0.5) as hasty, hasty.connect() as wire:
        wire.sendall(b"HELP\r\n" * 9500 + last)

        def is_cut_off() -> bool:
            try:
                wire.send(b"NOOP\r\n")
            except ConnectionError:
                return True
            return False

        eventually(is_cut_off, within_s=5)


def test_what_is_too_large_takes_no_room_from_others(desk: Relay) -> None:
    begin = b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            wire = stack.enter_context(desk.connect())
            wire.sendall(begin + b"x: y\r\n" * 1_760_000)
        message = b"S: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 30_000
        replies = desk.say(begin + message + b".\r\n", lines=6)
        assert replies[-1].startswith(b"250"), replies
