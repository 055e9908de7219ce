"""HTML as a stream of text, tags and comments. Pure; linear, whatever it is given.

`html.parser` is left aside: what is not closed it reads again from each place, which takes
quadratic time. Here each letter is looked at a bounded number of times, and what is broken is text.
"""

import html
import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache

# Ours. The largest newsletters have some 4,000 tags.
MAX_TAGS = 8_000
MAX_TAG = 8_000
# A picture may stand in an attribute as data: its end is looked for this far.
MAX_VALUE = 1 << 17
# Ours. So many different entities are replaced one after the other, more in one walk.
FEW = 12

# Up to the first `>`, which may yet stand in a quoted value.
_TAG = re.compile(rf"<(/?)([a-zA-Z][a-zA-Z0-9:-]{{0,30}}+)([^>]{{0,{MAX_VALUE}}}+)>")
_NAME = re.compile(r"/?[a-zA-Z]")
_ATTRIBUTE = re.compile(
    r"""([^\s=/>"']{1,60})(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?""",
)
_END_OF_RAW = re.compile(r"</(?:script|style|title|textarea|noscript)\b", re.I)
_ENTITY = re.compile(
    r"&(?:#\d{1,7}(?!\d)|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z]{2,31}\d{0,2});?"
)
_RAW = frozenset({"script", "style", "title", "textarea"})
# A quoted value that is still open, by its quote.
_OPEN_VALUE = {quote: re.compile(rf"=\s{{0,5}}{quote}[^{quote}]*\Z") for quote in ('"', "'")}


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    OPEN = auto()
    CLOSE = auto()
    COMMENT = auto()
    RAW = auto()


# What it is, the name of its tag in lower case, and what it holds: text, attributes as they are
# written, a comment, or the content of a script or style sheet.
Token = tuple[Kind, str, str]
_TEXT, _OPEN, _CLOSE = Kind.TEXT, Kind.OPEN, Kind.CLOSE


def attributes(written: str) -> dict[str, str]:
    """The attributes of a tag, names in lower case, entities read; the first of a name counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(written):
        value = double or single or bare
        found.setdefault(name.lower(), unescaped(value) if "&" in value else value)
    return found


def unescaped(text: str) -> str:
    """Text with its entities read. Numbers of any length, which `int` refuses, stay as they are."""
    if "&" not in text:
        return text
    different = set(_ENTITY.findall(text))
    if len(different) > FEW or not all(written.endswith(";") for written in different):
        return _ENTITY.sub(_sign, text)
    signs = {written: _entity(written) for written in different}
    # What makes a new sign & comes last, and there must be only one.
    if sum("&" in sign for sign in signs.values()) > 1:
        return _ENTITY.sub(_sign, text)
    for written in sorted(signs, key=lambda written: "&" in signs[written]):
        text = text.replace(written, signs[written])
    return text


def _sign(match: re.Match[str]) -> str:
    return _entity(match[0])


@lru_cache(maxsize=1024)
def _entity(written: str) -> str:
    """What an entity stands for. Newsletters pad with the same few, by the hundred."""
    return html.unescape(written)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a page, at most `MAX_TAGS` signs `<`; the rest is left unread."""
    place, tags = 0, 0
    while tags < MAX_TAGS:
        start = text.find("<", place)
        if start < 0:
            yield _TEXT, "", text[place:]
            return
        if start > place:
            yield _TEXT, "", text[place:start]
        tags += 1
        match = _TAG.match(text, start)
        if match is None:
            if _NAME.match(text, start + 1):
                # It has no end.
                return
            found, place = _not_a_tag(text, start)
            if found is not None:
                yield found
            continue
        slash, name, written = match.groups()
        place = match.end()
        if '"' in written or "'" in written:
            later = _end_of_tag(text, place - 1, written)
            if later != place - 1:
                written, place = text[match.start(3) : later], later + 1
        name = name.lower()
        yield _CLOSE if slash else _OPEN, name, written
        if name in _RAW and not slash:
            closing = _END_OF_RAW.search(text, place)
            stop = closing.start() if closing else len(text)
            yield Kind.RAW, name, text[place:stop]
            place = stop


def _not_a_tag(text: str, start: int) -> tuple[Token | None, int]:
    """A comment, a declaration, or a sign that only looks like a tag; and where it ends."""
    if text.startswith("<!--", start):
        end = text.find("-->", start + 4)
        end = len(text) if end < 0 else end
        return (Kind.COMMENT, "", text[start + 4 : end]), end + 3
    if text.startswith(("<!", "<?"), start):
        end = text.find(">", start)
        return None, len(text) if end < 0 else end + 1
    return (_TEXT, "", "<"), start + 1


def _end_of_tag(text: str, end: int, inside: str) -> int:
    """Where a tag ends: at the first `>` that stands in no quoted value.

    `end` is the first of all, `inside` what stands before it.
    """
    for quote, is_open in _OPEN_VALUE.items():
        if inside.count(quote) % 2 and is_open.search(inside[-MAX_TAG:]):
            closing = text.find(quote, end, end + MAX_TAG)
            later = text.find(">", closing, closing + MAX_TAG) if closing >= 0 else -1
            return later if later >= 0 else end
    return end
