"""What robots leave behind: links where a name should be, markup of forums, words by lot. Pure.

Robots fill in forms whose programs then write to whom the robot likes: the name that the letter
greets is the advertisement. Mailers that were put on a site vary their words by lot.
"""

import re
from collections.abc import Iterator

from mailqueue.dsn.folding import fold
from mailqueue.screening.brands import is_bait
from mailqueue.screening.deceit import SHORT
from mailqueue.screening.hosts import CHEAP_ENDINGS, SHORTENERS, is_under
from mailqueue.screening.joints import JOINTS
from mailqueue.screening.letter import Letter, Reference
from mailqueue.screening.links import parse
from mailqueue.screening.verdicts import Finding, quoted
from mailqueue.screening.words import words_of

# Ours.
SALAD_WORDS = 8
THROWN_AWAY = 2
FEW_WORDS = 2 * SHORT
MAX_FRONT = 2000
MAX_TEXT = 60_000

# A line that greets somebody by name, and the name up to the sign after it.
_GREETING = re.compile(
    r"^\W{0,3}(?:dear|hello|hi|hey|bonjour|bonsoir|cher|chere|hallo|lieber?|guten tag|hola|ciao|"
    r"gentile|estimad[oa]|car[oa]|ola|witaj|dzien dobry|beste|geachte|здравствуйте|уважаем\w{2})"
    r"(?=[ \t])([^\n]{1,400}?)(?:[,!](?=\s|\Z))",
    re.M,
)
_WRITTEN = re.compile(r"(?:https?://|www\.)[^\s,]{3,200}")
_FORUM = re.compile(r"\[(?:url|link)(?:=|\]) {0,2}[\"']?(https?://[^\]\s\"']{1,200})")
_IN_SUBJECT = re.compile(
    r"(?:https?://|www\.)\S{3,200}|(?<![\w@.-])(?:[a-z0-9-]{1,40}\.){1,4}[a-z]{2,12}/\S{1,200}",
    re.I,
)
# An address behind the # of a link: pages of phishing fill it into their form.
_RECIPIENT = re.compile(r"#[^#]{0,200}?[\w.+-]{1,64}(?:@|%40)[\w-]{1,63}\.[\w.-]{2,80}\Z")
_LATIN = re.compile(r"[a-z]{3,20}\Z")


def check(letter: Letter, own: frozenset[str], away: list[Reference]) -> Iterator[Finding]:
    """What robots leave behind; `own` and `away` are as `deceit` tells them."""
    name = _link_in_name(letter, away)
    if name:
        yield Finding("name_link", 1.0, "text", {"what": quoted(name)})
    subject = letter.subject
    written = _IN_SUBJECT.search(subject) if "/" in subject or "." in subject else None
    if written and not letter.is_bulk and not is_under(_host(written[0]), own):
        yield Finding("subject_link", 1.0, "subject", {"what": quoted(written[0])})
    if "[" in letter.folded:
        forum = _FORUM.search(letter.folded[:MAX_TEXT])
        if forum:
            # Visitors of a forum write so, too.
            weight = 0.5 if letter.is_visitors else 1.0
            yield Finding("forum_markup", weight, "text", {"what": quoted(forum[0])})
    if away and letter.word_count < FEW_WORDS:
        yield from _thrown_away(away)
        if _is_salad(letter):
            details = {"what": quoted(" ".join(letter.words[:12]))}
            yield Finding("word_salad", 1.0, "text", details)
    for found in letter.web:
        if "#" in found.url.path and _RECIPIENT.search(found.url.path):
            yield Finding("link_recipient", 1.0, "link", {"what": quoted(found.url.host)})
            break


def _link_in_name(letter: Letter, away: list[Reference]) -> str:
    """What stands in place of a name where a letter greets somebody, if that is a link."""
    if not away:
        return ""
    front = fold(letter.read[:MAX_FRONT])
    for match in _GREETING.finditer(front):
        name = match[1].strip()
        if _WRITTEN.search(name):
            return name
        for link in away:
            if len(link.text) > 3 and fold(link.text[:200]) in name:
                return name
    return ""


def _host(written: str) -> str:
    return parse(written if "//" in written else f"http://{written}").host


def _thrown_away(away: list[Reference]) -> Iterator[Finding]:
    """Several hosts of the kind that is used once."""
    hosts = {
        found.url.domain
        for found in away
        if found.url.host.rpartition(".")[2] in CHEAP_ENDINGS
        or found.url.domain in SHORTENERS
        or is_bait(found.url.host)
    }
    if len(hosts) >= THROWN_AWAY:
        yield Finding("many_cheap", 1.0, "link", {"what": quoted(", ".join(sorted(hosts)))})


def _is_salad(letter: Letter) -> bool:
    """Whether it is words without anything that joins them."""
    written = " ".join(found.url.written for found in letter.references if not found.text)
    words = letter.phrased.different.difference(words_of(written))
    if not words.isdisjoint(JOINTS):
        return False
    return sum(1 for word in words if _LATIN.match(word)) >= SALAD_WORDS
