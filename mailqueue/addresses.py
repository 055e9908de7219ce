"""Addresses as header fields and arguments write them, to addresses as SMTP sends them. Pure.

Works on bytes and never raises on them: what is no address is a `BadAddress`. Encoded words
(RFC 2047) are not decoded, and are one word: no comma in them makes a recipient.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

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


# A display name without an address: never a login.
_NAME = re.compile(r'"|=\?|\?=')


@dataclass(frozen=True, slots=True)
class BadAddress:
    """What stood where an address belongs, and why it is none: a part of a sentence."""

    text: str
    reason: str = "is no address"

    def __str__(self) -> str:
        return f"{self.text!r} {self.reason}"


def envelope_address(raw: bytes, host: str) -> str | BadAddress:
    """One address of an argument or of a list, without brackets; bare names get `@host`.

    Quoted local parts keep their quotes. The domain is in lower case: nobody is written to twice
    because of it.
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
        if _NAME.search(address):
            return BadAddress(bad.text, "is a name without an address")
        local, domain = address, host
    if len(local.encode()) > LONGEST_LOCAL or len(domain.encode()) > LONGEST_DOMAIN:
        return bad
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return bad
    if not domain.startswith("["):
        # As bytes: outside of ASCII, lower case is IDNA's affair.
        domain = domain.removesuffix(".").encode().lower().decode()
    return f"{local}@{domain}"


def listed(value: bytes) -> Iterator[bytes]:
    """The addresses in the value of an address field, as they stand; comments are left out.

    An empty group is nobody. What is no address comes out as it is, for `envelope_address` to
    refuse; empty elements are passed over (RFC 5322 §4.4).
    """
    words: list[bytes] = []
    bracketed: list[bytes] | None = None
    for token in _tokens(value):
        if bracketed is not None:
            if token.startswith(b">"):
                # A name may stand before the brackets; nothing after them counts.
                yield b"".join(bracketed)
                words, bracketed = [b""], None
            else:
                bracketed.append(token)
        elif token.startswith(b"<"):
            bracketed = [token[1:]]
        elif token.startswith((b",", b";")):
            yield from _ended(words)
            words = []
        elif token.startswith(b":"):  # what stood before it names a group
            words = []
        else:
            words.append(token)
    if bracketed is not None:
        yield b"<" + b"".join(bracketed)
    else:
        yield from _ended(words)


def _ended(words: list[bytes]) -> Iterator[bytes]:
    """An element without brackets: `user@host`, whose parts blanks may stand between."""
    if words and words[0] != b"":
        text = b" ".join(words)
        # Blanks may stand around dots and the at sign (RFC 5322 §4.4), not between words.
        for sign in (b"@", b"."):
            text = text.replace(b" " + sign, sign).replace(sign + b" ", sign)
        yield text


def _tokens(value: bytes) -> Iterator[bytes]:
    """Words, quoted strings and signs that structure a list; blanks and comments only part them."""
    place = 0
    while match := _TOKEN.match(value, place):
        place = match.end()
        text = match[1]
        if text is None:
            continue
        if text == b"(":
            end = _after_comment(value, place - 1)
            if end is None:
                # It would swallow recipients: let them be refused rather than lost.
                yield value[place - 1 :]
                return
            place = end
        else:
            yield text


# Blanks; an encoded word, in which signs structure nothing, even those that RFC 2047 §5 forbids;
# signs, those that mean the same in one; a quoted string with what is joined to it
# ("a b"@host), or a run without signs (a domain literal holds colons); brackets that open nothing.
# Nothing is tried twice: time and memory follow the length.
_TOKEN = re.compile(
    rb"[ \t]++|(=\?[^?\s]{1,40}\?[bBqQ]\?[^?]{0,500}\?=|[,;][,; \t]*+|:[: \t]*+|<++|>++|\("
    rb'|(?:"(?:[^"\\]++|\\.)*+"?|\[[^\[\]\s]{0,255}\]|[^ \t,:;<>("\[]++)++|\[++)',
    re.DOTALL,
)
_IN_COMMENT = re.compile(rb"[^()\\]++")


def _after_comment(value: bytes, place: int) -> int | None:
    """Where the comment that begins at `place` ends; None if it does not."""
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
        elif match := _IN_COMMENT.match(value, place):
            place = match.end() - 1
        place += 1
    return None
