"""Options mean what sendmail has had them mean, and open nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.arguments import Misuse, Mode, Options, parse

RECIPIENTS = [b"a@example.org"]


def options(*words: bytes) -> Options:
    found = parse(words)
    assert isinstance(found, Options), found
    return found


@pytest.mark.parametrize(
    "words",
    [
        (b"-t", b"-i"),
        (b"-ti",),
        (b"-oi", b"-t"),
        (b"-it",),
        (b"-oem", b"-oi", b"-t"),
        (b"-t", b"-O", b"ignoredots=true"),
        (b"-t", b"-OIgnoreDots"),
        (b"-FCronDaemon", b"-i", b"-B8BITMIME", b"-oem", b"-t"),
        (b"-t", b"-i", b"-N", b"failure,delay", b"-R", b"hdrs", b"-V", b"id"),
        (b"-U", b"-v", b"-n", b"-m", b"-L", b"tag", b"-h", b"3", b"-p", b"x", b"-ti"),
        (b"-Qreason", b"-ti"),
    ],
)
def test_it_reads_recipients_from_the_header_and_ignores_dots(words: tuple[bytes, ...]) -> None:
    found = options(*words)
    assert (found.mode, found.reads_recipients, found.ignores_dots) == (Mode.DELIVER, True, True)
    assert (found.recipients, found.sender) == ([], None)


@pytest.mark.parametrize(
    ("words", "sender"),
    [
        ((b"-fa@b.example",), b"a@b.example"),
        ((b"-f", b"a@b.example"), b"a@b.example"),
        ((b"-ra@b.example",), b"a@b.example"),
        ((b"-r", b"a@b.example"), b"a@b.example"),
        ((b"-tfa@b.example",), b"a@b.example"),
        ((b"-f", b""), b""),
        ((b"-f", b"<>"), b"<>"),
        ((b"-f", b"<a@b.example>"), b"<a@b.example>"),
        ((b"-f", b"-t"), b"-t"),
        ((b"-fone", b"-ftwo"), b"two"),
    ],
)
def test_it_knows_the_envelope_sender(words: tuple[bytes, ...], sender: bytes) -> None:
    assert options(*words).sender == sender


@pytest.mark.parametrize(
    ("words", "recipients"),
    [
        ((b"-i", b"a@example.org", b"b@example.org"), [b"a@example.org", b"b@example.org"]),
        ((b"-i", b"-f", b"x", b"--", b"a@example.org"), RECIPIENTS),
        ((b"--", b"-be"), [b"-be"]),
        ((b"a@example.org", b"-i"), RECIPIENTS),
        ((b"-bm", b"a@example.org"), RECIPIENTS),
        ((b"-",), [b"-"]),
        ((b"",), [b""]),
    ],
)
def test_it_takes_recipients(words: tuple[bytes, ...], recipients: list[bytes]) -> None:
    assert options(*words).recipients == recipients


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ((b"-bp",), Mode.LIST_QUEUE),
        ((b"-bi",), Mode.NOTHING),
        ((b"-bv", b"a@example.org"), Mode.NOTHING),
        ((b"-bd", b"-q30m"), Mode.NOTHING),
        ((b"-q",), Mode.RUN_QUEUE),
        ((b"-q30m",), Mode.RUN_QUEUE),
        ((b"-I",), Mode.RUN_QUEUE),
        ((b"-v", b"-q"), Mode.RUN_QUEUE),
        ((b"-I", b"a@example.org"), Mode.DELIVER),
        ((b"-q", b"-t"), Mode.DELIVER),
        ((b"-q", b"a@example.org"), Mode.DELIVER),
    ],
)
def test_it_knows_what_is_no_delivery(words: tuple[bytes, ...], mode: Mode) -> None:
    assert options(*words).mode is mode


@pytest.mark.parametrize(
    "words",
    [
        (b"-be",),
        (b"-be${run{/bin/true}}",),
        (b"-bs",),
        (b"-z",),
        (b"--help",),
        (b"-tz",),
        (b"-f",),
        (b"-O",),
        (b"-\xff",),
    ],
)
def test_what_it_does_not_know_is_a_misuse(words: tuple[bytes, ...]) -> None:
    found = parse(words)
    assert isinstance(found, Misuse)
    assert found.text


@pytest.mark.parametrize(
    "words",
    [
        (b"-X", b"/tmp/log"),
        (b"-X/tmp/log.php",),
        (b"-C", b"/etc/passwd"),
        (b"-oQ/tmp",),
        (b"-OQueueDirectory=/tmp",),
        (b"-D/tmp/log",),
    ],
)
def test_what_others_open_changes_nothing_here(words: tuple[bytes, ...]) -> None:
    assert options(*words, b"-t") == Options(reads_recipients=True)


def test_the_token_begins_with_no_letter_that_callers_look_for() -> None:
    found = options(b"--token=-t", b"-i")
    assert (found.token, found.reads_recipients) == (b"-t", False)


def test_a_very_long_option_takes_no_longer_than_its_letters() -> None:
    begin = time.perf_counter()
    assert options(b"-" + b"i" * 1_000_000).ignores_dots
    assert time.perf_counter() - begin < 5


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"-t", b"-f", b"--", b"-oi"])))
def test_it_never_raises(words: list[bytes]) -> None:
    assert isinstance(parse(words), Options | Misuse)
