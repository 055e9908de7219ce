"""Messages are taken apart within bounds, and their addresses found where they stand."""

import pytest

from mailqueue import dsn
from mailqueue.dsn import fields, mime, notes
from mailqueue.dsn.rows import address_in


def test_it_reads_a_part_with_its_charset_and_encoding() -> None:
    message = (
        b"Content-Type: text/plain; charset=iso-8859-1\n"
        b"Content-Transfer-Encoding: quoted-printable\n\nbo=EEte pleine\n"
    )
    _, [part] = mime.take_apart(message)
    assert part.text == "boîte pleine\n"


def test_an_unknown_charset_is_read_as_best_it_can() -> None:
    _, [part] = mime.take_apart(b"Content-Type: text/plain; charset=idna\n\nf\xfcr\n")
    assert part.text == "für\n"


def test_it_reads_no_more_parts_than_it_may() -> None:
    message = b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\ntext\n" * 10_000
    _, parts = mime.take_apart(message)
    assert len(parts) <= mime.MAX_PARTS


def test_it_goes_no_deeper_than_it_may() -> None:
    message = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(1000)
    )
    _, parts = mime.take_apart(message)
    assert len(parts) == 1


def test_it_reads_no_more_bytes_than_it_may() -> None:
    start = b"Subject: x\n\n" + b"y" * mime.MAX_BYTES
    assert mime.take_apart(start) == mime.take_apart(start + b"z" * 100)


def test_a_multipart_inside_may_have_a_boundary_that_begins_alike() -> None:
    message = (
        b"Content-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: multipart/alternative; boundary=xy\n\n"
        b"--xy\nContent-Type: text/plain\n\none\n--xy--\n"
        b"--x\nContent-Type: text/plain\n\ntwo\n--x--\n"
    )
    _, parts = mime.take_apart(message)
    assert [part.text.strip() for part in parts] == ["one", "two"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("rfc822; a@example.org", "a@example.org"),
        ("<a@example.org>:", "a@example.org"),
        ("'a@example.org'.", "a@example.org"),
        ("@relay.example,@b.example:a@example.org", "a@example.org"),
        ('"a b"@example.org', '"a b"@example.org'),
        ("a%b.example@example.org", "a%b.example@example.org"),
        ("zoë@exämple.org", "zoë@exämple.org"),
        ("no address @ all", ""),
        ("a@", ""),
        ("@b", ""),
        ("a@b@c", ""),
        ("x" * 400 + "@example.org", ""),
    ],
)
def test_it_finds_an_address(text: str, address: str) -> None:
    assert address_in(text) == address


def test_fields_are_found_without_empty_lines_between_recipients() -> None:
    rows = fields.delivery_rows(
        "Reporting-MTA: dns; mx\nFinal-Recipient: rfc822; a@example.org\nAction: failed\n"
        "Status: 5.1.1\nFinal-Recipient: rfc822; b@example.org\nAction: delayed\nStatus: 4.4.1\n"
    )
    assert [(row.recipient, row.action, row.status) for row in rows] == [
        ("a@example.org", "failed", "5.1.1"),
        ("b@example.org", "delayed", "4.4.1"),
    ]


def test_fields_may_stand_in_any_order_and_be_folded() -> None:
    [row] = fields.delivery_rows(
        "Action: failed\nFinal-Recipient: rfc822; a@example.org\n"
        "Diagnostic-Code: smtp; 550 5.1.1\n no such\n\tuser\nStatus: 5.1.1 (unknown)\n"
    )
    assert row.words == "550 5.1.1 no such user"
    assert row.status == "5.1.1"


def test_a_program_is_no_recipient() -> None:
    [row] = fields.delivery_rows(
        "Final-Recipient: rfc822;|/bin/filter a@example.org\nAction: failed\n"
    )
    assert row.recipient == ""


@pytest.mark.parametrize(
    "announcement",
    [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of the message, including all the headers. ------",
        "----- Original message -----",
        "   ----- Unsent message follows -----",
        "Original message follows.",
        "Message headers follow.",
        "-------original message",
    ],
)
def test_a_note_ends_where_the_returned_message_is_announced(announcement: str) -> None:
    note, rest = notes.without_returned(f"Sorry, a@example.org:\nunknown\n{announcement}\nb@c.d\n")
    assert "unknown" in note
    assert "b@c.d" in rest


def test_a_note_ends_at_headers_that_nobody_announced() -> None:
    note, rest = notes.without_returned(
        "a@example.org: unknown\n\nReceived: from x\nFrom: b@example.com\nTo: c@example.com\n"
    )
    assert note.strip() == "a@example.org: unknown"
    assert "b@example.com" in rest


def test_a_sentence_about_the_original_message_does_not_end_the_note() -> None:
    text = "The original message was received at noon.\n<a@example.org>\n(reason: unknown)\n"
    assert notes.without_returned(text) == (text, "")


def test_the_author_is_not_taken_for_the_recipient() -> None:
    rows = notes.note_rows(
        "Your message\n  To: shop@example.com\ncould not be delivered to a@example.org\n",
        failed=[],
        sender=["shop@example.com"],
        originally=[],
    )
    assert [row.recipient for row in rows] == ["a@example.org"]


def test_mail_of_people_is_ordinary() -> None:
    message = b"From: Ann <ann@example.org>\nSubject: Hello\n\nWas my letter not delivered?\n"
    assert dsn.read(message).kind is dsn.Kind.ORDINARY


def test_nothing_at_all_is_ordinary() -> None:
    assert dsn.read(b"") == dsn.Notice(dsn.Kind.ORDINARY)
