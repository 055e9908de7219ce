"""Words that are written so that people read them and programs do not. Pure; linear."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import pairwise

from mailqueue.dsn.folding import fold
from mailqueue.screening.letter import Letter
from mailqueue.screening.verdicts import Finding, quoted
from mailqueue.screening.words import MAX_WORDS

# Words that are worth hiding, in plain form.
_HIDDEN = frozenset(
    [
        "viagra",
        "cialis",
        "levitra",
        "xanax",
        "valium",
        "ambien",
        "phentermine",
        "vicodin",
        "tramadol",
        "pharmacy",
        "pharmacie",
        "medication",
        "prescription",
        "pills",
        "penis",
        "casino",
        "jackpot",
        "poker",
        "roulette",
        "mortgage",
        "refinance",
        "loan",
        "rolex",
        "replica",
        "porn",
        "porno",
        "sex",
        "sexy",
        "nude",
        "bitcoin",
        "crypto",
        "lottery",
        "winner",
        "free",
        "money",
        "cash",
        "credit",
        "debt",
        "investment",
        "password",
        "account",
        "verify",
        "paypal",
        "amazon",
        "microsoft",
        "office",
        "netflix",
        "apple",
        "invoice",
        "security",
        "click",
        "unsubscribe",
        "software",
        "stock",
    ]
)
# What stands for a letter.
_LOOKS = str.maketrans(
    {
        "0": "o",
        "1": "i",
        "3": "e",
        "4": "a",
        "5": "s",
        "7": "t",
        "8": "b",
        "@": "a",
        "$": "s",
        "!": "i",
        "|": "l",
        "¡": "i",
        "€": "e",
        "+": "t",
    }
)
_MIXED = re.compile(r"(?<![\w@./-])[^\W\d_]{0,12}+[\d@$!|¡€+][\w@$!|¡€+]{2,14}(?![\w@/-])")
_SPACED = re.compile(r"(?<!\w)[^\W\d_](?:[ ._*~-]{1,2}[^\W\d_]){3,14}(?!\w)")
# Between Latin letters nothing invisible is needed; in Arabic and Indian scripts some is.
_BETWEEN = re.compile(
    "[A-Za-z\u00c0-\u024f][\u200b-\u200d\u2060\ufeff\u034f\u180e](?=[A-Za-z\u00c0-\u024f])"
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u04ff\u13a0-\u13ff]")
_WORD = re.compile(r"[^\W\d_]{3,40}")
_FANCY = re.compile("[\U0001d400-\U0001d7ff\u24b6-\u24e9]{4,}")
# A sign of one of the three.
_UNUSUAL = re.compile(
    "[\u0370-\u03ff\u0400-\u04ff\u13a0-\u13ff\u200b-\u200d\u2060\ufeff\u034f\u180e"
    "\U0001d400-\U0001d7ff\u24b6-\u24e9]"
)

# A number, or a shout, after a word.
_ENDING = re.compile(r"[\d!$+€|]{1,14}\Z")

MAX_TEXT = 60_000


def check(letter: Letter, dressed: Mapping[str, str]) -> Iterator[Finding]:
    """Words disguised by signs, by letters of other scripts, and by what cannot be seen."""
    found = sorted(dressed)
    if found:
        weight = 1.0 if len(found) > 1 else 0.6
        yield Finding("disguised_word", weight, "text", {"what": quoted(", ".join(found))})
    text = _shown(letter)
    if not text.isascii() and _UNUSUAL.search(text):
        yield from _foreign(text)
    if sum(page.split_words for page in letter.pages) >= 3:
        yield Finding("invisible_signs", 1.0, "html", {"what": "<!-- -->"})


def dressed_words(letter: Letter) -> dict[str, str]:
    """Words worth hiding that are written with signs or letter by letter, and their plain form."""
    text = _shown(letter)
    found: dict[str, str] = {}
    for match in _MIXED.finditer(text):
        word = match[0]
        plain = fold(word).translate(_LOOKS).rstrip("i")
        if {plain, plain.rstrip("s")} & _HIDDEN and not _ENDING.sub("", word).isalpha():
            found[word] = plain
    for match in _SPACED.finditer(text if _spells(letter) else letter.sender.name):
        plain = "".join(filter(str.isalpha, fold(match[0])))
        if plain in _HIDDEN:
            found[match[0]] = plain
    return found


def _spells(letter: Letter) -> bool:
    """Whether three letters stand by themselves one after the other, as in a word spelt out."""
    words = letter.words
    return len(words) >= MAX_WORDS or "111" in "".join(
        ["1" if len(word) == 1 else " " for word in words]
    )


def _shown(letter: Letter) -> str:
    return f"{letter.subject}\n{letter.sender.name}\n{letter.read[:MAX_TEXT]}"


def _foreign(text: str) -> Iterator[Finding]:
    mixed = list(_mixed_scripts(text))
    if len(mixed) >= 2:
        yield Finding("mixed_scripts", 1.0, "text", {"what": quoted(", ".join(mixed[:5]))})
    invisible = len(_BETWEEN.findall(text))
    if invisible >= 5:
        yield Finding("invisible_signs", 1.0, "text", {"what": str(invisible)})
    fancy = _FANCY.search(text)
    if fancy:
        plain = unicodedata.normalize("NFKC", fancy[0])
        yield Finding("mixed_scripts", 0.5, "text", {"what": quoted(plain)})


def _mixed_scripts(text: str) -> Iterator[str]:
    """Words of Latin letters with some of Greek or Cyrillic among them."""
    if not _FOREIGN.search(text):
        return
    for match in _WORD.finditer(text):
        word = match[0]
        # A letter at the end may be a unit or an ending: µg, кВтh.
        if _FOREIGN.search(word) and sum(map(str.isascii, word)) >= 2 and _is_woven(word):
            yield word


def _is_woven(word: str) -> bool:
    """Whether scripts change back and forth, or a foreign letter stands at a Latin word's front."""
    scripts = [bool(_FOREIGN.match(letter)) for letter in word]
    changes = sum(a != b for a, b in pairwise(scripts))
    return changes >= 2 or (changes == 1 and sum(scripts) == 1)
