"""A message as a flat list of its leaves, undecoded until asked for. Pure; linear; bounded.

`dsn.mime` reads the front of a report for its words. Screening looks at attachments too, up to the
whole of a message, so leaves here are places in the message, and nothing is copied to find them.
What codes and charsets mean is shared with `dsn.mime`.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mailqueue.dsn.mime import decoded, decoded_header, transferred

# Ours. Honest mail: seven levels in a forwarded digest, some dozens of leaves.
MAX_LEAVES = 300
MAX_DEPTH = 12
MAX_HEADER_BYTES = 1 << 16
MAX_HEADERS = 400
MAX_VALUE = 1 << 13
# How far two boundaries are looked for in one message: each costs one walk over its part.
MAX_WALKS = 64

_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:")
_PARAMETER = re.compile(
    r';\s{0,9}([a-z][a-z0-9-]{0,30})(?:\*\d{0,2}\*?)?\s{0,9}=\s{0,9}(?:"([^"]{0,1000})"|([^;"\s]{1,1000}))',
    re.I,
)
_PERCENT = re.compile(r"%([0-9a-f]{2})", re.I)


class Header(NamedTuple):
    """A header field: its name in lower case, its value unfolded, as bytes."""

    name: str
    value: bytes

    @property
    def text(self) -> str:
        """Its value in one line, with encoded words read (RFC 2047)."""
        return decoded_header(" ".join(decoded(self.value[:MAX_VALUE], "").split()))

    @property
    def spaced(self) -> str:
        """The same with its blanks as they were written."""
        return decoded_header(decoded(self.value[:MAX_VALUE], ""))


class Leaf(NamedTuple):
    """One part that has no parts: where its content stands, and what its headers say of it.

    `is_within` says that it belongs to a message that is attached, not to this one.
    """

    kind: str
    charset: str
    encoding: str
    disposition: str
    name: str
    is_within: bool
    start: int
    end: int

    @property
    def is_attached(self) -> bool:
        """Whether a reader sees it as a file beside the text."""
        if self.disposition == "attachment":
            return True
        return bool(self.name) or not self.kind.startswith("text/")


@dataclass(slots=True)
class Message:
    """A message taken apart.

    `is_cut` says that bounds left parts unread; `flaws` names what is wrong with its structure.
    """

    data: bytes
    headers: list[Header]
    leaves: list[Leaf] = field(default_factory=list)
    flaws: set[str] = field(default_factory=set)
    is_cut: bool = False

    def raw(self, leaf: Leaf, limit: int) -> bytes:
        """The first bytes of a leaf as they stand, at most `limit`."""
        return self.data[leaf.start : min(leaf.end, leaf.start + limit)]

    def content(self, leaf: Leaf, limit: int) -> bytes:
        """The first bytes of a leaf's content with its transfer encoding undone."""
        if leaf.encoding == "base64":
            return _from_base64(self.raw(leaf, limit * 3 // 2 + 4))[:limit]
        if leaf.encoding == "quoted-printable":
            return transferred("quoted-printable", self.raw(leaf, 3 * limit))[:limit]
        return self.raw(leaf, limit)

    def size(self, leaf: Leaf) -> int:
        """How many bytes the content of a leaf has, without decoding it; padding counts."""
        length = leaf.end - leaf.start
        if leaf.encoding != "base64":
            return length
        ends = sum(self.data.count(sign, leaf.start, leaf.end) for sign in (b"\r", b"\n"))
        return (length - ends) * 3 // 4

    def text(self, leaf: Leaf, limit: int) -> str:
        """The first `limit` bytes of a leaf as text, lines ended with LF."""
        data = self.content(leaf, limit).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return decoded(data.replace(b"\0", b""), leaf.charset)


def take_apart(data: bytes) -> Message:
    """The headers of a message and its leaves in order. Never raises."""
    headers, body = _head(data, 0, len(data))
    message = Message(data, headers)
    walk = _Walk(message)
    for leaf in walk.leaves(headers, body, len(data), 0, False):
        if len(message.leaves) >= MAX_LEAVES:
            message.is_cut = True
            break
        message.leaves.append(leaf)
    return message


@dataclass(slots=True)
class _Walk:
    message: Message
    walks: int = 0

    def leaves(
        self, headers: list[Header], start: int, end: int, depth: int, is_within: bool
    ) -> Iterator[Leaf]:
        kind, parameters = _content_type(headers)
        encoding = _value(headers, "content-transfer-encoding").lower()
        if depth >= MAX_DEPTH and kind.startswith(("multipart/", "message/rfc822")):
            self.message.is_cut = True
        elif kind.startswith("multipart/"):
            if encoding in ("base64", "quoted-printable"):
                # RFC 2045 §6.4.
                self.message.flaws.add("encoded-multipart")
            mark = b"--" + parameters.get("boundary", "").encode("utf-8", "replace")
            if mark != b"--" and self.walks < MAX_WALKS:
                self.walks += 1
                found = False
                for first, last in _pieces(self.message.data, mark, start, end):
                    found = True
                    inner, content = _head(self.message.data, first, last)
                    yield from self.leaves(inner, content, last, depth + 1, is_within)
                if found:
                    return
            elif mark != b"--":
                self.message.is_cut = True
            self.message.flaws.add("no-boundary")
            kind = "text/plain"
        elif kind == "message/rfc822" and encoding not in ("base64", "quoted-printable"):
            inner, content = _head(self.message.data, start, end)
            yield from self.leaves(inner, content, end, depth + 1, True)
            return
        yield _leaf(kind, parameters, encoding, headers, start, end, is_within)


def _pieces(data: bytes, mark: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the parts between boundary lines begin and end."""
    place, begun = start, -1
    line = b"\n" + mark
    while True:
        if place == start and data.startswith(mark, start):
            found = start
        else:
            # One byte back: the line end before a boundary may be that of the boundary before it.
            found = data.find(line, max(start, place - 1), end) + 1
        if found <= 0:
            break
        place = found + len(mark)
        line_end = data.find(b"\n", place, end)
        line_end = end if line_end < 0 else line_end
        rest = data[place : min(line_end, place + 80)].strip()
        place = max(place, line_end)
        if rest not in (b"", b"--"):
            # Longer than the mark: a boundary inside that begins alike.
            continue
        if begun >= 0:
            yield begun, max(begun, found - 1)
        begun = line_end + 1
        if rest == b"--":
            return
    if 0 <= begun < end:
        yield begun, end


def _head(data: bytes, start: int, end: int) -> tuple[list[Header], int]:
    """The header fields that stand at a place, and where the body begins."""
    if data.startswith((b"\n", b"\r\n"), start):
        return [], data.find(b"\n", start) + 1
    most = min(end, start + MAX_HEADER_BYTES)
    stop = data.find(b"\n\r\n", start, most)
    bare = data.find(b"\n\n", start, stop if stop >= 0 else most)
    stop, body = (bare, bare + 2) if bare >= 0 else (stop, stop + 3) if stop >= 0 else (most, most)
    headers = _fields(data[start:stop])
    if not headers:
        # What has no field at all is no head, but text.
        return [], start
    return headers, body


def _fields(head: bytes) -> list[Header]:
    headers: list[Header] = []
    name, value = "", [b""]
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and name:
            value.append(line.strip())
            continue
        if name:
            headers.append(Header(name, b" ".join(value)))
        match = _FIELD.match(line)
        if match is None or len(headers) >= MAX_HEADERS:
            name = ""
            continue
        name, value = match[1].decode("ascii").lower(), [line[match.end() :].strip()]
    if name:
        headers.append(Header(name, b" ".join(value)))
    return headers


def _from_base64(letters: bytes) -> bytes:
    """What Base64 stands for. Whole lines are decoded at once, broken ones letter by letter."""
    letters = letters.translate(None, b"\r\n\t ")
    try:
        return binascii.a2b_base64(letters[: len(letters) // 4 * 4], strict_mode=True)
    except binascii.Error:
        return transferred("base64", letters)


def _value(headers: list[Header], name: str) -> str:
    return next((h.value[:MAX_VALUE].decode("latin-1") for h in headers if h.name == name), "")


def _content_type(headers: list[Header]) -> tuple[str, dict[str, str]]:
    value = _value(headers, "content-type")
    kind = value.partition(";")[0].strip().lower()
    return kind if "/" in kind else "text/plain", _parameters(value)


def _parameters(value: str) -> dict[str, str]:
    """The parameters of a field; those in pieces (RFC 2231 §3) are put together."""
    found: dict[str, str] = {}
    if ";" not in value:
        return found
    for match in _PARAMETER.finditer(value):
        name = match[1].lower()
        found[name] = found.get(name, "") + (match[2] or match[3] or "")
    return found


def _leaf(
    kind: str,
    parameters: dict[str, str],
    encoding: str,
    headers: list[Header],
    start: int,
    end: int,
    is_within: bool,
) -> Leaf:
    disposition = _value(headers, "content-disposition")
    name = _parameters(disposition).get("filename", "") or parameters.get("name", "")
    return Leaf(
        kind=kind,
        charset=parameters.get("charset", ""),
        encoding=encoding.partition(";")[0].strip(),
        disposition=disposition.partition(";")[0].strip().lower(),
        name=_file_name(name),
        is_within=is_within,
        start=start,
        end=max(start, end),
    )


def _file_name(raw: str) -> str:
    if not raw:
        return ""
    if "''" in raw[:40]:
        # charset'language'percent-encoded (RFC 2231 §4).
        raw = raw.rpartition("''")[2]
        raw = _PERCENT.sub(lambda match: chr(int(match[1], 16)), raw)
    return decoded_header(decoded(raw.encode("latin-1", "replace"), "")).strip()
