"""HTML as a stream of text, tags and comments. Pure; linear, whatever it is given.

`html.parser` is left aside: what is not closed it reads again from each place, which takes
quadratic time. Here each letter is looked at a bounded number of times, and what is broken is text.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Ours. The largest newsletters have some 4,000 tags.
MAX_TAGS = 8_000
MAX_TAG = 8_000
# A picture may stand in an attribute as data: its end is looked for this far.
MAX_VALUE = 1 << 17

_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_ATTRIBUTE = re.compile(
    r"""([^\s=/>"']{1,60})(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?""",
)
_END_OF_RAW = re.compile(r"</(?:script|style|title|textarea|noscript)\b", re.I)
_ENTITY = re.compile(
    r"&(?:#\d{1,7}(?!\d)|#[xX][0-9a-fA-F]{1,6}(?![0-9a-fA-F])|[a-zA-Z]{2,31}\d{0,2});?"
)
_RAW = frozenset({"script", "style", "title", "textarea"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its name in lower case, whether it closes, and its attributes as written."""

    name: str
    is_end: bool
    written: str

    def attributes(self) -> dict[str, str]:
        """Its attributes, names in lower case, entities read; the first of a name counts."""
        found: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(self.written):
            value = match[2] or match[3] or match[4] or ""
            found.setdefault(match[1].lower(), unescaped(value) if "&" in value else value)
        return found


@dataclass(frozen=True, slots=True)
class Comment:
    """What stands in a comment."""

    text: str


@dataclass(frozen=True, slots=True)
class Raw:
    """The content of a script or style sheet."""

    name: str
    text: str


Token = str | Tag | Comment | Raw


def unescaped(text: str) -> str:
    """Text with its entities read. Numbers of any length, which `int` refuses, stay as they are."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a page, at most `MAX_TAGS` signs `<`; the rest is left unread."""
    place, tags = 0, 0
    while tags < MAX_TAGS:
        start = text.find("<", place)
        if start < 0:
            yield text[place:]
            return
        if start > place:
            yield text[place:start]
        match = _NAME.match(text, start + 1)
        tags += 1
        if match is None:
            found, place = _not_a_tag(text, start)
            if found is not None:
                yield found
            continue
        end = _end_of_tag(text, start)
        if end < 0:
            return
        name = match[1].lower()
        is_end = text[start + 1] == "/"
        yield Tag(name, is_end, text[match.end() : end])
        place = end + 1
        if name in _RAW and not is_end:
            closing = _END_OF_RAW.search(text, place)
            stop = closing.start() if closing else len(text)
            yield Raw(name, text[place:stop])
            place = stop


def _not_a_tag(text: str, start: int) -> tuple[Token | None, int]:
    """A comment, a declaration, or a sign that only looks like a tag; and where it ends."""
    if text.startswith("<!--", start):
        end = text.find("-->", start + 4)
        end = len(text) if end < 0 else end
        return Comment(text[start + 4 : end]), end + 3
    if text.startswith(("<!", "<?"), start):
        end = text.find(">", start)
        return None, len(text) if end < 0 else end + 1
    return "<", start + 1


def _end_of_tag(text: str, start: int) -> int:
    """Where a tag ends: at the first `>` that stands in no quoted value; -1 if nowhere."""
    end = text.find(">", start, start + MAX_VALUE)
    if end < 0:
        return -1
    inside = text[start:end]
    for quote in ('"', "'"):
        if inside.count(quote) % 2 and re.search(
            rf"=\s{{0,5}}{quote}[^{quote}]*\Z", inside[-MAX_TAG:]
        ):
            closing = text.find(quote, end, end + MAX_TAG)
            later = text.find(">", closing, closing + MAX_TAG) if closing >= 0 else -1
            return later if later >= 0 else end
    return end
