"""Words, and phrases found among them in one walk. Pure; linear.

Phrases are written as people write them; both sides are folded (lower case, no accents) and cut
into words, so that "l'héritage" and "L’HERITAGE" are one. `*` at the end of a word stands for any
ending, `..` for up to three words, `#` for a number. Japanese and Chinese have no spaces: their
phrases are looked for as they stand.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
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
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u034f\xad]+")

T = TypeVar("T")
# A phrase cut into its words, what it stands for, and whether its words stand just so.
_Known = tuple[tuple[str, ...], T, bool]


def words_of(text: str) -> list[str]:
    """The words of a text, folded, at most `MAX_WORDS`."""
    return words_of_folded(fold(text[: LONGEST_WORD * MAX_WORDS]))


def words_of_folded(text: str) -> list[str]:
    """The words of a text that is folded already, at most `MAX_WORDS`."""
    text = text[: LONGEST_WORD * MAX_WORDS]
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    return _WORD.findall(text)[:MAX_WORDS]


def is_east_asian(text: str) -> bool:
    """Whether a text has Japanese, Chinese or Korean letters."""
    return not text.isascii() and bool(_EAST_ASIAN.search(text))


class Words:
    """A folded text as phrases are looked for in it: its words, and which there are at all.

    What words there are is asked for each set of phrases, and answers most of them.
    """

    __slots__ = ("all", "dense", "different", "stems")

    def __init__(self, words: list[str], text: str) -> None:
        self.all = words
        self.different = frozenset(words)
        # The different words by how they begin.
        self.stems: dict[str, list[str]] = {}
        for word in self.different:
            self.stems.setdefault(word[:_STEM], []).append(word)
        self.dense = ""
        if is_east_asian(text):
            self.dense = text[: 8 * MAX_WORDS].replace(" ", "").replace("\n", "")


@dataclass(slots=True)
class Phrases(Generic[T]):
    """Phrases and what each stands for."""

    # By their first two words where the second is plain, else by the first, or its stem. The first
    # may be "#".
    _pairs: dict[str, dict[str, list[_Known[T]]]] = field(default_factory=dict)
    _first: dict[str, list[_Known[T]]] = field(default_factory=dict)
    _stems: dict[str, list[_Known[T]]] = field(default_factory=dict)
    _dense: list[tuple[str, T]] = field(default_factory=list)
    # What they begin with, where that is a plain word.
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
            head = pattern[0]
            known = (pattern, meaning, all(map(_is_plain, pattern)))
            if head.endswith("*"):
                if len(head) <= _STEM:
                    raise ValueError(f"too short a stem in {phrase!r}")
                self._stems.setdefault(head[:_STEM], []).append(known)
                continue
            self._heads.add(head)
            if len(pattern) > 1 and _is_plain(pattern[1]):
                seconds = self._pairs.setdefault(head, {})
                seconds.setdefault(pattern[1], []).append(known)
            else:
                self._first.setdefault(head, []).append(known)

    def found(self, text: Words) -> Iterator[tuple[str, T, int]]:
        """The phrases that stand in a text, as found there, their meanings, and at which word.

        A phrase that stands there twice comes twice.
        """
        heads = self._heads & text.different
        begins: dict[str, list[_Known[T]]] = {word: self._first.get(word, []) for word in heads}
        if "#" in self._heads:
            for word in filter(str.isdigit, text.different):
                begins[word] = [*begins.get(word, ()), *self._first.get("#", ())]
        for stem in self._stems.keys() & text.stems.keys():
            for word in text.stems[stem]:
                fitting = [one for one in self._stems[stem] if _fits(one[0][0], word)]
                if fitting:
                    begins[word] = [*begins.get(word, ()), *fitting]
        if begins:
            yield from self._walked(text.all, begins)
        if text.dense and self._dense:
            signs = frozenset(text.dense)
            for phrase, meaning in self._dense:
                if phrase[0] in signs:
                    at = text.dense.find(phrase)
                    if at >= 0:
                        # Two signs are about a word.
                        yield phrase, meaning, at // 2

    def _walked(
        self, words: list[str], begins: Mapping[str, list[_Known[T]]]
    ) -> Iterator[tuple[str, T, int]]:
        """The phrases that stand among words, in order; `begins` are those of each first word."""
        numbers = self._pairs.get("#", {})
        for place in [place for place, word in enumerate(words) if word in begins]:
            word, after = words[place], words[place + 1] if place + 1 < len(words) else ""
            known = begins[word]
            if word in self._pairs and after in self._pairs[word]:
                known = [*self._pairs[word][after], *known]
            if after in numbers and word.isdigit():
                known = [*numbers[after], *known]
            for pattern, meaning, is_plain in known:
                end = place + len(pattern)
                if not is_plain:
                    end = _end(pattern, words, place)
                # One or two plain words are what it was found by.
                elif len(pattern) > 2 and tuple(words[place:end]) != pattern:
                    continue
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
