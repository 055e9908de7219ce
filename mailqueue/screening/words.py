"""Words, and phrases found among them in one walk. Pure; linear.

Phrases are written as people write them; both sides are folded (lower case, no accents) and cut
into words, so that "l'héritage" and "L’HERITAGE" are one. `*` at the end of a word stands for any
ending, `..` for up to three words. Japanese and Chinese have no spaces: their phrases are looked
for as they stand.
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
_PATTERN = re.compile(r"\.\.|[^\W_]+\*?|[$€£¥]")

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

    _first: dict[str, list[tuple[tuple[str, ...], T]]] = field(default_factory=dict)
    _stems: dict[str, list[tuple[tuple[str, ...], T]]] = field(default_factory=dict)
    _dense: list[tuple[str, T]] = field(default_factory=list)

    def add(self, phrases: Iterable[str], meaning: T) -> None:
        """Add phrases. Raises ValueError if one has no word, or too short a stem first."""
        for phrase in phrases:
            if is_east_asian(phrase):
                self._dense.append((fold(phrase).replace(" ", ""), meaning))
                continue
            pattern = tuple(_PATTERN.findall(fold(phrase)))
            if not pattern or pattern[0] == "..":
                raise ValueError(f"no word in {phrase!r}")
            if not pattern[0].endswith("*"):
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
            for pattern, meaning in self._first.get(word, ()):
                end = _end(pattern, words, place)
                if end:
                    yield " ".join(words[place:end]), meaning, place
            if len(word) >= _STEM:
                for pattern, meaning in self._stems.get(word[:_STEM], ()):
                    end = _end(pattern, words, place)
                    if end:
                        yield " ".join(words[place:end]), meaning, place
        if self._dense and is_east_asian(text):
            dense = fold(text[: 8 * MAX_WORDS]).replace(" ", "").replace("\n", "")
            for phrase, meaning in self._dense:
                if phrase in dense:
                    yield phrase, meaning, dense.index(phrase) // 2


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
    return word.startswith(piece[:-1]) if piece.endswith("*") else word == piece
