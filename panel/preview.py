"""What a message shows of itself: headers, text, HTML and the names of attachments. Pure.

Everything in it was written by strangers, so all work is bounded: bytes, header fields, parts and
depth. What lies beyond a bound is not read, a broken structure becomes text, and nothing raises.
HTML comes back without the elements that load, lead or send; the policy of the page that shows it
forbids the rest.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from mailqueue.dsn import mime

# Ours: what a look needs. A message of the largest size is read to less than its half.
MAX_BYTES = 4 << 20
MAX_PARTS = 200
MAX_DEPTH = 10
MAX_HEAD_BYTES = 1 << 18
MAX_FIELDS = 300
MAX_VALUE = 4000
MAX_TEXT = 1 << 18
MAX_HTML = 1 << 20
MAX_NAME = 255

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
_PARAMETER = re.compile(
    r""";\s*([\w!#$%&'*+.^`{|}~-]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^;\s"]{0,2000}))"""
)
_EXTENDED = re.compile(r"(?:\*([0-9]{1,3}))?(\*)?")
# Elements that fetch something before any policy is asked (link: a name is looked up, a connection
# made), that lead elsewhere, send, or tell where relative addresses begin.
_ACTIVE = re.compile(
    r"<(/?)(a|area|applet|base|embed|fencedframe|form|frame|frameset|iframe|link|meta|object|"
    r"portal|script|math)(?=[\s/>])",
    re.IGNORECASE,
)
_CONTROLS = {
    number: "\N{REPLACEMENT CHARACTER}" for number in range(32) if chr(number) not in "\n\t"
}
# Categories of characters that are not seen, or turn the writing round, in the name of a file.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not shown: its name as its author gave it, or none, its type and size."""

    name: str
    type: str
    size_bytes: int


@dataclass(slots=True)
class Preview:
    """A message, taken apart. `is_cut` tells that only its beginning was read."""

    headers: list[tuple[str, str]]
    text: str = ""
    html: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """A leaf: its headers by name in small letters, its type with parameters, its raw content."""

    headers: Mapping[str, str]
    type: str
    parameters: Mapping[str, str]
    content: bytes


def take_apart(content: bytes) -> Preview:
    """What can be seen of a message, of which `MAX_BYTES` are read."""
    head, body = _split(content[:MAX_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    fields = _fields(head)
    preview = Preview(
        [(name, _clean(mime.decoded_header(value))[:MAX_VALUE]) for name, value in fields],
        is_cut=len(content) > MAX_BYTES or len(fields) == MAX_FIELDS,
    )
    texts: list[str] = []
    for part in _leaves(_by_name(fields), body, 0, [MAX_PARTS]):
        name = _file_name(part)
        is_shown = not name and not _disposition(part).startswith("attachment")
        if is_shown and part.type == "text/plain":
            texts.append(_text(part, MAX_TEXT))
        elif is_shown and part.type == "text/html" and not preview.html:
            preview.html = _ACTIVE.sub(r"<\1x-\2", _text(part, MAX_HTML))
        else:
            preview.attachments.append(Attachment(name, part.type, _size(part)))
    preview.text = "\n\n".join(texts)[:MAX_TEXT]
    return preview


def _split(data: bytes) -> tuple[bytes, bytes]:
    """The head, and what follows the first empty line."""
    if data.startswith(b"\n"):
        return b"", data[1:]
    head, _, body = data.partition(b"\n\n")
    return head[:MAX_HEAD_BYTES], body


def _fields(head: bytes) -> list[tuple[str, str]]:
    """The fields of a head in order, unfolded; lines that are none are left out."""
    raw: list[tuple[str, list[bytes]]] = []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t"):
            if raw:
                raw[-1][1].append(line)
            continue
        match = _FIELD.match(line)
        if match is None:
            continue
        if len(raw) == MAX_FIELDS:
            break
        raw.append((match[1].decode("ascii"), [match[2]]))
    return [(name, " ".join(mime.decoded(b" ".join(lines), "").split())) for name, lines in raw]


def _by_name(fields: list[tuple[str, str]]) -> dict[str, str]:
    """The first field of each name."""
    found: dict[str, str] = {}
    for name, value in fields:
        found.setdefault(name.lower(), value)
    return found


def _leaves(
    headers: Mapping[str, str], body: bytes, depth: int, room: list[int]
) -> Iterator[_Part]:
    """The leaves of a part in order, as long as there is room for parts."""
    if room[0] <= 0:
        return
    room[0] -= 1
    kind, parameters = _valued(headers.get("content-type", ""))
    if kind.startswith("multipart/") and depth < MAX_DEPTH:
        pieces = list(_pieces(body, parameters.get("boundary", ""), room[0]))
        for piece in pieces:
            head, inner = _split(piece)
            yield from _leaves(_by_name(_fields(head)), inner, depth + 1, room)
        if pieces:
            return
    if not re.fullmatch(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", kind, re.ASCII):
        kind = "text/plain"
    if kind.startswith("multipart/"):
        # Too deep, or without the boundary that it names: shown as it stands.
        kind = "text/plain"
    yield _Part(headers, kind, parameters, body)


def _pieces(body: bytes, boundary: str, room: int) -> Iterator[bytes]:
    """What stands between the lines of a boundary (RFC 2046 §5.1.1)."""
    if not boundary:
        return
    line = re.compile(
        rb"\n--" + re.escape(boundary[:200].encode("utf-8", "replace")) + rb"(--)?[ \t]*(?=\n|\Z)"
    )
    text = b"\n" + body
    start = None
    for found in line.finditer(text):
        if start is not None:
            yield text[start : found.start()]
            room -= 1
        if found[1] or room <= 0:
            return
        start = found.end() + 1
    if start is not None:
        # Never closed: a message that was cut off, or a careless author.
        yield text[start:]


def _valued(value: str) -> tuple[str, dict[str, str]]:
    """A field such as Content-Type: its value in small letters, and its parameters."""
    value = value[:8000]
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        text = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        found.setdefault(match[1].lower(), text)
    return value.partition(";")[0].strip().lower(), found


def _disposition(part: _Part) -> str:
    return _valued(part.headers.get("content-disposition", ""))[0]


def _file_name(part: _Part) -> str:
    """The name that the author gave a part, without what cannot be seen; empty if none."""
    disposition = _valued(part.headers.get("content-disposition", ""))[1]
    for parameters, key in ((disposition, "filename"), (part.parameters, "name")):
        name = _extended(parameters, key) or mime.decoded_header(parameters.get(key, ""))
        seen = "".join(sign for sign in _clean(name) if unicodedata.category(sign) not in _UNSEEN)
        if seen.strip():
            return seen.strip()[:MAX_NAME]
    return ""


def _extended(parameters: Mapping[str, str], key: str) -> str:
    """A parameter with a charset, in pieces, or both (RFC 2231)."""
    pieces = []
    for name, value in parameters.items():
        match = _EXTENDED.fullmatch(name.removeprefix(key)) if name.startswith(key) else None
        if match and name != key:
            pieces.append((int(match[1] or 0), bool(match[2]), value))
    charset, joined = "", b""
    for number, is_encoded, value in sorted(pieces):
        if is_encoded and number == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        joined += unquote_to_bytes(value) if is_encoded else value.encode("utf-8", "replace")
    return mime.decoded(joined, charset)


def _encoding(part: _Part) -> str:
    return part.headers.get("content-transfer-encoding", "").strip().lower()


def _text(part: _Part, limit: int) -> str:
    # Base64 takes a third more than it says, quoted-printable three times as much.
    content = mime.transferred(_encoding(part), part.content[: 3 * limit])[:limit]
    text = mime.decoded(content, part.parameters.get("charset", ""))
    return _clean(text.replace("\r\n", "\n").replace("\r", "\n"))


def _size(part: _Part) -> int:
    encoding = _encoding(part)
    if encoding == "base64":
        return len(part.content.translate(None, b"\n\t =")) * 3 // 4
    return len(mime.transferred(encoding, part.content))


def _clean(text: str) -> str:
    """Text that UTF-8 can write, without control characters."""
    return text.encode("utf-8", "replace").decode("utf-8").translate(_CONTROLS)
