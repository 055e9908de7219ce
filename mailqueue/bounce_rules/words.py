"""The plain form of what a server said, and matching phrases in it. Pure; linear time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailqueue.bounce_rules.categories import Category
from mailqueue.dsn.folding import fold

# Words looked at: no server says more than this of one refusal.
MAX_WORDS = 6000
# How far apart the two halves of `a * b` may stand.
GAP = 60
# Occurrences of the first half that are tried.
MAX_TRIES = 20

_TOKEN = re.compile(r"\S+")
_URL = re.compile(r"[(<\[\"']*(?:https?|mailto):")
_CODE = re.compile(
    r"#?\(?#?[2345](?:\d\d|\.\d{1,3}\.\d{1,3})(?:-[45]\.\d{1,3}\.\d{1,3})?[:,;.)\]-]*\Z"
)
_MARKS = str.maketrans(dict.fromkeys('<>()[]{}",;:!?#=*|/\\_-+~^`“”«»…', " ") | {"'": "", "’": ""})
_STOP = re.compile(r"\.(?=\s|\Z)|\.{2,}")
_HOST_GONE = re.compile(
    r"(?<! user)(?<! account)(?<! address)(?<! mailbox)(?<! recipient)(?<! for)(?<! alias)"
    r" (?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}"
    r" (?:does not exist|doesnt exist|unknown host|host unknown)"
)
_SPACES = re.compile(r" {2,}")
_EAST_ASIAN = re.compile("[\u2e80-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Text:
    """Words in plain form, the same without spaces (for Chinese and Japanese), and the links."""

    plain: str
    dense: str
    links: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A phrase and what it means. `within` limits it to classes or codes, as "4" or "5.4.1".

    `first` and `second` are the halves of a phrase with a gap, or the phrase and "".
    """

    category: Category
    first: str
    second: str
    within: str
    is_dense: bool


Line = tuple[Category, str] | tuple[Category, str, str]


def rules(lines: Iterable[Line]) -> tuple[Rule, ...]:
    """Rules from their lines: category, phrase, and optionally the codes it is limited to."""
    return tuple(_rule(*line) for line in lines)


def plain(words: str) -> Text:
    """The form that rules are compared with.

    Lower case without accents; no punctuation, codes and links; each address as one `@`.
    """
    kept: list[str] = []
    links: list[str] = []
    for match in _TOKEN.finditer(words[:MAX_WORDS]):
        token = match[0]
        if _URL.match(token):
            links.append(token.lower())
        elif "@" in token:
            # What is glued to an address with a colon, as in `<a@example.org>:unknown`.
            kept.append("@ " + token.partition("@")[2].partition(">")[2])
        elif not _CODE.match(token):
            kept.append(token)
    text = fold(" ".join(kept)).translate(_MARKS)
    text = f" {' '.join(_STOP.sub(' ', text).split())} "
    if _HOST_GONE.search(text):
        # "example.org does not exist" speaks of the domain, "user x does not exist" does not.
        text += "domain does not exist "
    dense = text.replace(" ", "") if _EAST_ASIAN.search(text) else ""
    return Text(text, dense, " ".join(links))


def first_match(found: Iterable[Rule], text: Text, code: str) -> Category | None:
    """The category of the first rule that fits the text, or None.

    `code` is the enhanced status code, or its class, which limited rules are compared with.
    """
    for rule in found:
        if rule.within and not code.startswith(rule.within):
            continue
        if _fits(rule, text.dense if rule.is_dense else text.plain):
            return rule.category
    return None


def _rule(category: Category, phrase: str, within: str = "") -> Rule:
    is_dense = bool(_EAST_ASIAN.search(phrase))
    first, _, second = (_as_written(half) for half in phrase.partition(" * "))
    if is_dense:
        first, second = first.replace(" ", ""), second.replace(" ", "")
    return Rule(category, first, second, within, is_dense)


def _as_written(phrase: str) -> str:
    """A phrase in plain form; spaces at its ends stay, they mark whole words."""
    return _SPACES.sub(" ", fold(phrase).translate(_MARKS))


def _fits(rule: Rule, text: str) -> bool:
    if not rule.second:
        return rule.first in text
    start = text.find(rule.first)
    for _ in range(MAX_TRIES):
        if start < 0:
            return False
        after = start + len(rule.first)
        if text.find(rule.second, after, after + GAP + len(rule.second)) >= 0:
            return True
        start = text.find(rule.first, after)
    return False
