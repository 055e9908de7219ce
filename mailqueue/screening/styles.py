"""The few properties of CSS that decide whether text can be read. Pure; linear; bounded.

Not a cascade: rules for media (dark mode, small screens) are left aside, and where a selector needs
more than one element to be told, the colour counts as unknown. Unknown colours are never judged.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mailqueue.screening.colours import Colour, colour

# Ours.
MAX_SHEET = 1 << 17
MAX_RULES = 1500
MAX_SELECTORS = 20
# Rules of one key.
MAX_ALIKE = 4
MAX_DECLARATIONS = 40
# What is longer is not kept in memory for the next page.
SHORT = 400

_SIMPLE = re.compile(r"([a-z][a-z0-9]{0,15})?([.#][\w-]{1,80})?\Z")
_LAST = re.compile(r"[\s>+~]([^\s>+~]{1,100})\Z")
_ZERO = re.compile(r"0(?:\.0{1,4})?\s?(?:px|pt|em|rem|%)?\s?(?:!important)?\Z")
_FAR = re.compile(r"-\d{4,}")
_SHORT_SIZE = re.compile(r"(\d{1,4}(?:\.\d{1,3})?(?:px|pt|em|rem|%))")


@dataclass(frozen=True, slots=True)
class Style:
    """What one rule declares; a colour that was declared and cannot be known is None."""

    has_colour: bool = False
    colour: Colour | None = None
    has_background: bool = False
    background: Colour | None = None
    size: str = ""
    is_hidden: bool = False

    def unknown(self) -> "Style":
        """The same where it cannot be told which elements it is for."""
        return Style(self.has_colour, None, self.has_background, None, "", False)


NOTHING = Style()


@dataclass(slots=True)
class Sheet:
    """The rules of a page: by tag, `.class` or `#id`, each with the tag it is limited to."""

    rules: dict[str, list[tuple[str, Style]]] = field(default_factory=dict)

    def of(self, tag: str, attributes: Mapping[str, str]) -> Sequence[Style]:
        """The styles of an element, the weakest first."""
        if not self.rules:
            return ()
        names = [tag]
        if "class" in attributes:
            names += [f".{name}" for name in attributes["class"].lower().split()[:3]]
        if "id" in attributes:
            names.append(f"#{attributes['id'].lower()}")
        return [
            style
            for name in names
            if name in self.rules
            for limit, style in self.rules[name]
            if not limit or limit == tag
        ]

    def read(self, text: str) -> None:
        """Add the rules of a style sheet."""
        count, is_media = 0, False
        for chunk in _without_comments(text[:MAX_SHEET].lower()).split("}"):
            pieces = chunk.split("{")
            if len(pieces) > 2 or "@" in pieces[0]:
                is_media = len(pieces) > 2
            elif len(pieces) < 2:
                is_media = False
            elif not is_media and count < MAX_RULES:
                count += 1
                self._add(pieces[0], declared(pieces[1]))

    def _add(self, selectors: str, style: Style) -> None:
        if style == NOTHING:
            return
        for selector in selectors[:4000].split(",")[:MAX_SELECTORS]:
            selector = selector.strip()
            match = _SIMPLE.match(selector)
            if match is None:
                last = _LAST.search(selector[-200:])
                match = _SIMPLE.match(last[1]) if last else None
                if match is None:
                    continue
                rule = style.unknown()
            else:
                rule = style
            key = match[2] or match[1]
            if key:
                limit = match[1] if match[2] and match[1] else ""
                kept = self.rules.setdefault(key, [])
                if len(kept) < MAX_ALIKE:
                    kept.append((limit, rule))


def declared(text: str) -> Style:
    """What declarations say, as in a `style` attribute."""
    return _known(text) if len(text) <= SHORT else _declared(text)


def _declared(text: str) -> Style:
    found: dict[str, Any] = {}
    clipped = {}
    for declaration in text[:4000].lower().split(";")[:MAX_DECLARATIONS]:
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip().removesuffix("!important").strip()
        if name == "color" and value not in ("inherit", "currentcolor"):
            found |= {"has_colour": True, "colour": colour(value)}
        elif name in ("background", "background-color", "background-image"):
            found |= _background(name, value)
        elif name == "font-size":
            found["size"] = value
        elif name == "font" and (size := _SHORT_SIZE.search(value[:200])):
            found["size"] = size[1]
        elif (
            (name == "display" and value == "none")
            or (name == "visibility" and value == "hidden")
            or (name == "mso-hide" and value == "all")
            or (name == "opacity" and _ZERO.match(value))
            or (name in ("text-indent", "left", "margin-left", "top") and _FAR.match(value))
        ):
            found["is_hidden"] = True
        elif name in ("height", "max-height", "width", "max-width", "overflow"):
            clipped[name] = value
    if clipped.get("overflow") == "hidden" and any(
        _ZERO.match(value) for name, value in clipped.items() if name != "overflow"
    ):
        found["is_hidden"] = True
    return Style(**found) if found else NOTHING


# Pages repeat the same few styles on every cell, and sites the same page in every message.
_known = lru_cache(maxsize=1024)(_declared)


def _background(name: str, value: str) -> dict[str, Any]:
    if value in ("none", "transparent", "inherit", "initial", ""):
        return {}
    if name == "background-image" or "url(" in value or "gradient" in value or "var(" in value:
        return {"has_background": True, "background": None}
    # The colour may stand anywhere among position and repeat.
    words = [value] if value.startswith("rgb") else value.split()[:8]
    seen = next((c for c in map(colour, words) if c is not None), None)
    return {"has_background": True, "background": seen}


def _without_comments(text: str) -> str:
    kept: list[str] = []
    place = 0
    while (start := text.find("/*", place)) >= 0:
        kept.append(text[place:start])
        end = text.find("*/", start + 2)
        if end < 0:
            return "".join(kept)
        place = end + 2
    kept.append(text[place:])
    return "".join(kept).replace("<!--", "").replace("-->", "")
