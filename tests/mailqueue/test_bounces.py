"""Refusals and returned messages come out as what they are; samples are in tests/data/bounces."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailqueue.bounce_rules
import mailqueue.bounces
import mailqueue.dsn
from mailqueue.bounce_rules import DEAD
from mailqueue.bounces import Category, Report, Verdict, advice, classify_reply, classify_report

DATA = Path(__file__).resolve().parent.parent / "data" / "bounces"
FROM_DAEMON = b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.net\nSubject: Undelivered Mail\n"


def _table(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def _reports() -> Iterator[Any]:
    expected: dict[str, list[tuple[str, ...]]] = {}
    for name, *row in _table("reports.tsv"):
        rows = expected.setdefault(name, [])
        if row[1] != "none":
            rows.append(tuple(row))
    return (pytest.param(name, rows, id=name) for name, rows in expected.items())


def _row(report: Report) -> tuple[str, ...]:
    return (
        report.recipient or "",
        str(report.category),
        "permanent" if report.permanent else "passing",
        "dead" if report.hard else "alive",
        report.action,
    )


@pytest.mark.parametrize(("category", "reply"), _table("replies.tsv"))
def test_it_tells_what_a_reply_means(category: str, reply: str) -> None:
    assert classify_reply(reply).category == category


@pytest.mark.parametrize("reply", [reply for _, reply in _table("replies.tsv")])
def test_a_first_digit_of_4_always_means_try_again(reply: str) -> None:
    verdict = classify_reply(reply)
    if reply.startswith("4") or verdict.status.startswith("4"):
        assert not verdict.permanent
        assert not verdict.hard
    elif reply.startswith("5"):
        assert verdict.permanent


@pytest.mark.parametrize(("name", "expected"), list(_reports()))
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_it_reads_a_message_that_came_back(
    name: str, expected: list[tuple[str, ...]], line_end: bytes
) -> None:
    message = (DATA / name).read_bytes().replace(b"\n", line_end)
    assert [_row(report) for report in classify_report(message)] == expected


def test_every_sample_has_its_answer() -> None:
    assert {path.name for path in DATA.glob("*.eml")} == {row[0] for row in _table("reports.tsv")}


def test_it_tells_the_address_as_written_from_the_one_that_failed() -> None:
    [report] = classify_report((DATA / "rewritten-address.eml").read_bytes())
    assert report.recipient == "gus@mailbox.example.net"
    assert report.original == "gus@example.org"


def test_it_keeps_the_words_of_the_server() -> None:
    [report] = classify_report((DATA / "postfix-unknown.eml").read_bytes())
    assert report.words.startswith("550 5.1.1 <ana@example.org>: Recipient address rejected")
    assert report.status == "5.1.1"


def test_it_tells_which_feedback_a_complaint_is() -> None:
    [report] = classify_report((DATA / "arf-abuse.eml").read_bytes())
    assert report.feedback == "abuse"


def test_what_is_refused_at_mail_from_never_kills_the_recipient() -> None:
    verdict = classify_reply(
        "550 5.1.1 <b@example.com> does not exist (in reply to MAIL FROM command)"
    )
    assert verdict.category is Category.POLICY_BLOCK
    assert not verdict.hard


@pytest.mark.parametrize("said", ["535 5.7.8 failed, user unknown", "550 5.1.1 no such mailbox"])
def test_what_is_refused_at_the_login_is_our_own_trouble(said: str) -> None:
    verdict = classify_reply(f"smtp.example.org:587 does not take the login: {said}")
    assert verdict.category is Category.RELAY_DENIED
    assert not verdict.hard


def test_our_own_words_for_a_lost_connection_are_not_permanent() -> None:
    assert not classify_reply("connect to mx.example.org: Connection refused").permanent


def test_verdicts_and_reports_can_be_read_as_mappings() -> None:
    verdict = classify_reply("550 5.1.1 User unknown")
    assert dict(verdict) == {
        "category": Category.USER_UNKNOWN,
        "status": "5.1.1",
        "permanent": True,
        "hard": True,
    }
    assert verdict.get("category") is Category.USER_UNKNOWN
    assert verdict.get("colour", "none") == "none"
    with pytest.raises(KeyError):
        verdict["colour"]


@pytest.mark.parametrize("category", Category)
def test_every_category_comes_with_advice(category: Category) -> None:
    assert advice(category).endswith(".")


def _is_sound(verdict: Verdict | Report) -> bool:
    return not verdict.hard or (verdict.permanent and verdict.category in DEAD)


@given(st.text())
def test_it_never_raises_on_a_reply(reply: str) -> None:
    assert _is_sound(classify_reply(reply))


@given(st.binary())
def test_it_never_raises_on_a_message(message: bytes) -> None:
    assert all(_is_sound(report) for report in classify_report(message))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_it_never_raises_on_a_damaged_report(data: st.DataObject) -> None:
    samples = sorted(DATA.glob("*.eml"))
    message = data.draw(st.sampled_from(samples)).read_bytes()
    start = data.draw(st.integers(0, len(message)))
    end = data.draw(st.integers(start, min(len(message), start + 200)))
    damaged = message[:start] + data.draw(st.binary(max_size=50)) + message[end:]
    for report in classify_report(damaged):
        assert _is_sound(report)
        assert report.recipient is None or "@" in report.recipient


MIXED = FROM_DAEMON + b"Content-Type: multipart/mixed; boundary=x\n\n"
LEVELS = [b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(600)]
HOSTILE = {
    "addresses": FROM_DAEMON + b"\n" + b"a@b.example: 550 5.1.1 unknown\n" * 1000,
    "at signs": FROM_DAEMON + b"\n" + b"a@" * 15_000,
    "brackets": FROM_DAEMON + b"Content-Type: text/html\n\n" + b"<" * 30_000,
    "entities": FROM_DAEMON + b"Content-Type: text/html\n\n" + b"&#99999999" * 3000,
    "headers": b"A: b\n" * 6000,
    "folded": b"A: b\n" + b" c\n" * 10_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 2000 + b"\n\n",
    "parts": MIXED + b"--x\n\na@b.c\n" * 3000,
    "levels": FROM_DAEMON + b"".join(LEVELS),
    "fields": FROM_DAEMON
    + b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n" * 500,
    "nested json": FROM_DAEMON + b'\n{"notificationType":"","bouncedRecipients":' + b"[" * 30_000,
    "quotes": FROM_DAEMON + b"\n" + b'"@' * 15_000,
    "escapes": FROM_DAEMON + b"\n" + b"\x1b$B" * 10_000,
    "spaces": FROM_DAEMON + b"\n" + b" " * 30_000,
    "codes": FROM_DAEMON + b"\n" + b"250 5.1.1. " * 3000,
}


def _calls(message: bytes) -> int:
    """How many functions are called, in Python and in C, while a message is read."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        classify_report(message)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_work_grows_no_faster_than_the_message(message: bytes) -> None:
    head, body = message.split(b"\n", 1)
    half = head + b"\n" + body[: len(body) // 2]
    assert _calls(message) <= 2.5 * _calls(half) + 3000


@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
def test_work_is_bounded_whatever_the_size(message: bytes) -> None:
    body = message.partition(b"\n\n")[2] or message
    grown = message + body * (10_000_000 // len(body))
    assert _calls(grown) < 1_000_000


def _patterns() -> Iterator[re.Pattern[Any]]:
    for package in (mailqueue.bounces, mailqueue.bounce_rules, mailqueue.dsn):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            module = importlib.import_module(found.name)
            yield from (value for value in vars(module).values() if isinstance(value, re.Pattern))


def _repeats_within(parsed: Any, *, is_inside: bool = False) -> bool:
    """Whether a repeat without bound stands inside another repeat."""
    for name, value in parsed:
        parts = value if isinstance(value, tuple | list) else (value,)
        is_repeat = str(name) in ("MAX_REPEAT", "MIN_REPEAT")
        is_unbounded = is_repeat and int(value[1]) > 10_000
        if is_unbounded and is_inside:
            return True
        for part in parts:
            branches = part if isinstance(part, list) else [part]
            for branch in branches:
                if type(branch).__name__ == "SubPattern" and _repeats_within(
                    branch, is_inside=is_inside or is_repeat
                ):
                    return True
    return False


def test_no_pattern_can_backtrack_without_bound() -> None:
    parse = importlib.import_module("re._parser").parse
    patterns = list(_patterns())
    assert patterns
    for pattern in patterns:
        assert not _repeats_within(parse(pattern.pattern, pattern.flags)), pattern.pattern
    # The check itself sees what it looks for.
    assert _repeats_within(parse(r"(?:a+)+b"))
