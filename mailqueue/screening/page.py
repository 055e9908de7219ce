"""What a reader of HTML sees, what he does not, and where it leads. Pure; linear; bounded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mailqueue.screening import markup
from mailqueue.screening.colours import (
    BLACK,
    UNREADABLE,
    WHITE,
    Colour,
    colour,
    contrast,
    font_size,
    pixels,
)
from mailqueue.screening.markup import Kind, unescaped
from mailqueue.screening.styles import Sheet, Style, declared

# Ours.
MAX_DEPTH = 150
# How far up an end tag looks for its beginning.
MAX_CLOSED = 40
MAX_LINKS = 500
MAX_SCRIPT = 1 << 15
# Type larger than this is enormous: headings have 32 pixels, codes to type in up to 48.
HUGE_PX = 56.0
# Nobody reads type of this size.
TINY_PX = 2.0
# A line that mail programs show beside the subject, and the page hides.
PREHEADER = 300

_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_LINES = frozenset(
    [
        "p",
        "div",
        "tr",
        "table",
        "ul",
        "ol",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "center",
        "form",
        "section",
        "article",
        "header",
        "footer",
        "pre",
        "dl",
        "dt",
        "dd",
        "hr",
        "br",
    ]
)
_IN_HEAD = frozenset({"head", "script", "style", "title", "noframes", "template"})
# The default style sheet of browsers, as far as sizes go (HTML §15.3.6).
_HEADINGS = {"h1": 32.0, "h2": 24.0, "h3": 18.72}
# These change how text looks without any style.
_LOUD = frozenset({*_HEADINGS, "a", "font"})
_LINK_COLOUR: Colour = (0, 0, 238)


@dataclass(slots=True)
class Link:
    """A link: where it leads, and what a reader sees of it."""

    href: str
    text: str = ""
    has_image: bool = False


@dataclass(slots=True)
class Page:
    """What was found on a page. `faint` has nearly the colour of its background."""

    text: str = ""
    hidden: str = ""
    faint: str = ""
    huge: str = ""
    links: list[Link] = field(default_factory=list)
    images: list[Mapping[str, str]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    form_actions: list[str] = field(default_factory=list)
    asks_password: bool = False
    scripts: str = ""
    refresh: str = ""
    # Comments that stand inside of words.
    split_words: int = 0
    is_cut: bool = False


class _Look(NamedTuple):
    """How text looks inside of an element."""

    colour: Colour | None
    background: Colour | None
    size: float
    is_hidden: bool
    is_faint: bool


def read(text: str) -> Page:
    """Read a page. Never raises, whatever it is given."""
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.page = Page()
        self.sheet = Sheet()
        # The elements that are open, the page itself first, and how text looks in each.
        self.names = [""]
        self.looks = [_Look(BLACK, WHITE, 16.0, False, False)]
        self.visible: list[str] = []
        self.hidden: list[str] = []
        self.faint: list[str] = []
        self.huge: list[str] = []
        self.preheader = 0
        self.has_text = False
        self.link: Link | None = None
        self.tags = 0

    def read(self, text: str) -> Page:
        for kind, name, content in markup.tokens(text):
            if kind is Kind.TEXT:
                self._text(content)
            elif kind is Kind.OPEN:
                self.tags += 1
                self._open(name, content)
            elif kind is Kind.CLOSE:
                self.tags += 1
                self._close(name)
            elif kind is Kind.RAW:
                self._raw(name, content)
            else:
                self._comment(content)
        page = self.page
        page.text = "".join(self.visible)
        page.hidden = "".join(self.hidden)
        page.faint = "".join(self.faint)
        page.huge = "".join(self.huge)
        page.is_cut = self.tags >= markup.MAX_TAGS
        return page

    def _text(self, raw: str) -> None:
        if self.names[-1] in _IN_HEAD:
            return
        look = self.looks[-1]
        text = unescaped(raw)
        if not text or text.isspace():
            if not look.is_hidden:
                self.visible.append(text if "\xa0" in text else " ")
            return
        if look.is_hidden or look.is_faint or look.size <= TINY_PX:
            if not self.has_text and self.preheader + len(text) <= PREHEADER:
                self.preheader += len(text)
            elif look.is_faint and not look.is_hidden:
                self.faint.append(text + " ")
            else:
                self.hidden.append(text + " ")
            return
        self.has_text = True
        self.visible.append(text)
        if look.size > HUGE_PX:
            self.huge.append(text + " ")
        if self.link is not None and len(self.link.text) < 500:
            self.link.text += text

    def _open(self, name: str, written: str) -> None:
        if name in _LINES:
            self.visible.append("\n")
        elif name in ("td", "th"):
            self.visible.append(" ")
        attributes = markup.attributes(written) if written else {}
        if name in _VOID:
            self._void(name, attributes)
            return
        if name == "a" and "href" in attributes:
            self._begin_link(attributes["href"])
        elif name == "form":
            self.page.form_actions.append(attributes.get("action", ""))
        elif name in ("iframe", "object", "frame"):
            self.page.embedded.append(attributes.get("src", attributes.get("data", "")))
        elif name == "body":
            # Whatever was left open in the head.
            del self.names[1:], self.looks[1:]
        if len(self.names) < MAX_DEPTH:
            self.looks.append(self._look(name, attributes))
            self.names.append(name)

    def _begin_link(self, href: str) -> None:
        self.link = Link(href.strip())
        if len(self.page.links) < MAX_LINKS:
            self.page.links.append(self.link)

    def _void(self, name: str, attributes: dict[str, str]) -> None:
        page = self.page
        if name == "img":
            page.images.append(attributes)
            if self.link is not None:
                self.link.has_image = True
        elif name == "area" and "href" in attributes and len(page.links) < MAX_LINKS:
            page.links.append(Link(attributes["href"].strip(), attributes.get("alt", ""), True))
        elif name == "input" and attributes.get("type", "").lower() == "password":
            page.asks_password = True
        elif name == "embed":
            page.embedded.append(attributes.get("src", ""))
        elif name == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            page.refresh = attributes.get("content", "")

    def _close(self, name: str) -> None:
        if name in _LINES:
            self.visible.append("\n")
        if name == "a":
            self.link = None
        names = self.names
        if names[-1] == name:
            names.pop()
            self.looks.pop()
            return
        for index in range(len(names) - 1, max(0, len(names) - MAX_CLOSED), -1):
            if names[index] == name:
                del names[index:], self.looks[index:]
                return

    def _raw(self, name: str, content: str) -> None:
        if name == "style":
            self.sheet.read(content)
        elif name == "script" and len(self.page.scripts) < MAX_SCRIPT:
            self.page.scripts += content[:MAX_SCRIPT] + " "

    def _comment(self, content: str) -> None:
        if "[if" in content[:20] or "[endif" in content:
            return
        if self.visible and self.visible[-1][-1:].isalpha():
            self.page.split_words += 1

    def _look(self, name: str, attributes: Mapping[str, str]) -> _Look:
        above = self.looks[-1]
        if not attributes and name not in _LOUD and name not in self.sheet.rules:
            return above
        shown, back, size, is_hidden, is_faint = above
        if name in _HEADINGS:
            size = _HEADINGS[name]
        elif name == "a":
            shown = _LINK_COLOUR
        if attributes:
            is_hidden = is_hidden or "hidden" in attributes
            if "background" in attributes:
                back = None
            if "bgcolor" in attributes:
                back = colour(attributes["bgcolor"])
            if name == "font":
                if "color" in attributes:
                    shown = colour(attributes["color"])
                size = font_size(attributes.get("size", "")) or size
            elif name == "body" and "text" in attributes:
                shown = colour(attributes["text"])
        for style in self._styles(name, attributes):
            if style.has_colour:
                shown = style.colour
            if style.has_background:
                back = style.background
            if style.size:
                size = pixels(style.size, above.size)
            is_hidden = is_hidden or style.is_hidden
        if (shown, back) != (above.colour, above.background):
            is_faint = shown is not None and back is not None and contrast(shown, back) < UNREADABLE
        return _Look(shown, back, size, is_hidden, is_faint)

    def _styles(self, name: str, attributes: Mapping[str, str]) -> Sequence[Style]:
        found = self.sheet.of(name, attributes)
        written = attributes.get("style")
        return (*found, declared(written)) if written else found
