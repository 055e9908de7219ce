"""Addresses as header fields and arguments write them, to addresses as SMTP sends them. Pure.

Works on bytes and never raises on them: what is no address is a `BadAddress`. Encoded words
(RFC 2047) are not decoded first: a decoded comma must not make a recipient.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

LONGEST_LOCAL = 64  # RFC 5321 §4.5.3.1.1
LONGEST_DOMAIN = 255  # RFC 5321 §4.5.3.1.2
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
# Dots where RFC 5321 has none are in use (docomo), and harmless.
_DOTTED = rf"\.*{_ATOM}(?:\.+{_ATOM})*\.*"
_QUOTED = r'"[^"\\<>\x00-\x1f\x7f]+"'
_LOCAL = re.compile(f"{_DOTTED}|{_QUOTED}")
_SIGN = r"A-Za-z0-9_\u0080-\U0010ffff"
_LABEL = rf"[{_SIGN}](?:[{_SIGN}\-]*[{_SIGN}])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Za-z.:]+\]")


@dataclass(frozen=True, slots=True)
class BadAddress:
    """What stood where an address belongs."""

    text: str


def envelope_address(raw: bytes, host: str) -> str | BadAddress:
    """One address of an argument or of a list, without brackets; bare names get `@host`.

    Quoted local parts keep their quotes.
    """
    bad = BadAddress(raw[:80].decode("utf-8", "replace"))
    # Blanks only: a line end in an address is refused, not mended.
    text = raw.strip(b" \t")
    if text.startswith(b"<") and text.endswith(b">"):
        text = text[1:-1].strip(b" \t")
    # A source route: obsolete, ignored (RFC 5321 appendix C).
    if text.startswith(b"@") and b":" in text:
        text = text.partition(b":")[2]
    try:
        address = text.decode("utf-8")
    except UnicodeDecodeError:
        return bad
    if not address.isprintable():
        return bad
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, host
    if len(local.encode()) > LONGEST_LOCAL or len(domain.encode()) > LONGEST_DOMAIN:
        return bad
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return bad
    return f"{local}@{domain.removesuffix('.')}"


class _Sign(Enum):
    """The signs that structure an address list."""

    COMMA = auto()
    GROUP = auto()
    GROUP_END = auto()
    OPEN = auto()
    CLOSE = auto()


def listed(value: bytes) -> list[bytes]:
    """The addresses in the value of an address field, as they stand; comments are left out.

    An empty group is nobody. What is no address comes out as it is, for `envelope_address` to
    refuse; empty elements are passed over (RFC 5322 §4.4).
    """
    found: list[bytes] = []
    words: list[bytes] = []
    bracketed: list[bytes] | None = None
    for token in _tokens(value):
        if token is _Sign.OPEN:
            bracketed = []
        elif token is _Sign.CLOSE:
            if bracketed is not None:
                # A name may stand before the brackets; nothing after them counts.
                found.append(b"".join(bracketed))
                words, bracketed = [b""], None
        elif token is _Sign.GROUP and bracketed is None:
            words = []
        elif token in {_Sign.COMMA, _Sign.GROUP_END} and bracketed is None:
            _end(words, found)
            words = []
        else:
            text = token if isinstance(token, bytes) else _SIGNS[token]
            (words if bracketed is None else bracketed).append(text)
    if bracketed is not None:
        found.append(b"<" + b"".join(bracketed))
    _end(words, found)
    return found


_SIGNS = {_Sign.COMMA: b",", _Sign.GROUP: b":", _Sign.GROUP_END: b";"}


def _end(words: list[bytes], found: list[bytes]) -> None:
    """An element without brackets: `user@host`, whose parts blanks may stand between."""
    if words and words[0] != b"":
        text = b" ".join(words)
        # Blanks may stand around dots and the at sign (RFC 5322 §4.4), not between words.
        found.append(re.sub(rb" ?([@.]) ?", rb"\1", text))


def _tokens(value: bytes) -> list[bytes | _Sign]:
    """Words, quoted strings and signs; blanks and comments only part them."""
    tokens: list[bytes | _Sign] = []
    place = 0
    signs = {
        b",": _Sign.COMMA,
        b":": _Sign.GROUP,
        b";": _Sign.GROUP_END,
        b"<": _Sign.OPEN,
        b">": _Sign.CLOSE,
    }
    while place < len(value):
        sign = value[place : place + 1]
        if sign in signs:
            tokens.append(signs[sign])
            place += 1
        elif sign == b"(":
            place = _after_comment(value, place)
        elif sign.isspace():
            place += 1
        else:
            match = _WORD.match(value, place)
            end = match.end() if match else place + 1
            tokens.append(value[place:end])
            place = end
    return tokens


# A quoted string with what is joined to it ("a b"@host), or a run without signs; a domain literal
# holds colons.
_WORD = re.compile(rb'(?:"(?:[^"\\]|\\.)*"?|\[[^\]\s]{0,255}\]|[^\s,:;<>("\[]+)+', re.DOTALL)


def _after_comment(value: bytes, place: int) -> int:
    depth = 0
    while place < len(value):
        sign = value[place]
        if sign == 0x5C:  # a quoted pair
            place += 1
        elif sign == 0x28:
            depth += 1
        elif sign == 0x29:
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    return place
