import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from mailqueue.outcomes import Outcome, Result
from relay.client import Connection, Envelope, Timeouts, connect, dot_stuffed
from relay.replies import reply_of
from relay.routes import Route
from tests.support.remote import EXTENSIONS, Remote, Script, remote

QUICK = Timeouts(*([0.3] * 8))
TO = "b@example.org"
MAIL = Envelope("a@example.com", (TO,), b"Subject: hello\r\n\r\nbody\r\n")


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return uvloop.run(work)


def deliver(
    server: Remote, *envelopes: Envelope, timeouts: Timeouts = QUICK
) -> list[list[Outcome]] | Outcome:
    """The outcomes of the envelopes, one conversation for all; or that of the connection."""

    async def work() -> list[list[Outcome]] | Outcome:
        connection = await connect(Route.to("mx", server.address), "me.test", timeouts)
        if isinstance(connection, Outcome):
            return connection
        outcomes = [await connection.deliver(envelope) for envelope in envelopes]
        connection.quit()
        return outcomes

    answer: list[list[Outcome]] | Outcome = run(work())
    return answer


def outcome(server: Remote, envelope: Envelope = MAIL) -> Outcome:
    answer = deliver(server, envelope)
    return answer if isinstance(answer, Outcome) else answer[0][0]


def test_it_delivers_byte_for_byte() -> None:
    content = (
        b"Subject: dots\r\n\r\n.\r\n..\r\n.leading\r\nFrom here\r\ntrailing blanks  \t\r\n"
        b"8 bit: \xe9\xff\xc3\xa9\r\n" + b"x" * 5000 + b"\r\n\r\n.\r\n"
    )
    with remote() as server:
        result = outcome(server, Envelope("a@example.com", (TO,), content))
    assert result == Outcome(Result.DELIVERED, "250 2.0.0 kept", "2.0.0", "mx")
    assert server.messages[0].content == content
    assert server.messages[0].mail == f"MAIL FROM:<a@example.com> SIZE={len(content)} BODY=8BITMIME"
    assert server.messages[0].recipients == [TO]


def test_it_delivers_ten_megabytes() -> None:
    content = b".line with some length to it, begun by a dot\r\n" * 220_000
    with remote() as server:
        patient = Timeouts()
        answer = deliver(server, Envelope("a@b.test", (TO,), content), timeouts=patient)
    assert isinstance(answer, list)
    assert answer[0][0].result is Result.DELIVERED
    assert server.messages[0].content == content


@given(st.lists(st.sampled_from([b"", b".", b"..", b".x", b"x.", b"\xff"])))
def test_its_dots_can_be_taken_off_again(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    sent = dot_stuffed(content)
    assert sent.endswith(b".\r\n")
    assert b"\r\n.\r\n" not in sent[:-2]
    received = [line.removeprefix(b".") for line in sent.split(b"\r\n")[:-2]]
    assert b"".join(line + b"\r\n" for line in received) == content


def test_it_sends_many_messages_over_one_connection() -> None:
    with remote() as server:
        answer = deliver(server, *[MAIL] * 5)
    assert isinstance(answer, list)
    assert [outcomes[0].result for outcomes in answer] == [Result.DELIVERED] * 5
    assert len(server.messages) == 5
    assert server.connections == 1
    assert "RSET" not in server.commands


@pytest.mark.parametrize("extensions", [EXTENSIONS, ()])
def test_it_tells_each_recipient_its_own_outcome(extensions: tuple[str, ...]) -> None:
    script = Script(
        extensions,
        recipients={
            "gone@example.org": "550 5.1.1 user unknown",
            "full@example.org": "452 4.2.2 mailbox full",
        },
    )
    to = ("gone@example.org", TO, "full@example.org", "c@example.org")
    with remote(script) as server:
        answer = deliver(server, Envelope("", to, MAIL.content), MAIL)
    assert isinstance(answer, list)
    assert [(item.result, item.status) for item in answer[0]] == [
        (Result.FAILED, "5.1.1"),
        (Result.DELIVERED, "2.0.0"),
        (Result.DEFERRED, "4.2.2"),
        (Result.DELIVERED, "2.0.0"),
    ]
    assert answer[1][0].result is Result.DELIVERED
    assert server.messages[0].recipients == [TO, "c@example.org"]
    assert server.messages[0].sender == ""


@pytest.mark.parametrize("extensions", [EXTENSIONS, ()])
def test_it_goes_on_after_a_refusal(extensions: tuple[str, ...]) -> None:
    script = Script(
        extensions,
        recipients={"gone@example.org": "550 5.1.1 user unknown"},
        contents={"spam@example.org": "554 5.7.1 spam"},
    )
    first = Envelope("a@example.com", ("gone@example.org",), MAIL.content)
    second = Envelope("a@example.com", ("spam@example.org",), MAIL.content)
    with remote(script) as server:
        answer = deliver(server, first, second, MAIL)
    assert isinstance(answer, list)
    assert [(item.result, item.reply) for [item] in answer] == [
        (Result.FAILED, "550 5.1.1 user unknown"),
        (Result.FAILED, "554 5.7.1 spam"),
        (Result.DELIVERED, "250 2.0.0 kept"),
    ]
    assert server.connections == 1


def test_it_ends_a_message_for_nobody_with_a_dot() -> None:
    script = Script(
        recipients={TO: "550 5.1.1 unknown"}, replies={"DATA": "354 go on all the same"}
    )
    with remote(script) as server:
        answer = deliver(server, MAIL, Envelope("a@b.test", ("c@example.org",), MAIL.content))
    assert isinstance(answer, list)
    assert answer[0][0].status == "5.1.1"
    assert answer[1][0].result is Result.DELIVERED
    assert [message.content for message in server.messages] == [b"", MAIL.content]


@pytest.mark.parametrize("extensions", [EXTENSIONS, ()])
@pytest.mark.parametrize(
    ("step", "reply", "result", "status"),
    [
        ("MAIL", "550 5.7.1 not you", Result.FAILED, "5.7.1"),
        ("MAIL", "451 4.3.0 later", Result.DEFERRED, "4.3.0"),
        ("MAIL", "399 what", Result.DEFERRED, "4.5.0"),
        ("RCPT", "550 no", Result.FAILED, "5.0.0"),
        ("RCPT", "450", Result.DEFERRED, "4.0.0"),
        ("DATA", "554 5.7.1 no", Result.FAILED, "5.7.1"),
        ("DATA", "250 2.0.0 strange", Result.DEFERRED, "4.5.0"),
        ("dot", "552 5.3.4 too big", Result.FAILED, "5.3.4"),
        ("dot", "452 disk", Result.DEFERRED, "4.0.0"),
        ("dot", "354 strange", Result.DEFERRED, "4.5.0"),
        ("dot", "250 5.1.1 of another class", Result.DELIVERED, "2.0.0"),
        ("dot", "550 5.1 malformed", Result.FAILED, "5.0.0"),
        ("dot", "550 5.1.1000 malformed", Result.FAILED, "5.0.0"),
        ("dot", "550 5.01.007 zeros", Result.FAILED, "5.1.7"),
        ("dot", "421 4.3.2 closing", Result.DEFERRED, "4.3.2"),
        ("dot", "999 no such class", Result.DEFERRED, "4.5.0"),
        ("dot", "gibberish", Result.DEFERRED, "4.5.0"),
        ("dot", "250-one\r\n550 two", Result.DEFERRED, "4.5.0"),
        ("greeting", "554 5.7.1 go away", Result.DEFERRED, "4.7.1"),
        ("greeting", "421 too busy", Result.DEFERRED, "4.0.0"),
        ("greeting", "", Result.DEFERRED, "4.5.0"),
    ],
)
def test_it_takes_replies_for_what_they_mean(
    extensions: tuple[str, ...], step: str, reply: str, result: Result, status: str
) -> None:
    with remote(Script(extensions, replies={step: reply})) as server:
        answer = outcome(server)
    assert (answer.result, answer.status) == (result, status)


@pytest.mark.parametrize("way", ["drops", "stalls"])
@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "content", "dot"])
def test_it_defers_when_the_server_goes_silent_or_away(way: str, step: str) -> None:
    script = Script()
    getattr(script, way).add(step)
    with remote(script) as server:
        answer = outcome(server)
    assert answer.result is Result.DEFERRED
    assert answer.status == "4.4.2"
    assert answer.host == "mx"


def test_it_keeps_what_it_heard_before_the_connection_was_lost() -> None:
    script = Script(recipients={"gone@example.org": "550 5.1.1 unknown"}, drops={"dot"})
    with remote(script) as server:
        answer = deliver(server, Envelope("", ("gone@example.org", TO), MAIL.content))
    assert isinstance(answer, list)
    assert [item.result for item in answer[0]] == [Result.FAILED, Result.DEFERRED]


def test_it_defers_the_rest_when_the_server_says_421() -> None:
    script = Script(recipients={"c@example.org": "421 4.7.0 too many"})
    with remote(script) as server:
        answer = deliver(server, Envelope("", (TO, "c@example.org", "d@example.org"), b"x\r\n"))
    assert isinstance(answer, list)
    assert {(item.result, item.status) for item in answer[0]} == {(Result.DEFERRED, "4.7.0")}
    assert not server.messages


def test_it_greets_the_old_way_when_it_must() -> None:
    with remote(Script(replies={"EHLO": "502 5.5.1 what?"})) as server:
        assert outcome(server).result is Result.DELIVERED
    assert server.commands[:3] == ["EHLO me.test", "HELO me.test", "MAIL FROM:<a@example.com>"]


def test_it_sends_no_message_that_is_announced_as_too_large() -> None:
    with remote(Script(("SIZE 10",))) as server:
        answer = outcome(server)
    assert (answer.result, answer.status) == (Result.FAILED, "5.3.4")
    assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.mark.parametrize("size", ["", "0", "many", "-1", "²", "9" * 5000])
def test_it_ignores_a_size_that_means_nothing(size: str) -> None:
    with remote(Script((f"SIZE {size[:1000]}",))) as server:
        assert outcome(server).result is Result.DELIVERED


def test_it_asks_for_utf8_only_when_an_address_needs_it() -> None:
    envelope = Envelope("a@example.com", (TO, "bücher@example.org"), MAIL.content)
    with remote() as server:
        deliver(server, envelope, MAIL)
    assert [message.mail.endswith(" SMTPUTF8") for message in server.messages] == [True, False]
    assert server.messages[0].recipients == [TO, "bücher@example.org"]


def test_an_international_domain_needs_no_utf8() -> None:
    envelope = Envelope("a@café.example", ("b@bücher.example", "b@example.org"), MAIL.content)
    with remote(Script(("PIPELINING",))) as server:
        answer = deliver(server, envelope)
    assert isinstance(answer, list)
    assert [item.result for item in answer[0]] == [Result.DELIVERED] * 2
    assert server.messages[0].sender == "a@xn--caf-dma.example"
    assert server.messages[0].recipients == ["b@xn--bcher-kva.example", "b@example.org"]


def test_a_server_that_closes_at_ehlo_is_not_asked_for_less() -> None:
    with remote(Script(replies={"EHLO": "421 4.3.2 not now"})) as server:
        answer = outcome(server)
    assert (answer.result, answer.status) == (Result.DEFERRED, "4.3.2")
    assert server.commands == ["EHLO me.test"]


def test_it_fails_only_the_address_that_the_server_cannot_take() -> None:
    envelope = Envelope("a@example.com", (TO, "bücher@example.org"), MAIL.content)
    with remote(Script(("PIPELINING",))) as server:
        answer = deliver(server, envelope)
    assert isinstance(answer, list)
    assert [item.status for item in answer[0]] == ["2.0.0", "5.6.7"]
    assert server.messages[0].recipients == [TO]


@pytest.mark.parametrize(
    "address", ["a@b.test>\r\nRSET", "a>b@c.test", "\udcff@c.test", "a\0@c.test"]
)
def test_it_never_sends_an_address_that_would_end_its_command(address: str) -> None:
    with remote() as server:
        to_it = outcome(server, Envelope("", (address,), MAIL.content))
        from_it = outcome(server, Envelope(address, (TO,), MAIL.content))
    assert (to_it.status, from_it.status) == ("5.1.3", "5.1.7")
    assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.mark.parametrize(
    "reply", [b"2" * 5000 + b"\r\n", b"250-more\r\n" * 500 + b"250 end\r\n", b"\n", b"\0\xff\r\n"]
)
def test_it_does_not_listen_for_ever(reply: bytes) -> None:
    with remote(Script(replies={"dot": reply})) as server:
        answer = outcome(server)
    assert answer.result is Result.DEFERRED
    assert len(answer.reply) < 2200


def test_it_keeps_a_long_reply_on_one_clean_line() -> None:
    reply = "550-5.7.1 first\x1b[31m\r\n550-5.7.1 second\u202e\r\n550 5.7.1 third"
    with remote(Script(replies={"dot": reply})) as server:
        answer = outcome(server)
    assert answer.reply == "550 5.7.1 first [31m second third"


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_it_reads_any_bytes_as_a_reply_or_none(lines: list[bytes]) -> None:
    reply = reply_of(lines)
    assert reply is None or (200 <= reply.code <= 599 and str(reply).isprintable())


def test_it_says_what_hinders_a_connection(tmp_path: Path) -> None:
    with remote() as server:
        gone = server.address

    async def work(route: Route) -> Connection | Outcome:
        return await connect(route, "me.test", QUICK)

    for route in (
        Route.to("mx", gone),
        Route.to("mx", tmp_path / "none.sock"),
        Route.to("mx", ("x" * 70 + ".test", 25)),
    ):
        answer = run(work(route))
        assert isinstance(answer, Outcome)
        assert (answer.result, answer.status, answer.host) == (Result.DEFERRED, "4.4.1", "mx")
        assert answer.reply.startswith("cannot connect to mx")


def test_it_says_that_a_reused_connection_had_been_closed() -> None:
    async def work(server: Remote) -> tuple[bool, bool]:
        connection = await connect(Route.to("mx", server.address), "me.test", QUICK)
        assert isinstance(connection, Connection)
        await connection.deliver(MAIL)
        first = connection.is_stale
        await asyncio.sleep(0.05)
        await connection.deliver(MAIL)
        return first, connection.is_stale

    with remote(Script(closes_after=1)) as server:
        assert run(work(server)) == (False, True)
        assert len(server.messages) == 1


def test_a_new_connection_that_is_lost_at_mail_is_a_try() -> None:
    async def work(server: Remote) -> bool:
        connection = await connect(Route.to("mx", server.address), "me.test", QUICK)
        assert isinstance(connection, Connection)
        await connection.deliver(MAIL)
        return connection.is_stale

    with remote(Script(drops={"MAIL"})) as server:
        assert run(work(server)) is False


def test_it_knows_when_the_peer_may_have_the_whole_message() -> None:
    async def work(server: Remote, step: str) -> bool:
        connection = await connect(Route.to("mx", server.address), "me.test", Timeouts())
        assert isinstance(connection, Connection)
        task = asyncio.create_task(connection.deliver(MAIL))
        await asyncio.to_thread(server.stalled.wait, 5)
        is_past_dot = connection.is_past_dot
        connection.abort()
        [answer] = await task
        assert answer.result is Result.DEFERRED
        return is_past_dot

    for step, expected in {"MAIL": False, "DATA": False, "dot": True}.items():
        with remote(Script(stalls={step})) as server:
            assert run(work(server, step)) is expected
