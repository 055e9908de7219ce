"""A message taken apart: whatever strangers write, within bounds and without an exception."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel import preview
from panel.preview import MAX_BYTES, MAX_DEPTH, MAX_PARTS, take_apart


def letter(headers: str, body: bytes = b"x") -> bytes:
    return headers.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


def nested(depth: int, core: bytes) -> bytes:
    content = core
    for level in range(depth):
        content = (
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n"
            % (level, level, content, level)
        )
    return content


def test_a_usual_letter_shows_text_html_and_attachments() -> None:
    message = EmailMessage()
    message["From"] = "Boutique <site@boutique.example>"
    message["Subject"] = "Votre commande n° 12"
    message.set_content("Bonjour Zoé\n", cte="base64")
    message.add_alternative("<p>Bonjour <b>Zoé</b></p>", subtype="html", cte="quoted-printable")
    message.add_attachment(b"x" * 1000, "application", "pdf", filename="Facture été.pdf")
    seen = take_apart(message.as_bytes())
    assert ("Subject", "Votre commande n° 12") in seen.headers
    assert seen.text == "Bonjour Zoé\n"
    assert seen.html.strip() == "<p>Bonjour <b>Zoé</b></p>"
    (attachment,) = seen.attachments
    assert (attachment.name, attachment.type) == ("Facture été.pdf", "application/pdf")
    assert attachment.size_bytes == 1000
    assert not seen.is_cut


def test_a_letter_without_any_mime_is_text() -> None:
    seen = take_apart(letter("Subject: x", b"Bonjour\r\n\r\nAu revoir"))
    assert seen.text == "Bonjour\n\nAu revoir"
    assert (seen.html, seen.attachments) == ("", [])


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "../../etc/passwd"),
        ('attachment; filename="facture\u202efdp.exe"', "facturefdp.exe"),
        ("attachment; filename*=utf-8''%e2%82%ac%00%0d%0a.txt", "€\ufffd\ufffd.txt"),
        ("attachment; filename*0=a; filename*1*=%62; filename*2=c", "abc"),
        ("attachment; filename==?utf-8?b?4oKs?=", "€"),
        ('attachment; filename="<script>alert(1)</script>"', "<script>alert(1)</script>"),
        ('attachment; filename="a\\"b"', 'a"b'),
        ("attachment; filename=" + "x" * 5000, "x" * 255),
        ("attachment; filename*5000*=x; filename*=nonsense'", "nonsense'"),
        ("attachment", ""),
    ],
)
def test_hostile_names_are_told_without_what_cannot_be_seen(field: str, name: str) -> None:
    seen = take_apart(letter(f"Content-Type: text/html\nContent-Disposition: {field}"))
    (attachment,) = seen.attachments
    assert attachment.name == name
    assert seen.html == ""


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://evil.example">x</a>',
        '<A\nHREF="https://evil.example">x</A>',
        '<link rel="preconnect" href="https://evil.example">',
        '<meta http-equiv="refresh" content="0;url=https://evil.example">',
        '<base href="https://evil.example/">',
        '<script src="https://evil.example"></script>',
        '<iframe src="https://evil.example"></iframe>',
        '<form action="https://evil.example"><button>x</button></form>',
        '<math href="https://evil.example"><mi>x</mi></math>',
        '<svg><a xlink:href="https://evil.example">x</a></svg>',
        '<map><area href="https://evil.example"></map>',
    ],
)
def test_html_comes_without_what_leads_elsewhere(html: str) -> None:
    seen = take_apart(letter("Content-Type: text/html", html.encode()))
    assert preview._ACTIVE.search(seen.html) is None
    assert "<x-" in seen.html


def test_html_stays_as_it_is_otherwise() -> None:
    html = '<article class="a"><abbr>x</abbr><img src="data:image/gif;base64,R0"></article>'
    assert take_apart(letter("Content-Type: text/html", html.encode())).html == html


@pytest.mark.parametrize(
    ("charset", "content", "text"),
    [
        ("iso-8859-1", b"\xe9t\xe9", "été"),
        ("windows-1252", b"\x80", "€"),
        ("no-such", "été".encode(), "été"),
        ("utf-7", b"+2AA-", "?"),
        ("idna", b"a" * 100, "a" * 100),
        ("", b"a\0\x1b[2Jb", "a\ufffd\ufffd[2Jb"),
    ],
)
def test_every_charset_gives_text_that_can_be_written(
    charset: str, content: bytes, text: str
) -> None:
    seen = take_apart(letter(f"Content-Type: text/plain; charset={charset}", content))
    assert seen.text == text
    seen.text.encode()


def test_levels_and_parts_end() -> None:
    core = b"Content-Type: text/plain\r\n\r\nx"
    assert take_apart(nested(MAX_DEPTH, core)).text == "x"
    too_deep = take_apart(nested(500, core))
    assert too_deep.text.startswith("--b")
    many = b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * 5000
    seen = take_apart(letter("Content-Type: multipart/mixed; boundary=b", many))
    assert len(seen.attachments) < MAX_PARTS


def test_a_part_that_is_never_closed_is_shown() -> None:
    seen = take_apart(letter("Content-Type: multipart/mixed; boundary=b", b"--b\r\n\r\nBonjour"))
    assert seen.text == "Bonjour"
    lost = take_apart(letter("Content-Type: multipart/mixed; boundary=b", b"Bonjour"))
    assert lost.text == "Bonjour"


def test_of_a_huge_message_its_beginning_is_read() -> None:
    seen = take_apart(letter("Subject: x", b"x" * (MAX_BYTES + 1)))
    assert seen.is_cut
    assert len(seen.text) <= preview.MAX_TEXT


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed; boundary=-\r\n\r\n" + b"\n--" * (MAX_BYTES // 3),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\n--b " * (MAX_BYTES // 5),
        nested(MAX_DEPTH, b"\r\n" * (MAX_BYTES // 2)),
        b"Content-Type: text/html\r\n\r\n" + b"<a" * (MAX_BYTES // 2),
        b"Content-Type: text/plain" + b';a="' * (MAX_BYTES // 4),
        b"Subject: " + b"=?utf-8?b?" * (MAX_BYTES // 10),
        b"Subject: x\r\n" + b" y\r\n" * (MAX_BYTES // 4),
        b"a:b\r\n" * (MAX_BYTES // 5),
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * MAX_BYTES,
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=\r\n" * (MAX_BYTES // 3),
        b'Content-Disposition: attachment; filename="' + b"\\" * MAX_BYTES,
        b"\r" * MAX_BYTES,
    ],
)
def test_crafted_messages_take_no_time(content: bytes) -> None:
    began = time.process_time()
    take_apart(content)
    assert time.process_time() - began < 3


_WORDS = st.sampled_from(
    [
        *(b"\r\n", b"\n\n", b"--b", b"--b--", b"<a href=x>", b"filename*0*=", b"=?x?b?y?="),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        b"Content-Type: text/html; charset=utf-7\r\n",
        b"Content-Disposition: attachment; filename=x\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
    ]
)


@given(st.lists(st.one_of(_WORDS, st.binary(max_size=20)), max_size=60).map(b"".join))
def test_random_bytes_never_raise(content: bytes) -> None:
    seen = take_apart(content)
    texts = [seen.text, seen.html, *(item.name for item in seen.attachments)]
    for text in texts + [value for _, value in seen.headers]:
        text.encode()
    assert preview._ACTIVE.search(seen.html) is None
