"""Messages made to be slow to read: each aims at one step of screening. Up to 10 MiB each."""

import bz2
import gzip
import io
import lzma
import random
import zipfile
from base64 import encodebytes
from collections.abc import Iterator

LIMIT = 10 << 20


def _with(kind: bytes, body: bytes) -> bytes:
    return b"From: a@b.example\r\nSubject: x\r\nContent-Type: " + kind + b"\r\n\r\n" + body


def page(body: bytes) -> bytes:
    """A message that is a page."""
    return _with(b"text/html; charset=utf-8", body)


def plain(body: bytes) -> bytes:
    """A message that is text."""
    return _with(b"text/plain; charset=utf-8", body)


def attached(content: bytes, name: bytes) -> bytes:
    """A message with one file."""
    return _with(
        b"multipart/mixed; boundary=x",
        b'--x\r\nContent-Type: application/octet-stream; name="'
        + name
        + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + encodebytes(content)
        + b"--x--\r\n",
    )


def parts(one: bytes, count: int) -> bytes:
    """A message with many parts."""
    return _with(b"multipart/mixed; boundary=x", (b"--x\r\n" + one + b"\r\n") * count)


def zipped(names: int, content: bytes) -> bytes:
    """A ZIP of many files."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(names):
            archive.writestr(f"{number}.txt", content)
    return kept.getvalue()


def nested_zip(levels: int) -> bytes:
    """A ZIP in a ZIP in a ZIP."""
    content = b"MZ"
    for _ in range(levels):
        kept = io.BytesIO()
        with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.zip", content)
        content = kept.getvalue()
    return content


def nested_parts(levels: int) -> bytes:
    """Parts in parts."""
    return b"From: a@b.example\r\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(levels)
    )


def messages() -> Iterator[tuple[str, bytes]]:
    """All of them, with a name each."""
    for name, message in _messages():
        yield name, message[:LIMIT]


def _messages() -> Iterator[tuple[str, bytes]]:
    much = LIMIT
    yield "3,000 nested parts", nested_parts(3000)
    yield "10 MB of blanks", plain(b" " * much)
    yield "10 MB of line ends", plain(b"\r\n" * (much // 2))
    yield "10 MB of no-break spaces", plain(b"\xc2\xa0" * (much // 2))
    yield "10,000 texts", parts(b"Content-Type: text/plain\r\n\r\nhello", 10_000)
    yield (
        "10,000 pages",
        parts(b"Content-Type: text/html\r\n\r\n<p><a href=http://x.fr>a</a>", 10_000),
    )
    yield "10,000 programs", parts(b"Content-Type: a/b; name=a.exe\r\n\r\nMZ", 10_000)
    yield (
        "1,000 bombs",
        parts(
            b"Content-Type: a/b; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + encodebytes(zipped(1, bytes(3 << 20))),
            1000,
        ),
    )
    yield "boundaries in one line", _with(b"multipart/mixed; boundary=x", b"--x" * (much // 3))
    yield "boundaries in lines", _with(b"multipart/mixed; boundary=x", b"\n--x" * (much // 4))
    yield "messages in messages", b"Content-Type: message/rfc822\r\n\r\n" * 100_000
    yield "zip bomb", attached(zipped(3, bytes(64 << 20)), b"a.zip")
    yield "20,000 files in a zip", attached(zipped(20_000, b"x"), b"a.zip")
    yield "30 zips in zips", attached(nested_zip(30), b"a.zip")
    yield "gzip bomb", attached(gzip.compress(bytes(64 << 20)), b"a.gz")
    yield "bzip2 bomb", attached(bz2.compress(bytes(64 << 20)), b"a.bz2")
    yield "xz bomb", attached(lzma.compress(bytes(64 << 20), preset=0), b"a.xz")
    yield "disk of names", attached(b"\0" + b"a.exe" * (1 << 20), b"a.iso")
    yield "PDF of actions", attached(b"%PDF-" + b"/JS" * (2 << 20), b"a.pdf")
    yield "RTF of controls", attached(b"{\\rtf" + b"\\obj" * (1 << 20), b"a.rtf")
    yield "400,000 macros", attached(_macros(400_000), b"a.doc")
    yield "page of scripts as a file", attached(b"<html><script>" + b"eval" * (1 << 20), b"a.html")
    for name, piece in (
        ("tags", b"<b>"),
        ("signs <", b"<"),
        ("unclosed tags", b"<a "),
        ("unclosed comments", b"<!--"),
        ("unclosed values", b'<a href="'),
        ("crossed quotes", b"<a x='\"' y=\"'>"),
        ("numbers too long", b"&#999999999999;"),
        ("signs &", b"&"),
        ("entities", b"&amp;"),
        ("nested blocks", b"<div style='color:red'>x"),
        ("classes", b"<p class='x x x x x x'>a</p>"),
    ):
        head = b"<style>" + b".x{color:red}" * 5000 + b"</style>" if name == "classes" else b""
        yield name, page(head + piece * (much // len(piece)))
    yield "attributes", page(b"<p " + b"a=b " * (much // 4) + b">")
    yield "blanks in a tag", page(b"<p a" + b" " * much + b">")
    yield "blanks in tags", page((b"<p a" + b" " * 5000 + b">") * 2000)
    yield "styles", page(b"".join(b"<p style='color:#%06x'>x</p>" % n for n in range(200_000)))
    yield "links", page(b"<a href='http://paypal.com.x.fr/tmp/a/'>www.amazon.com</a>" * 100_000)
    for name, piece in (
        ("rules of style", b"a{color:red}"),
        ("comments in style", b"/*"),
        ("braces in style", b"{"),
        ("selectors", b"a,"),
    ):
        yield name, page(b"<style>" + piece * (much // len(piece)))
    for name, words in (
        ("one word", "a"),
        ("shouts", "!"),
        ("addresses", "a@"),
        ("a word again and again", "viagra "),
        ("spaced letters", "v i a g r a "),
        ("beginnings of phrases", "send us your sum of us million "),
        ("addresses of the web", "http://"),
        ("links in text", "http://a.example/x "),
        ("labels", "name:\n"),
        ("quotes of mail", ">"),
        ("passwords", "password "),
        ("Japanese", "無料登録今すぐ"),
        ("invisible signs", "a\u200b"),
        ("mixed scripts", "aа"),
    ):
        data = words.encode()
        yield name, plain(data * (much // len(data)))
    yield "a long host", plain(b"http://" + b"a." * (much // 2))
    for name, head in (
        ("a long subject", b"Subject: " + b"a" * much),
        ("fields", b"X: y\r\n" * (much // 6)),
        ("senders", b"From: a@b.c\r\n" * 9000),
        ("encoded words", b"Subject: " + b"=?utf-8?q?a?= " * (much // 14)),
        ("broken encoded words", b"Subject: " + b"=?" * (much // 2)),
        ("parameters", b"Content-Type: a/b" + b'; a="' * (much // 6)),
        ("comments in a date", b"Date: " + b"(" * 50_000),
        ("brackets in a sender", b"From: " + b"<" * 60_000),
        ("brackets in a subject", b"Subject: " + b"[A" * 30_000),
    ):
        yield name, head + b"\r\n\r\nx"
    yield "random bytes", random.Random(1).randbytes(much)


def _macros(count: int) -> bytes:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le")
    return ole + b"\x01\x00\xb0\x00Attribut\x00e " * count
