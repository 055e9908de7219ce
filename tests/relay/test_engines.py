"""Engines that are absent, slow, broken or lying: mail goes on, and what they say does no harm."""

import asyncio
import gc
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue.screening import RULES, Finding
from relay.engines import Envelope, asking, clamd, rspamd, symbols
from relay.engines.circuit import FIRST_REST, MOST_FAILURES
from relay.engines.clamd import Clamd
from relay.engines.exchange import NoAnswer
from relay.engines.rspamd import Rspamd
from tests.support.house import free_port

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
MAIL = b"From: a@boutique.example\r\nSubject: x\r\n\r\nBonjour\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def envelope(account_id: int = 1, **others: Any) -> Envelope:
    values = {
        "account": "boutique.example",
        "queue_id": "K5Q2V7TIAXZM",
        "sender": "www@boutique.example",
        "recipients": ("m@client.example",),
    }
    return Envelope(account_id, **{**values, **others})


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[str, int]]:
    """A server that does what `handler` does; its connections end with it."""
    writers: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            # Who asks hangs up when its time is over; so do we.
            return
        finally:
            writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(raw: bytes) -> Handler:
    """Hears what comes, says `raw`, and hangs up."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(raw)
        await writer.drain()

    return handler


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hears what comes for as long as anybody is there, and says nothing."""
    while await reader.read(65_536):
        pass


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Neither hears nor says anything."""
    await asyncio.sleep(3600)


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    while True:
        writer.write(b"H")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As much as anybody takes."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65_536)
        await writer.drain()


def http(content: bytes, status: str = "200 OK", *, length: int | None = None) -> bytes:
    size = len(content) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + content


def report(score: float = 0.0, action: str = "no action", **symbols: float) -> bytes:
    named = {name: {"name": name, "score": value} for name, value in symbols.items()}
    told = {"score": score, "required_score": 15.0, "action": action, "symbols": named}
    return json.dumps(told).encode()


def ask(make: type[Rspamd] | type[Clamd], handler: Handler) -> Sequence[Finding]:
    async def main() -> Sequence[Finding]:
        async with serving(handler) as address, asyncio.timeout(5):
            return await make(address).ask(MAIL, envelope())

    return asyncio.run(main())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\xff" * 100,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        http(b"{}", "500 Internal Server Error"),
        http(b"{}", "302 Found"),
        http(b"<html>"),
        http(b"null"),
        http(b"[]"),
        http(b"{}"),
        http(b'{"error":"cannot parse"}'),
        http(report(), length=10_000),
        http(b"[" * 100_000),
        http(b'{"a":' * 40_000),
        http(b'{"score":' + b"9" * 100_000 + b"}"),
        http(report().replace(b"15.0", b"NaN")),
        http(report().replace(b"15.0", b"-Infinity")),
        http(b'{"score": 1, "action": "reject", "symbols": []}'),
        http(b'{"score": 1, "action": 7, "symbols": {}}'),
        http(b"\xff\xfe{}"),
        http(b" " * 300_000),
    ],
    ids=range(22),
)
def test_what_is_no_report_of_rspamd_is_no_answer(raw: bytes) -> None:
    with pytest.raises(NoAnswer):
        ask(Rspamd, saying(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0",
        b"OK\0",
        b"stream: OK",
        b"stream:  FOUND\0",
        b"stream: x\nstream: y FOUND\0",
        b"Can't allocate memory ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"\xff\xfe FOUND\0",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"x" * 5000,
    ],
)
def test_what_is_no_answer_of_clamav_is_none(raw: bytes) -> None:
    if raw == b"stream: OK":
        # It hung up after it, instead of the zero byte: that is said in full.
        assert ask(Clamd, saying(raw)) == ()
        return
    with pytest.raises(NoAnswer):
        ask(Clamd, saying(raw))


@pytest.mark.parametrize("make", [Rspamd, Clamd])
@pytest.mark.parametrize("handler", [endless])
def test_an_answer_without_end_is_read_no_further_than_it_may_be(
    make: type[Rspamd] | type[Clamd], handler: Handler
) -> None:
    with pytest.raises(NoAnswer, match="longer than"):
        ask(make, handler)


def test_numbers_out_of_this_world_count_for_nothing() -> None:
    told = {
        "score": 1e999,
        "required_score": True,
        "action": "no action",
        "symbols": {"A": {"score": "9"}, "B": 7, "C": {"score": [1]}, "D": None, "E": {}},
    }
    raw = json.dumps(told).replace("Infinity", "1e999").encode()
    assert symbols.findings(raw) == ()
    lots = {f"S{number}": {"score": 10**300} for number in range(2000)}
    (found,) = symbols.findings(json.dumps({**told, "score": 20, "symbols": lots}).encode())
    assert found.score == RULES["rspamd"].weight


def test_names_of_symbols_cannot_break_a_line_or_grow() -> None:
    hostile = {"<script>\r\n\u202e" + "x" * 500: 9.0, "\0\x1b[31m": 4.0}
    (found,) = symbols.findings(report(13.0, "add header", **hostile))
    assert len(found.details["what"]) <= 120
    assert found.details["what"].isprintable()
    assert "\u202e" not in found.details["what"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (report(2.9, A=2.9), None),
        (report(3.0, A=3.0), 0.7),
        (report(7.5, "add header", A=8.0, B=-0.5), 1.75),
        (report(15.0, "reject", A=15.0), 3.5),
        (report(400.0, "reject", A=400.0), 3.5),
        (report(-5.0, A=-5.0), None),
        # What is about how it came in is taken out again.
        (report(9.5, "add header", HFILTER_HELO_5=3.0, RDNS_NONE=1.0, RBL_SENDERSCORE=4.0), None),
        (report(16.0, "reject", DMARC_POLICY_REJECT=10.0, A=6.0), 1.4),
        (report(6.0, "add header", SURBL_MULTI=6.0), 1.4),
        # Trust that a sender's address earned is no excuse.
        (report(4.0, A=9.0, RCVD_IN_DNSWL_HI=-5.0), 2.1),
        # Its administrators' own rule refuses, whatever the score.
        (report(0.0, "reject"), 3.5),
        (report(0.0, "soft reject"), None),
        (report(0.0, "greylist"), None),
    ],
)
def test_a_report_counts_by_its_share_of_what_rspamd_refuses(
    raw: bytes, expected: float | None
) -> None:
    found = symbols.findings(raw)
    assert [one.score for one in found] == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("Win.Trojan.Agent-7654321-0", "virus"),
        ("Eicar-Test-Signature", "virus"),
        ("Php.Malware.Agent-5486261-0", "virus"),
        ("Doc.Dropper.Emotet-1", "virus"),
        ("Heuristics.Phishing.Email.SpoofedDomain", "suspect_file"),
        ("Heuristics.Encrypted.Zip", "suspect_file"),
        ("PUA.Win.Packer.Upx-1", "suspect_file"),
        ("Sanesecurity.Junk.1234.UNOFFICIAL", "suspect_file"),
        ("Email.Phishing.VOF1-6297025-1", "suspect_file"),
        ("winnow.spam.ts.miscspam.1234.UNOFFICIAL", "suspect_file"),
    ],
)
def test_only_what_clamav_recognises_is_malware(name: str, rule: str) -> None:
    (found,) = clamd.findings(f"stream: {name} FOUND")
    assert (found.rule, found.details["what"]) == (rule, name)
    assert found.score == RULES[rule].weight


@given(st.binary(max_size=400))
def test_no_answer_is_too_strange(raw: bytes) -> None:
    for read in (symbols.findings, lambda raw: clamd.findings(raw.decode("utf-8", "replace"))):
        try:
            found = read(raw)
        except NoAnswer:
            continue
        for one in found:
            assert RULES[one.rule].advice % one.details


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=60)
@given(_JSON, _JSON, _JSON, st.dictionaries(st.text(), _JSON, max_size=9))
def test_no_report_is_too_strange(score: Any, most: Any, action: Any, named: Any) -> None:
    told = {"score": score, "required_score": most, "action": action, "symbols": named}
    try:
        found = symbols.findings(json.dumps(told).encode())
    except NoAnswer:
        return
    for one in found:
        assert 0 < one.score <= RULES["rspamd"].weight
        assert RULES[one.rule].advice % one.details


def test_nothing_of_an_envelope_can_end_a_line_of_the_question() -> None:
    hostile = envelope(
        account="a\r\nSettings: {}",
        queue_id="é" * 9,
        sender="x\ny@z",
        recipients=("a@b\0", *(f"r{number}@c.example" for number in range(10_000))),
    )
    head = b"".join(rspamd._request(b"body", hostile)).decode("ascii")
    lines = head.partition("\r\n\r\n")[0].split("\r\n")
    names = [line.partition(":")[0] for line in lines]
    assert names.count("Settings") == 1
    assert names.count("Rcpt") == 19
    assert {"User", "Queue-Id", "From"}.isdisjoint(names)
    assert head.endswith("\r\n\r\nbody")


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def short(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Little patience, and no engine yet."""
    settings.ENGINE_TIMEOUT_S = 0.2
    settings.RSPAMD = settings.CLAMD = None
    monkeypatch.setattr(asking, "PING_S", 0.2)
    return settings


def asking_of(clock: Clock) -> Callable[[bytes, Envelope], Coroutine[Any, Any, Sequence[Finding]]]:
    """Asks the engines of the settings, as a worker does; its rows: test_screener_engines."""
    return partial(asking.ask_all, asking.asked_of_settings(clock))


def test_both_are_asked_at_once(short: Any, clock: Clock) -> None:
    async def main() -> None:
        met = asyncio.Barrier(2)

        def after_both(raw: bytes) -> Handler:
            async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await met.wait()
                await saying(raw)(reader, writer)

            return handler

        spam = http(report(15.0, "reject", A=15.0))
        async with (
            serving(after_both(spam)) as short.RSPAMD,
            serving(after_both(b"stream: Win.Worm-1 FOUND\0")) as short.CLAMD,
        ):
            found = await asking_of(clock)(MAIL, envelope())
        assert [one.rule for one in found] == ["rspamd", "virus"]

    asyncio.run(main())


@pytest.mark.parametrize("handler", [silent, deaf, dripping, endless, saying(b"nonsense")])
@pytest.mark.parametrize("size", [100, 3_000_000])
def test_mail_goes_on_whatever_an_engine_does(
    handler: Handler, size: int, short: Any, clock: Clock
) -> None:
    async def main() -> float:
        async with (
            serving(handler) as short.RSPAMD,
            serving(saying(b"stream: OK\0")) as short.CLAMD,
        ):
            begun = asyncio.get_running_loop().time()
            assert await asking_of(clock)(b"x" * size, envelope()) == ()
            return asyncio.get_running_loop().time() - begun

    assert asyncio.run(main()) < 1


def test_one_engine_that_is_away_does_not_hide_what_the_other_finds(
    short: Any, clock: Clock
) -> None:
    async def main() -> Sequence[Finding]:
        short.RSPAMD = ("127.0.0.1", free_port())
        async with serving(saying(b"stream: Win.Worm-1 FOUND\0")) as short.CLAMD:
            return await asking_of(clock)(MAIL, envelope())

    assert [one.rule for one in asyncio.run(main())] == ["virus"]


def test_an_engine_that_is_away_is_left_alone_and_asked_again_later(
    short: Any, clock: Clock
) -> None:
    async def main() -> None:
        asked = 0
        raw = b""

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            await saying(raw)(reader, writer)

        async with serving(handler) as short.CLAMD:
            ask_all = asking_of(clock)
            for account_id in range(20):
                assert await ask_all(MAIL, envelope(account_id)) == ()
            assert asked == MOST_FAILURES
            clock.now += FIRST_REST
            await asyncio.gather(*(ask_all(MAIL, envelope()) for _ in range(20)))
            assert asked == MOST_FAILURES + 1
            raw = b"stream: Win.Worm-1 FOUND\0"
            clock.now += 2 * FIRST_REST
            (found,) = await ask_all(MAIL, envelope())
            assert found.rule == "virus"
            await ask_all(MAIL, envelope())
            assert asked == MOST_FAILURES + 3

    asyncio.run(main())


def test_there_are_only_so_many_questions_at_once(short: Any, clock: Clock) -> None:
    short.ENGINE_TIMEOUT_S = 5

    async def main() -> int:
        now = most = 0

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            await saying(b"stream: OK\0")(reader, writer)

        async with serving(handler) as short.CLAMD:
            ask_all = asking_of(clock)
            await asyncio.gather(*(ask_all(MAIL, envelope()) for _ in range(50)))
        return most

    assert asyncio.run(main()) == Clamd.at_once


def test_who_is_stopped_stops_at_once_and_leaves_nothing_behind(short: Any, clock: Clock) -> None:
    short.ENGINE_TIMEOUT_S = 30

    async def main() -> None:
        heard = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.set()
            await silent(reader, writer)

        async with serving(handler) as short.RSPAMD:
            question = asyncio.create_task(asking_of(clock)(b"x" * 9_000_000, envelope()))
            await asyncio.wait_for(heard.wait(), 10)
            question.cancel()
            with pytest.raises(asyncio.CancelledError):
                await question

    asyncio.run(main())


def test_questions_without_answers_leak_neither_threads_nor_connections(
    short: Any, clock: Clock
) -> None:
    short.ENGINE_TIMEOUT_S = 0.01

    async def main() -> None:
        async with (
            serving(silent) as short.RSPAMD,
            serving(dripping) as short.CLAMD,
        ):
            ask_all = asking_of(clock)
            for number in range(60):
                clock.now += timedelta(hours=1)
                await ask_all(MAIL, envelope(number))
                if number == 9:
                    before = _resources()
            # Aborted connections close with the next turn of the loop.
            await asyncio.sleep(0.05)
            after = _resources()
        assert after[0] <= before[0]
        assert after[1] <= before[1]
        # The servers' own tasks end late; none of ours is left.
        assert after[2] <= before[2] + 4

    asyncio.run(main())


def _resources() -> tuple[int, int, int]:
    gc.collect()
    return (
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        len(asyncio.all_tasks()),
    )


def test_a_port_where_nobody_ever_answers_costs_no_more_than_its_time(
    short: Any, clock: Clock
) -> None:
    # A full queue of connections: neither refused nor taken.
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        short.CLAMD = listener.getsockname()

        async def main() -> float:
            ask_all = asking_of(clock)
            begun = asyncio.get_running_loop().time()
            await asyncio.gather(*(ask_all(MAIL, envelope(number)) for number in range(3)))
            return asyncio.get_running_loop().time() - begun

        assert asyncio.run(main()) < 1
