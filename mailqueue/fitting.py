"""Lines over 998 bytes, brought down to size, or said to be impossible. Pure.

Owns what may be changed for it: fields are folded, parts of text become quoted-printable, Base64 is
broken anew. What people read stays the same; what is signed, and what is neither text nor Base64,
is not touched.
"""

import binascii
import re

from mailqueue.headers import Field, Parsed, Problem, parse

# RFC 5322 §2.1.1, without the line end.
LONGEST_LINE = 998
# RFC 2045 §6.8.
LONGEST_BASE64 = 76
# Parts in parts: a picture in HTML with an attachment needs three. Ours.
DEEPEST = 8
# Ours: more are no mail but work for us.
MOST_PARTS = 1000
_BLANK = (b" ", b"\t")
# To change a part would break the signature; a digest's are messages, if they do not say.
_UNTOUCHED = (b"multipart/signed", b"multipart/encrypted", b"multipart/digest")
_LISTS = frozenset({b"to", b"cc", b"from", b"reply-to", b"resent-to", b"resent-cc", b"resent-from"})
_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]*+")


def fit_lines(message: Parsed) -> Problem | None:
    """Bring the lines of a message down to 998 bytes (RFC 5322 §2.1.1), or say why it cannot be."""
    before = message.body
    problem = _fit(message, DEEPEST)
    if message.body is not before and not message.values(b"mime-version"):
        message.fields.append(Field(b"mime-version", b"MIME-Version: 1.0"))
    return problem


def _fit(part: Parsed, depth: int) -> Problem | None:
    """Bring a message, or a part of one, down to size."""
    for item in part.fields:
        if not _fold(item):
            name = item.name.decode("ascii")
            return Problem(f"header field {name} has a line that is too long, without a blank")
    if not _has_long_line(part.body):
        return None
    kind = (part.values(b"content-type") or [b"text/plain"])[0].lower()
    encoding = (part.values(b"content-transfer-encoding") or [b"7bit"])[0].lower()
    if encoding == b"base64" and _BASE64.fullmatch(part.body):
        part.body = _as_base64(part.body)
        return None
    if encoding in {b"7bit", b"8bit", b"binary"}:
        if kind.startswith(b"text/"):
            _quote(part)
            return None
        if kind.startswith(b"multipart/") and not kind.startswith(_UNTOUCHED) and depth:
            return _fit_parts(part, depth - 1)
    return Problem(f"a line of the body is longer than {LONGEST_LINE} bytes")


def _quote(part: Parsed) -> None:
    """Make a text quoted-printable."""
    if not part.values(b"content-type") and not part.body.isascii():
        # Nothing said so far what the bytes mean; beyond ASCII something must (RFC 2045 §5.2).
        charset = b"utf-8" if _is_utf8(part.body) else b"iso-8859-1"
        line = b"Content-Type: text/plain; charset=" + charset
        part.fields.append(Field(b"content-type", line))
    part.body = binascii.b2a_qp(part.body, istext=True)
    name = b"content-transfer-encoding"
    part.fields = [item for item in part.fields if item.name != name]
    part.fields.append(Field(name, b"Content-Transfer-Encoding: quoted-printable"))


def _fit_parts(whole: Parsed, depth: int) -> Problem | None:
    """Bring the parts of a multipart body down to size; those that are, stay as they are."""
    found = _BOUNDARY.search(whole.values(b"content-type")[0])
    if found is None:
        return Problem("the parts of the body have no boundary")
    # The line end before a delimiter belongs to it (RFC 2046 §5.1.1), the one after it not here.
    mark = re.escape(found[1] or found[2])
    text = b"\n" + whole.body
    pieces: list[bytes] = []
    place = 0
    for match in re.finditer(rb"\n--" + mark + rb"(?:--)?[ \t]*(?=\n|\Z)", text):
        pieces += (text[place : match.start()], match[0])
        place = match.end()
        if len(pieces) > 2 * MOST_PARTS:
            return Problem("the body has too many parts")
    pieces.append(text[place:])
    # Delimiters stand between the preamble, the parts, and what follows the last.
    for number in range(0, len(pieces), 2):
        if not _has_long_line(pieces[number]):
            continue
        if number in {0, len(pieces) - 1}:
            return Problem(f"a line outside of the parts is longer than {LONGEST_LINE} bytes")
        part = parse(pieces[number][1:])
        problem = part if isinstance(part, Problem) else _fit(part, depth)
        if isinstance(part, Problem) or problem is not None:
            return problem
        head = b"".join(item.lines + b"\n" for item in part.fields)
        pieces[number] = b"\n" + head + b"\n" + part.body
    whole.body = b"".join(pieces)[1:]
    return None


def _as_base64(body: bytes) -> bytes:
    """The same Base64 in short lines; its line end stays, or stays away."""
    signs = b"".join(body.split())
    lines = [signs[n : n + LONGEST_BASE64] for n in range(0, len(signs), LONGEST_BASE64)]
    return b"\n".join(lines) + (b"\n" if body.endswith(b"\n") else b"")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fold(item: Field) -> bool:
    """Fold the lines of a field that are too long; whether that is enough."""
    if len(item.lines) <= LONGEST_LINE:
        return True
    lines = b"\n".join(_folded(line) for line in item.lines.split(b"\n"))
    if _has_long_line(lines) and item.name in _LISTS and not re.search(rb'["(]', lines):
        # Between addresses a blank means nothing.
        spaced = re.sub(rb",(?=\S)", b", ", item.lines)
        lines = b"\n".join(_folded(line) for line in spaced.split(b"\n"))
    if _has_long_line(lines):
        return False
    item.lines = lines
    return True


def _has_long_line(text: bytes) -> bool:
    """Whether a line is too long. Jumps from line end to line end: there may be millions."""
    begin = 0
    while len(text) - begin > LONGEST_LINE:
        end = text.rfind(b"\n", begin, begin + LONGEST_LINE + 1)
        if end < 0:
            return True
        begin = end + 1
    return False


def _folded(line: bytes) -> bytes:
    """A header line, broken before blanks so that no piece is too long, where that is possible."""
    if len(line) > LONGEST_LINE:
        # A last piece of blanks alone would end the header for some; an empty one, for all.
        line = line.rstrip(b" \t") or b" "
    pieces: list[bytes] = []
    begin = 0
    while len(line) - begin > LONGEST_LINE:
        place = max(line.rfind(blank, begin + 1, begin + LONGEST_LINE + 1) for blank in _BLANK)
        # Not before the first word: a line of blanks alone would end the header for some.
        if place < 0 or not line[begin:place].strip():
            break
        pieces.append(line[begin:place])
        begin = place
    return b"\n".join([*pieces, line[begin:]])
