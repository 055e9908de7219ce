"""What is pasted is judged as the relay would send it; what is no message is said to be none."""

import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue import examining
from mailqueue.examining import Examined, Fault, Prepared
from mailqueue.models import Message
from mailqueue.screening import Context, screen
from relay import intake
from relay.identity import Caller
from tests.support.letters import texts

NOW = datetime.fromisoformat("2026-03-11T10:30:00+00:00")
SENDER = "site@house.test"


def prepare(raw: bytes) -> Prepared | Fault:
    return examining.prepare(raw, sender=SENDER, message_id="x@house.test", now=NOW)


def prepared(raw: bytes) -> Prepared:
    found = prepare(raw)
    assert isinstance(found, Prepared), found
    return found


def examined(raw: bytes) -> Examined:
    found = prepared(raw)
    context = Context(added=frozenset(found.added))
    return examining.examine(found, screen(found.content, context), context)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", Fault.EMPTY),
        (b" \r\n\n\t", Fault.EMPTY),
        (b"\xef\xbb\xbf", Fault.EMPTY),
        (b"Bonjour Marie,\nmerci.\n", Fault.NO_HEADER),
        (b"Note: this is no header\n\nbody\n", Fault.NO_HEADER),
        (b"<html><p>From: a@b.example</p></html>", Fault.NO_HEADER),
        (b"%PDF-1.7\n\0\0", Fault.BINARY),
        (b"From: a@b.example\n\n\0", Fault.BINARY),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, Fault.OUTLOOK),
        (b"Subject: x\n" * 10_002, Fault.LONG_HEADER),
    ],
)
def test_what_is_no_message_is_said_to_be_none(raw: bytes, fault: Fault) -> None:
    assert prepare(raw) is fault


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\nSubject: s\n\nbody\n",
        b"\xef\xbb\xbfSubject: s\r\n\r\nbody",
        "Subject: s\n\nbody\n".encode("utf-16"),
        b"From x@y Thu Jan  1 00:00:00 2026\nSubject: s\n\nbody\n",
    ],
    ids=["blank lines first", "byte order mark", "UTF-16", "mbox"],
)
def test_what_editors_and_mailboxes_put_around_a_message_is_taken_off(raw: bytes) -> None:
    found = prepared(raw)
    assert found.content.startswith(b"Subject: s\r\n")
    assert found.content.endswith(b"\r\n\r\nbody\r\n")


def test_it_tells_what_the_relay_changes() -> None:
    found = prepared(
        b"Subject: s\nBcc: a@b.example, c@d.example\nX-Facteur-Id: 1\nTo: e@f.example\n\nx\n"
    )
    assert found.added == ("date", "from", "message-id")
    assert found.removed == ("bcc", "x-facteur-id")
    assert found.recipients == ("a@b.example", "c@d.example", "e@f.example")
    assert not found.is_folded
    assert b"a@b.example" not in found.content
    assert f"From: <{SENDER}>".encode() in found.content


@pytest.mark.parametrize(
    ("raw", "is_folded", "obstacle"),
    [
        (b"Subject: s\n\n" + b"word " * 300, True, ""),
        (b"Subject: " + b"word " * 300 + b"\n\nx", True, ""),
        (b"Subject: " + b"w" * 1200 + b"\n\nx", False, "header field subject"),
        (
            b"Subject: s\nContent-Type: application/pdf\n\n" + b"w" * 1200,
            False,
            "a line of the body is longer than 998 bytes",
        ),
        (b"To: Marie Martin\nSubject: s\n\nx", False, "bad recipient: 'Marie Martin'"),
    ],
)
def test_what_the_relay_would_refuse_is_told_in_its_words(
    raw: bytes, is_folded: bool, obstacle: str
) -> None:
    found = prepared(raw)
    assert found.is_folded == is_folded
    assert found.obstacle.startswith(obstacle)
    assert bool(found.obstacle) == bool(obstacle)


@pytest.mark.parametrize("raw", [text.message() for text in texts("honest")[::7]])
def test_the_relay_sends_the_same_bytes(raw: bytes) -> None:
    wire = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    sent = intake.read_smtp(
        Caller(1000), SENDER, ["a@b.example"], wire, Message.Origin.SUBMISSION, NOW
    )
    assert isinstance(sent, intake.Letter)
    found = prepared(raw)
    assert found.size_bytes == sent.size_bytes
    # But for what is drawn by lot.
    if "message-id" not in found.added:
        assert found.content == sent.content


def test_it_knows_parts_links_and_who_sent_it() -> None:
    found = examined(
        b"From: Shop <contact@boutique.example>\nTo: a@b.example\nSubject: =?utf-8?q?H=C3=A9?=\n"
        b"X-PHP-Originating-Script: 1000:mail.php\nX-Mailer: PHPMailer 6\n"
        b"List-Unsubscribe: <https://l.example/>\n"
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n"
        b'<a href="https://l.example/a">here</a> <a href="https://l.example/b">there</a>\n'
        b'--x\nContent-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\n\n'
        b"AAAA\n--x--\n"
    )
    assert found.subject == "Hé"
    assert found.author_domain == "boutique.example"
    assert found.hosts == ("l.example",)
    assert found.programs == (
        ("x-php-originating-script", "1000:mail.php"),
        ("x-mailer", "PHPMailer 6"),
    )
    assert found.is_bulk
    assert [(part.kind, part.name, part.is_attached) for part in found.parts] == [
        ("text/html", "", False),
        ("application/pdf", "a.pdf", True),
    ]
    assert found.parts[1].size_bytes == 3


def test_what_is_kept_of_it_comes_back_the_same() -> None:
    found = examined(
        b"From: x\nSubject: FREE VERY CHEAP\xed\xa0\x80\x01\nContent-Type: text/html\n\n"
        b'<a href="http://192.0.2.1/">www.a.example</a>'
    )
    row = json.loads(json.dumps(found.as_row()))
    assert examining.of_row(row) == examining.of_row(found.as_row())
    kept = examining.of_row(row)
    assert [finding.rule for finding in kept.findings] == [one.rule for one in found.findings]
    assert kept.score == found.score
    assert "\\u0000" not in json.dumps(row)


def test_thousands_of_parts_are_told_as_more() -> None:
    parts = b"--x\nContent-Type: text/plain\n\na\n" * 3000
    found = examined(b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n" + parts)
    assert len(found.parts) == examining.MOST_PARTS
    assert found.is_cut


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_it_raises_on_nothing(noise: bytes) -> None:
    for raw in (noise, b"Subject: x\n" + noise, b"Subject: x\nContent-Type: text/html\n\n" + noise):
        found = prepare(raw)
        if isinstance(found, Prepared):
            json.dumps(examined(raw).as_row()).encode()
