"""Header values as people read them: encoded words decoded, control characters replaced. Pure.

Python's `decode_header` is not asked: it looks up whatever name a stranger gives a charset, and the
codec registry remembers each for ever. Ours knows the charsets that mail is written in.
"""

import binascii
import codecs
import re

LONGEST = 255
# RFC 2047 §2; a language may follow the charset (RFC 2231 §5).
_WORD = re.compile(r"=\?([A-Za-z0-9_-]{1,40})(?:\*[A-Za-z0-9-]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_CHARSETS = re.compile(
    r"us-ascii|utf-?8|iso-8859-(?:[1-9]|1[013456])|latin1|windows-125[0-8]|cp1252|koi8-[ru]|"
    r"iso-2022-jp|shift_jis|euc-jp|gb2312|gbk|gb18030|big5|euc-kr|tis-620"
)


def shown(value: bytes, limit: int = LONGEST) -> str:
    """A field's value for people, cut; what cannot be decoded is shown as it stands.

    Bytes that are no UTF-8 are taken for Windows' Latin 1, as scripts write it.
    """
    text = _decoded(_text(value, limit * 16))
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:limit]


def _text(value: bytes, most: int) -> str:
    begin = value[:most]
    try:
        # A sign that the cut went through is left out.
        return codecs.utf_8_decode(begin, "strict", len(value) <= most)[0]
    except UnicodeDecodeError:
        return begin.decode("cp1252", "replace")


def _decoded(text: str) -> str:
    """The text with its encoded words decoded.

    Blanks between two of them count for nothing (RFC 2047 §6.2), and a sign may be divided among
    two, against §5: so words of one charset are decoded together.
    """
    done: list[str] = []
    pending, charset = b"", ""
    place = 0
    for match in _WORD.finditer(text):
        raw = _content(match[2], match[3])
        name = match[1].lower()
        if raw is None or not _CHARSETS.fullmatch(name):
            continue
        between = text[place : match.start()]
        if charset and (name != charset or between.strip()):
            done.append(pending.decode(charset, "replace"))
            pending = b""
        if not charset or between.strip():
            done.append(between)
        pending, charset, place = pending + raw, name, match.end()
    if charset:
        done.append(pending.decode(charset, "replace"))
    return "".join([*done, text[place:]])


def _content(encoding: str, text: str) -> bytes | None:
    """The bytes of an encoded word; None if they cannot be read."""
    try:
        if encoding in "qQ":
            return binascii.a2b_qp(text.encode("ascii"), header=True)
        return binascii.a2b_base64(text.encode("ascii") + b"==")
    except ValueError:
        return None
