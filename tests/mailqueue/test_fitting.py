"""Lines that are too long for SMTP are brought down to size, or the message is refused."""

import email
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue import headers
from mailqueue.fitting import fit_lines
from mailqueue.headers import Parsed, Problem

LONG = "é".encode() * 600


def parse(raw: bytes) -> Parsed:
    parsed = headers.parse(raw)
    assert isinstance(parsed, Parsed)
    return parsed


def sent(raw: bytes) -> bytes:
    parsed = parse(raw)
    assert fit_lines(parsed) is None
    content = headers.as_sent(parsed)
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert headers.sent_size(parsed) == len(content)
    return content


def texts(content: bytes) -> list[bytes]:
    """The decoded leaves of a message, with LF."""
    found = []
    for part in email.message_from_bytes(content).walk():
        if not part.is_multipart():
            decoded = part.get_payload(decode=True)
            assert isinstance(decoded, bytes)
            found.append(decoded.replace(b"\r\n", b"\n"))
    return found


def test_a_long_field_is_folded_before_blanks() -> None:
    value = b" ".join([b"word%d" % number for number in range(1000)])
    content = sent(b"X-Long: " + value + b"\nSubject: s\n\nb\n")
    head = content.partition(b"\r\nSubject")[0]
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert head.replace(b"\r\n", b"") == b"X-Long: " + value


@pytest.mark.parametrize("tail", [b" " * 900, b" " * 5000, b"\n" + b" " * 5000, b"\t \n y"])
def test_folding_ends_no_header_early(tail: bytes) -> None:
    content = sent(b"X-Long: " + b"word " * 250 + tail + b"\nTo: a@b.example\n\nbody\n")
    head, _, body = content.partition(b"\r\n\r\n")
    assert body == b"body\r\n"
    assert b"\r\nTo: a@b.example" in head


def test_a_long_field_without_blanks_is_refused() -> None:
    parsed = parse(b"X-Long: " + b"x" * 999 + b"\n\nb\n")
    assert isinstance(fit_lines(parsed), Problem)


@pytest.mark.parametrize("length", [997, 998])
def test_998_bytes_are_no_long_line(length: int) -> None:
    body = b"x" * length + b"\n"
    assert sent(b"Subject: s\n\n" + body * 3).endswith(body.replace(b"\n", b"\r\n") * 3)


def test_a_long_line_of_text_becomes_quoted_printable() -> None:
    body = b"short \n" + "é".encode() * 600 + b"\n.\nend"
    content = sent(b"Content-Type: text/html; charset=utf-8\n\n" + body)
    assert b"\r\nContent-Transfer-Encoding: quoted-printable\r\n" in content
    assert content.count(b"MIME-Version: 1.0") == 1
    assert max(map(len, content.split(b"\r\n"))) <= 76
    decoded = email.message_from_bytes(content).get_payload(decode=True)
    assert isinstance(decoded, bytes)
    assert decoded.replace(b"\r\n", b"\n").rstrip(b"\n") == body


@pytest.mark.parametrize(
    ("line", "charset"),
    [(LONG, "utf-8"), (b"\xe9" * 999, "iso-8859-1"), (b"x" * 999, None)],
)
def test_a_text_whose_charset_nobody_told_gets_one(line: bytes, charset: str | None) -> None:
    content = sent(b"Subject: s\n\n" + line + b"\n")
    message = email.message_from_bytes(content)
    assert message.get_content_charset() == charset
    assert texts(content) == [line + b"\n"]


def test_a_text_whose_charset_is_told_keeps_it() -> None:
    content = sent(b"Content-Type: text/plain\nMIME-Version: 1.0\n\n" + LONG)
    assert content.startswith(b"Content-Type: text/plain\r\nMIME-Version: 1.0\r\nContent-Tr")


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_base64_in_one_line_is_broken_anew(end: bytes) -> None:
    signs = b"QUJD" * 5000
    head = b"Content-Type: image/png\nContent-Transfer-Encoding: Base64\n\n"
    content = sent(head + signs + end)
    assert texts(content) == [b"ABC" * 5000]
    assert max(map(len, content.split(b"\r\n"))) == 76


PARTS = b"""\
MIME-Version: 1.0
Content-Type: multipart/mixed; charset=utf-8;
 boundary="=_out (1)"

preamble
--=_out (1)
Content-Type: multipart/alternative; boundary=in

--in

short \t
--in
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

%b
--in--

--=_out (1)
Content-Type: image/png
Content-Transfer-Encoding: base64

%b
--=_out (1)--
epilogue
"""


def test_parts_of_a_message_are_brought_down_to_size() -> None:
    content = sent(PARTS % (LONG, b"QUJD" * 500))
    assert texts(content) == [b"short \t", LONG, b"ABC" * 500]
    # What was short enough stays, byte for byte.
    assert content.startswith(
        PARTS.partition(b"Content-Type: text/html")[0].replace(b"\n", b"\r\n")
    )
    assert content.endswith(b"\r\n--=_out (1)--\r\nepilogue\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=x\n\n%b\n",
        b"Content-Type: multipart/mixed; boundary=x\n\n%b\n--x\n\na\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n%b\n",
        b"Content-Type: multipart/mixed\n\n--x\n\n%b\n--x--\n",
        b"Content-Type: multipart/signed; boundary=x\n\n--x\n\n%b\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nX-Long: %b\n\na\n--x\n\n%b\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: x/y\n\n%b\n--x--\n",
        b"Content-Type: application/pdf\n\n%b\n",
        b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n*%b\n",
        b"Content-Transfer-Encoding: quoted-printable\n\n%b\n",
    ],
)
def test_what_cannot_be_mended_without_harm_is_refused(raw: bytes) -> None:
    assert isinstance(fit_lines(parse(raw.replace(b"%b", b"x" * 999))), Problem)


def test_parts_without_end_are_refused() -> None:
    head = b"Content-Type: multipart/mixed; boundary=x\n\n"
    nested = b"--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 50
    for body in (nested + LONG, b"--x\n" * 5000 + LONG):
        assert isinstance(fit_lines(parse(head + body)), Problem)


@pytest.mark.parametrize(
    "value",
    [
        b",".join(b"user%d@example.org" % number for number in range(500)),
        b",".join(b"<user%d@example.org>" % number for number in range(500)),
    ],
)
def test_a_list_of_addresses_without_blanks_is_folded_after_commas(value: bytes) -> None:
    content = sent(b"To: " + value + b"\n\nb\n")
    [to] = parse(content.replace(b"\r\n", b"\n")).values(b"to")
    assert to.replace(b" ", b"") == value
    for field in (b"X-List: ", b'To: "x",', b"To: (x),"):
        assert isinstance(fit_lines(parse(field + value + b"\n\nb\n")), Problem)


@pytest.mark.parametrize("body", [b"\n--x", b"\n--x\n", b"--x--\n", b"\n-", b"\n--x\n\n", b"--x "])
def test_ten_megabytes_of_parts_take_no_more_than_their_length(body: bytes) -> None:
    head = b"Content-Type: multipart/mixed; boundary=x\n\n"
    begin = time.perf_counter()
    fit_lines(parse(head + body * (10_000_000 // len(body)) + b"\n" + LONG))
    assert time.perf_counter() - begin < 10


PIECES = st.sampled_from(
    [b"Content-Type: multipart/mixed; boundary=x\n", b"Content-Type: text/plain\n", b"\n", b"--x\n",
     b"--x--\n", LONG, b"x" * 1100, b"w " * 600, b"Content-Transfer-Encoding: base64\n", b"=", b",",
     b"To: ", b"From ", b"QUJD" * 300, b"a" * 990]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_whatever_it_is_no_line_stays_too_long(raw: bytes) -> None:
    parsed = parse(raw)
    if fit_lines(parsed) is None:
        content = headers.as_sent(parsed)
        assert max(map(len, content.split(b"\r\n"))) <= 998
        assert headers.sent_size(parsed) == len(content)
