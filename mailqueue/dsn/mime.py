"""A message as a flat list of decoded parts, within bounds. Pure.

The standard library's parser is left aside: it is built for whole messages, recurses into what
it finds, and has been slow on crafted ones. A report is read for its words, which stand at its
front, so everything here is bounded: bytes, header lines, parts and depth. What is beyond a
bound is not read; a broken structure becomes text.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Ours. A report says why within its first kilobytes; what follows is the message it returns.
MAX_BYTES = 1 << 20
MAX_PARTS = 64
MAX_DEPTH = 6
MAX_HEADER_BYTES = 1 << 16
MAX_HEADERS = 300
# A part decoded to text: notes are far shorter.
MAX_TEXT = 1 << 18

# Types that hold the returned message, or its headers (RFC 3462, RFC 6533, RFC 2046 §5.2.2).
RETURNED = frozenset(
    {
        "message/rfc822",
        "message/rfc822-headers",
        "text/rfc822-headers",
        "text/rfc822",
        "message/global",
        "message/global-headers",
        "message/partial",
    }
)

# Only codecs that decode bytes to text in linear time: no `idna`, `punycode`, `zip`, `rot13`.
_CODECS = {
    "ascii": "latin-1",
    "us-ascii": "latin-1",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "utf-7": "utf-7",
    "utf-16": "utf-16",
    "iso-2022-jp": "iso2022_jp_2",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "cp932": "cp932",
    "euc-jp": "euc_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-2022-kr": "iso2022_kr",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "latin1": "latin-1",
    **{f"iso-8859-{n}": f"iso8859_{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-{n}": f"cp{n}" for n in range(1250, 1259)},
    **{f"cp{n}": f"cp{n}" for n in range(1250, 1259)},
}

_HEADER = re.compile(rb"([!-9;-~]{1,80})[ \t]?:(.*)", re.DOTALL)
_PARAMETER = re.compile(
    r'(boundary|charset|report-type) ?= ?(?:"([^"]{0,250})"|([^;"\s]{1,250}))', re.I
)
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bq])\?([^?\s]*)\?=", re.I)
_BETWEEN_WORDS = re.compile(r"\?=\s{1,4}=\?")
_TAG = re.compile(r"<(/?[a-zA-Z][^<>]*|![^<>]*)>")
_LINE_TAG = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table)\b[^<>]*>", re.I)
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,8}\d{0,2});", re.I)


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a message: its type, its headers and its content as text.

    `parameters` are those of Content-Type that matter here: charset, boundary, report-type.
    """

    type: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    text: str

    @property
    def is_returned(self) -> bool:
        """Whether it is the returned message, or its headers."""
        return self.type in RETURNED


def take_apart(message: bytes) -> tuple[dict[str, str], list[Part]]:
    """The headers of a message and its leaves in order; a returned message is one leaf.

    Header names are lower case; the first of several headers of one name is kept. Reads
    `MAX_BYTES` of the message, `MAX_PARTS` parts and `MAX_DEPTH` levels.
    """
    headers, body = _split(_plain_lines(message[:MAX_BYTES]))
    return headers, list(_leaves(headers, body, 0, [MAX_PARTS]))


def headers_of(text: str) -> dict[str, str]:
    """The headers at the start of a returned message, as a part holds it."""
    return _split(text.lstrip("\n")[:MAX_HEADER_BYTES].encode("utf-8", "replace"))[0]


def decoded_header(value: str) -> str:
    """A header with its encoded words read (RFC 2047)."""
    if "=?" not in value:
        return value
    return _ENCODED_WORD.sub(_decoded_word, _BETWEEN_WORDS.sub("?==?", value))


def _plain_lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"")


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    """Headers, and what follows the first empty line. Headers may be missing."""
    if data.startswith(b"\n"):
        return {}, data[1:]
    head, found, body = data.partition(b"\n\n")
    headers = _headers(head[:MAX_HEADER_BYTES])
    # What has no header at all is not a head, but text.
    return (headers, body) if headers or not found else ({}, data)


def _headers(head: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    name, value = "", []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            value.append(line)
            continue
        if name:
            headers.setdefault(name, _header_text(b" ".join(value)))
        match = _HEADER.match(line)
        if match is None or len(headers) >= MAX_HEADERS:
            name, value = "", []
            continue
        name, value = match[1].decode("ascii").lower(), [match[2]]
    if name:
        headers.setdefault(name, _header_text(b" ".join(value)))
    return headers


def _header_text(value: bytes) -> str:
    return " ".join(decoded(value, "").split())


def _leaves(headers: Mapping[str, str], body: bytes, depth: int, room: list[int]) -> Iterator[Part]:
    kind, parameters = _content_type(headers)
    if kind.startswith("multipart/") and depth < MAX_DEPTH:
        pieces = _pieces(body, parameters.get("boundary", ""), room[0])
        if pieces:
            yield from _each(pieces, depth, room)
            return
    if room[0] <= 0:
        return
    room[0] -= 1
    if kind.startswith("multipart/"):
        kind = "text/plain"
    yield Part(kind, parameters, headers, _text(kind, parameters, headers, body))


def _each(pieces: list[bytes], depth: int, room: list[int]) -> Iterator[Part]:
    for piece in pieces:
        if room[0] <= 0:
            return
        yield from _leaves(*_split(piece), depth + 1, room)


def _content_type(headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    value = headers.get("content-type", "text/plain")
    kind = value.partition(";")[0].strip().lower() or "text/plain"
    found = {m[1].lower(): m[2] or m[3] or "" for m in _PARAMETER.finditer(value)}
    return kind, found


def _pieces(body: bytes, boundary: str, room: int) -> list[bytes]:
    """The parts between the boundaries; a boundary that was named wrong is looked for."""
    mark = b"\n--" + boundary.encode("utf-8", "replace")
    text = b"\n" + body
    if not boundary or mark not in text:
        mark = _likely_mark(text)
        if not mark:
            return []
    pieces: list[bytes] = []
    for piece in text.split(mark, room + 1)[1:]:
        if piece.startswith(b"--"):
            # The closing boundary. Some servers put the report after it.
            piece = piece[2:]
            if not piece.strip():
                continue
        line, _, rest = piece.partition(b"\n")
        if line.strip():
            # Longer than the mark: the boundary of a multipart inside that begins alike.
            if pieces:
                pieces[-1] += mark + piece
            continue
        pieces.append(rest)
    return pieces


def _likely_mark(text: bytes) -> bytes:
    """A line `--…` right before a Content-Type: the boundary really used."""
    found = re.search(rb"\n(--[^\s]{1,200})[ \t]?\ncontent-", text[:MAX_HEADER_BYTES], re.I)
    return b"\n" + found[1] if found else b""


def _text(kind: str, parameters: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> str:
    if kind.startswith(("image/", "audio/", "video/", "application/pdf", "application/zip")):
        return ""
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    data = transferred(encoding, body[: 2 * MAX_TEXT])[:MAX_TEXT]
    text = decoded(_plain_lines(data), parameters.get("charset", ""))
    return _without_tags(text) if kind == "text/html" else text


def transferred(encoding: str, body: bytes) -> bytes:
    """The bytes that a transfer encoding stands for; an unknown one stands for itself."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        if len(letters) % 4 == 1:
            # No byte has a single letter: the text was cut off in the middle.
            letters = letters[:-1]
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))
    return body


def decoded(data: bytes, charset: str) -> str:
    """Bytes as text, whatever `charset` claims; what cannot be read becomes U+FFFD.

    Note: UTF-7 can make lone surrogates, which UTF-8 cannot write.
    """
    if b"\x1b$" in data or b"\x1b(" in data:
        # Japanese notes are often ISO-2022-JP whatever their headers say.
        return data.decode("iso2022_jp_2", "replace")
    codec = _CODECS.get(charset.strip().lower(), "")
    if codec in ("", "latin-1"):
        # Undeclared, or declared as ASCII: mostly UTF-8, else one byte a letter.
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            codec = "cp1252"
    return data.decode(codec, "replace")


def _decoded_word(match: re.Match[str]) -> str:
    charset, form, text = match.groups()
    charset = charset.partition("*")[0]
    if form in "bB":
        return decoded(transferred("base64", text.encode("ascii", "replace")), charset)
    raw = binascii.a2b_qp(text.replace("_", " ").encode("ascii", "replace"), header=False)
    return decoded(raw, charset)


def _without_tags(text: str) -> str:
    plain = _TAG.sub(" ", _LINE_TAG.sub("\n", text))
    return _ENTITY.sub(lambda match: html.unescape(match[0]), plain)
