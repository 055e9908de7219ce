"""Words, and phrases found among them in one walk. Pure; linear.

Phrases are written as people write them; both sides are folded (lower case, no accents) and cut
into words, so that "l'héritage" and "L’HERITAGE" are one. `*` at the end of a word stands for any
ending, `..` for up to three words, `#` for a number. Japanese and Chinese have no spaces: their
phrases are looked for as they stand.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mailqueue.dsn.folding import fold

# Ours: no honest letter says its business later than this.
MAX_WORDS = 6000
# On average, with its blank.
LONGEST_WORD = 16
GAP = 3
# Letters by which a word with any ending is found.
_STEM = 4

_WORD = re.compile(r"[^\W_]+|[$€£¥]")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PATTERN = re.compile(r"\.\.|#|[^\W_]+\*?|[$€£¥]")

# Nothing that a reader sees: zero-width signs, joiners, direction marks, variation selectors.
_INVISIBLE = dict.fromkeys(
    (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF, 0x34F, 0xAD)
)

T = TypeVar("T")


def words_of(text: str) -> list[str]:
    """The words of a text, folded, at most `MAX_WORDS`."""
    found: list[str] = []
    text = text[: LONGEST_WORD * MAX_WORDS]
    if not text.isascii():
        text = text.translate(_INVISIBLE)
    for match in _WORD.finditer(fold(text)):
        found.append(match[0])
        if len(found) >= MAX_WORDS:
            break
    return found


def is_east_asian(text: str) -> bool:
    """Whether a text has Japanese, Chinese or Korean letters."""
    return bool(_EAST_ASIAN.search(text))


@dataclass(slots=True)
class Phrases(Generic[T]):
    """Phrases and what each stands for."""

    # By their first two words where both are plain, else by the first, "#", or its stem.
    _pairs: dict[tuple[str, str], list[tuple[tuple[str, ...], T]]] = field(default_factory=dict)
    _first: dict[str, list[tuple[tuple[str, ...], T]]] = field(default_factory=dict)
    _stems: dict[str, list[tuple[tuple[str, ...], T]]] = field(default_factory=dict)
    _dense: list[tuple[str, T]] = field(default_factory=list)
    _heads: set[str] = field(default_factory=set)

    def add(self, phrases: Iterable[str], meaning: T) -> None:
        """Add phrases. Raises ValueError if one has no word, or too short a stem first."""
        for phrase in phrases:
            if is_east_asian(phrase):
                self._dense.append((fold(phrase).replace(" ", ""), meaning))
                continue
            pattern = tuple(_PATTERN.findall(fold(phrase)))
            if not pattern or pattern[0] == "..":
                raise ValueError(f"no word in {phrase!r}")
            self._heads.add(pattern[0])
            if all(map(_is_plain, pattern[:2])) and len(pattern) > 1:
                self._pairs.setdefault((pattern[0], pattern[1]), []).append((pattern, meaning))
            elif not pattern[0].endswith("*"):
                self._first.setdefault(pattern[0], []).append((pattern, meaning))
            elif len(pattern[0]) <= _STEM:
                raise ValueError(f"too short a stem in {phrase!r}")
            else:
                self._stems.setdefault(pattern[0][:_STEM], []).append((pattern, meaning))

    def found(self, words: list[str], text: str) -> Iterator[tuple[str, T, int]]:
        """The phrases that stand in a text, as found there, their meanings, and at which word.

        `words` are those of `text`; a phrase that stands there twice comes twice.
        """
        for place, word in enumerate(words):
            if word in self._heads:
                pair = (word, words[place + 1] if place + 1 < len(words) else "")
                yield from _standing(self._pairs.get(pair, ()), words, place)
                yield from _standing(self._first.get(word, ()), words, place)
            elif word.isdigit():
                yield from _standing(self._first.get("#", ()), words, place)
            if word[:_STEM] in self._stems:
                yield from _standing(self._stems[word[:_STEM]], words, place)
        if self._dense and is_east_asian(text):
            dense = fold(text[: 8 * MAX_WORDS]).replace(" ", "").replace("\n", "")
            for phrase, meaning in self._dense:
                at = dense.find(phrase)
                if at >= 0:
                    # Two signs are about a word.
                    yield phrase, meaning, at // 2


def _standing(
    known: Iterable[tuple[tuple[str, ...], T]], words: list[str], place: int
) -> Iterator[tuple[str, T, int]]:
    """Those of some patterns that stand at a place."""
    for pattern, meaning in known:
        end = _end(pattern, words, place)
        if end:
            yield " ".join(words[place:end]), meaning, place


def _is_plain(piece: str) -> bool:
    return piece not in ("..", "#") and not piece.endswith("*")


def _end(pattern: tuple[str, ...], words: list[str], place: int) -> int:
    """Where a pattern that begins at a place ends; 0 if it does not stand there."""
    at, may_skip = place, 0
    for piece in pattern:
        if piece == "..":
            may_skip = GAP
            continue
        while not (at < len(words) and _fits(piece, words[at])):
            if not may_skip or at >= len(words):
                return 0
            may_skip -= 1
            at += 1
        may_skip = 0
        at += 1
    return at


def _fits(piece: str, word: str) -> bool:
    if piece == "#":
        return word.isdigit()
    return word.startswith(piece[:-1]) if piece.endswith("*") else word == piece
