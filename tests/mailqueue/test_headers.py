"""What goes out is what the script wrote, but for the rules of the header."""

import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue import fitting, headers
from mailqueue.headers import Parsed, Problem
from mailqueue.screening import Context, screen
from relay import display

HOST = "host.test"
NOW = datetime.fromisoformat("2026-03-11T10:30:00+00:00")


def lines(raw: bytes, *, ignores_dots: bool = True) -> bytes:
    text = headers.with_line_feeds(raw, ignores_dots=ignores_dots)
    assert isinstance(text, bytes)
    return text


def parse(raw: bytes) -> Parsed:
    parsed = headers.parse(lines(raw))
    assert isinstance(parsed, Parsed)
    return parsed


def recipients(raw: bytes) -> list[str] | Problem:
    return headers.recipients_of(parse(raw), HOST)


def sent(raw: bytes, *, sender: str = "site@shop.example", full_name: str = "") -> bytes:
    parsed = parse(raw)
    assert fitting.fit_lines(parsed) is None
    headers.complete(parsed, sender=sender, full_name=full_name, message_id="1@host.test", now=NOW)
    content = headers.as_sent(parsed)
    assert headers.sent_size(parsed) == len(content)
    return content


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a\nb\r\nc\r\r\nd", b"a\nb\nc\nd"),
        (b"a\rb\n", b"a b\n"),
        (b"a\r\r\r\nb", b"a \nb"),
        (b"\r\r\r\r\n\r\r\n", b"  \n\n"),
        (b"a\r", b"a "),
        (b"\r\n\r\r\n\n", b"\n\n\n"),
    ],
)
def test_three_line_ends_are_one_and_another_cr_is_a_blank(raw: bytes, expected: bytes) -> None:
    assert lines(raw) == expected


def test_nul_is_refused() -> None:
    assert isinstance(headers.with_line_feeds(b"a\0b", ignores_dots=True), Problem)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a\n.\nb\n", b"a\n"),
        (b"a\r\n.\r\nb\r\n", b"a\n"),
        (b"a\n.", b"a\n"),
        (b".\nb\n", b""),
        (b".", b""),
        (b"a\n..\n..b\n.c\n", b"a\n.\n.b\n.c\n"),
        (b"..\n", b".\n"),
        (b"a.\n.b", b"a.\n.b"),
        (b"a\n..\n.\nb", b"a\n.\n"),
    ],
)
def test_without_i_a_lone_dot_ends_and_two_are_one(raw: bytes, expected: bytes) -> None:
    assert lines(raw, ignores_dots=False) == expected
    assert lines(raw) == raw.replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"To: a@b.example\nCc: c@d.example\nBcc: e@f.example\n\n",
         ["a@b.example", "c@d.example", "e@f.example"]),
        (b"To: a@b.example, a@b.example\nCC: a@b.example\n\n", ["a@b.example"]),
        (b"To: a@B.example, a@b.Example\nCC: A@b.example\n\n", ["a@b.example", "A@b.example"]),
        (b"From : me@x\nTo: a@b.example\n\n", ["a@b.example"]),
        (b"To: a@b.example\nTo: c@d.example\n\n", ["a@b.example", "c@d.example"]),
        (b"To: a@b.example\nResent-To: r@s.example\n\n", ["r@s.example"]),
        (b"To: a@b.example\nResent-Bcc: r@s.example\nBcc: c@d.example\n\n", ["r@s.example"]),
        (b"To: undisclosed-recipients:;\n\n", []),
        (b"Bcc :\n a@b.example,\n\tc@d.example\n\n", ["a@b.example", "c@d.example"]),
        (b"Subject: x\rBcc: victim@example.org\nTo: a@b.example\n\n", ["a@b.example"]),
        (b"Subject: x\r\n\r\nBcc: body@example.org\nTo: a@b.example\n", []),
        (b"Subject: =?utf-8?q?x=0D=0ABcc:_victim@example.org?=\nTo: a@b.example\n\n",
         ["a@b.example"]),
        (b"To: =?utf-8?q?A=2C_victim=40example=2Eorg=2C?= <a@b.example>\n\n", ["a@b.example"]),
        (b"From a@b Wed Mar 11 10:30:00 2026\nTo: a@b.example\n\n", ["a@b.example"]),
        (b"no header: at all\nTo: a@b.example\n", []),
        (b"\nTo: a@b.example\n", []),
        (b"To: a@b.example", ["a@b.example"]),
    ],
)  # fmt: skip
def test_the_header_says_whom_it_goes_to(raw: bytes, expected: list[str]) -> None:
    assert recipients(raw) == expected


@pytest.mark.parametrize("to", [b"a b", b"<>", b"a@b.example, <", b"\x01@b.example"])
def test_one_bad_address_refuses_all(to: bytes) -> None:
    assert isinstance(recipients(b"To: good@b.example, " + to + b"\n\n"), Problem)


@pytest.mark.parametrize(
    "secret",
    [
        b"Bcc: v@example.org",
        b"BCC: v@example.org",
        b"Bcc : v@example.org",
        b"bcc:\n v@example.org,\n\tw@example.org",
        b"Resent-Bcc: v@example.org",
        b"Return-Path: <v@example.org>",
        b"X-Facteur-Id: v@example.org",
    ],
)
def test_what_nobody_may_see_is_removed(secret: bytes) -> None:
    content = sent(b"To: a@b.example\n" + secret + b"\nSubject: s\n\nbody\n")
    assert b"example.org" not in content
    assert content.startswith(b"To: a@b.example\r\nSubject: s\r\n")


def test_every_other_field_keeps_its_place_and_its_bytes() -> None:
    head = (
        b"Received: from x\n\tby y\nsubject:  two \nTo : a@b.example\nX-Odd: \xe9\xff\n"
        b"From: me@b.example\nDate: never\nMessage-ID: <x>\nX-Odd: again\n"
    )
    body = b"body \n  \nFrom here\n.\n\xff\n"
    assert sent(head + b"\n" + body) == (head + b"\n" + body).replace(b"\n", b"\r\n")


def test_a_sender_with_a_blank_before_the_colon_is_no_line_of_an_mbox() -> None:
    assert sent(b"From : me@x\nTo: a@b.example\n\nb\n").startswith(b"From : me@x\r\n")


def test_a_line_that_is_no_field_ends_the_header() -> None:
    assert parse(b"Subject: s\nX-\xe9: no field\n\nb").body == b"X-\xe9: no field\n\nb"


def test_what_is_missing_is_added_once() -> None:
    assert sent(b"Subject: s\n\nbody") == (
        b"Subject: s\r\nFrom: <site@shop.example>\r\nDate: Wed, 11 Mar 2026 10:30:00 +0000\r\n"
        b"Message-ID: <1@host.test>\r\n\r\nbody\r\n"
    )


def test_without_a_header_all_is_body() -> None:
    assert sent(b"Hello you\nTo: x\n").endswith(b"\r\n\r\nHello you\r\nTo: x\r\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cron Daemon", b'From: "Cron Daemon" <site@shop.example>'),
        ('a "b" \\c', b'From: "a \\"b\\" \\\\c" <site@shop.example>'),
        ("Été", b"From: =?utf-8?B?w4l0w6k=?= <site@shop.example>"),
    ],
)
def test_the_full_name_stands_before_the_sender(name: str, expected: bytes) -> None:
    assert expected in sent(b"To: a@b.example\n\n", full_name=name).split(b"\r\n")


@pytest.mark.parametrize("name", ["é" * 5000, "x" + "é" * 5000, "x" * 5000, "\U0001f600" * 99])
def test_a_long_full_name_is_cut_between_signs(name: str) -> None:
    content = sent(b"Subject: s\n\n", full_name=name)
    [line] = [line for line in content.split(b"\r\n") if line.startswith(b"From:")]
    assert len(line) < 300
    shown = display.shown(line)
    assert "\N{REPLACEMENT CHARACTER}" not in shown
    assert name[:9] in shown


@pytest.mark.parametrize(
    "raw",
    [
        b"To: " + b"," * 2_000_000,
        b"a:\n" * 700_000,
        b"To: a@b.example\n" * 10_002,
        b"Subject: x" + b"\n x" * 700_000,
    ],
)
def test_a_header_beyond_all_measure_is_refused_at_once(raw: bytes) -> None:
    begin = time.perf_counter()
    assert isinstance(headers.parse(raw + b"\n\nbody\n"), Problem)
    assert time.perf_counter() - begin < 5


@pytest.mark.parametrize("body", [b"\n", b"xy\n", b"." * 500, b"\r", b"x" * 998 + b"\n"])
def test_ten_megabytes_take_no_more_than_their_length(body: bytes) -> None:
    begin = time.perf_counter()
    sent(b"To: a@b.example\n\n" + body * (10_000_000 // len(body)))
    assert time.perf_counter() - begin < 15


PIECES = st.sampled_from(
    [b"To: a@b.example", b"Bcc", b":", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\r\r\n", b".", b"..",
     b"From ", b"Subject: =?utf-8?", b"?q?=E9?=", b"\xe9", b"x" * 1100, b"w " * 600,
     b"Content-Type: text/plain", b"X-Facteur-A: b"]
)  # fmt: skip
RAW = st.binary(max_size=200) | st.lists(PIECES, max_size=12).map(b"".join)


@settings(deadline=None)
@given(RAW, st.booleans())
def test_whatever_came_in_what_goes_out_has_only_crlf(raw: bytes, ignores_dots: bool) -> None:
    text = headers.with_line_feeds(raw, ignores_dots=ignores_dots)
    if isinstance(text, Problem):
        assert b"\0" in raw
        return
    parsed = headers.parse(text)
    assert isinstance(parsed, Parsed)
    found = headers.recipients_of(parsed, HOST)
    if isinstance(found, list):
        assert all(address.isprintable() for address in found)
    if fitting.fit_lines(parsed) is not None:
        return
    headers.complete(parsed, sender="", full_name="é", message_id="1@host.test", now=NOW)
    content = headers.as_sent(parsed)
    assert headers.sent_size(parsed) == len(content)
    assert content.endswith(b"\r\n")
    bare = content.replace(b"\r\n", b"")
    assert b"\r" not in bare
    assert b"\n" not in bare
    assert b"\r\n\r\n" in content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    again = headers.parse(lines(content))
    assert isinstance(again, Parsed)
    assert not {item.name for item in again.fields} & headers.REMOVED
    assert again.body.replace(b"\n", b"\r\n") in content


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: a\n\nText\n", {"from"}),
        (b"Subject: a\nDate: x\n\nText\n", {"from"}),
        (b"Subject: a\nMessage-ID: <1@x.example>\n\nText\n", {"from"}),
        # It names itself, or somebody else, or stands where the relay writes nothing.
        (b"From: Site <site@shop.example>\nSubject: a\n\nText\n", set()),
        (b"Subject: a\nFrom: other@shop.example\n\nText\n", set()),
        (b"From: <site@shop.example>\nSubject: a\n\nText\n", set()),
        (b"Subject: a\nFrom: x\n\nFrom: <site@shop.example>\n", set()),
    ],
)
def test_a_from_that_was_completed_is_known_again(raw: bytes, expected: set[str]) -> None:
    assert headers.completed(sent(raw), "site@shop.example") == expected


SENDERS = ("web8x2k9qz7wv4@host.test", "éric@shop.example", '"a b"@x.example', "")


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("body", [b"Bonjour Marie, votre commande part demain.\n", b""])
def test_nothing_that_was_completed_is_held_against_a_message(sender: str, body: bytes) -> None:
    author = sender or "MAILER-DAEMON@host.test"
    content = sent(b"Subject: Votre commande\nTo: m@x.example\n\n" + body, sender=author)
    context = Context(added=headers.completed(content, sender))
    assert {finding.rule for finding in screen(content, context).findings} <= {"no_text"}


def test_headers_of_any_kind_can_be_asked_what_was_completed() -> None:
    for content in (b"", b"\r\n\r\n", b"From: <>\r\n\r\n", b"x" * 5000, b"\r\n" * 5000):
        assert headers.completed(content, "site@shop.example") == frozenset()
