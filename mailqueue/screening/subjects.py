"""What a message is about: the topics of abuse, found by phrases that meet. Pure."""

from collections.abc import Iterator, Mapping

from mailqueue.screening import topics
from mailqueue.screening.brands import HOMES
from mailqueue.screening.hosts import is_under
from mailqueue.screening.letter import Letter, Reference
from mailqueue.screening.topics import Topic
from mailqueue.screening.verdicts import Context, Finding, quoted
from mailqueue.screening.words import Phrases, Words

# Ours. Long letters say many things: phrases belong together only within this many words.
WINDOW = 260
MOST_HITS = 300
# A second and a third phrase of one group add this share of its points each.
AGAIN = 0.3
MOST_AGAIN = 2
# What a visitor typed is not the site's own word; where the owner is asked what to do with it, or
# it comes to the site's own mailbox, it has not even left the house.
VISITORS_SHARE = 0.6
OWNERS_SHARE = 0.2
# Who warns of fraud quotes it.
WARNING_SHARE = 0.5
WARNINGS = 2
# A newsletter that can be left may write about fraud, and praises what it sells.
BULK_SHARE = 0.7
BESIDE_SHARE = 0.4

_Meaning = tuple[int, str]
# At which word, in which group, which phrase.
_Hit = tuple[int, str, str]


def _all_phrases() -> Phrases[_Meaning]:
    found: Phrases[_Meaning] = Phrases()
    for number, topic in enumerate(topics.ALL):
        for group, phrases in topics.phrases(topic):
            found.add(phrases, (number, group))
    return found


_PHRASES = _all_phrases()
_WARNING: Phrases[None] = Phrases()
_WARNING.add(topics.pieces(topics.WARNING), None)


def check(
    letter: Letter, context: Context, away: list[Reference], undressed: list[str]
) -> Iterator[Finding]:
    """The topics that the message is about; `score` is the points that met.

    `away` are its links that lead `deceit.elsewhere`, `undressed` the words that it disguises, in
    plain form.
    """
    found: dict[int, list[_Hit]] = {}
    text = letter.phrased
    if undressed:
        text = Words([*undressed, *letter.words], letter.folded)
    for phrase, (number, group), place in _PHRASES.found(text):
        hits = found.setdefault(number, [])
        if len(hits) < MOST_HITS:
            hits.append((place, group, phrase))
    about = list(_about(letter, context, away, found))
    main = max((one.score for one in about), default=0.0)
    for one in about:
        # A newsletter touches many topics; what it is about counts.
        share = BESIDE_SHARE if letter.is_bulk and one.score < main else 1.0
        yield Finding(one.rule, one.score * share, one.where, one.details)


def _about(
    letter: Letter, context: Context, away: list[Reference], found: Mapping[int, list[_Hit]]
) -> Iterator[Finding]:
    """The topics by the phrases that were found of each."""
    for number, hits in found.items():
        topic = topics.ALL[number]
        points, said = _densest(topic, sorted(hits))
        if not points:
            continue
        share = 1.0
        if letter.is_bulk:
            share = BULK_SHARE
        elif letter.is_visitors and topic.is_quotable:
            share = _visitors_share(letter, context)
        if (topic.is_lure or topic.is_warned_of) and _is_warning(letter):
            share *= WARNING_SHARE
        points = min(topic.most, points) * share * _leads(topic, letter, away)
        yield Finding(topic.rule, points, "text", {"what": quoted(", ".join(said))})


def _densest(topic: Topic, hits: list[_Hit]) -> tuple[float, list[str]]:
    """The most points that meet within `WINDOW` words, and some of the phrases."""
    best, best_said = 0.0, [""]
    first = 0
    inside: dict[str, dict[str, int]] = {}
    for place, group, phrase in hits:
        said = inside.setdefault(group, {})
        said[phrase] = said.get(phrase, 0) + 1
        while hits[first][0] < place - WINDOW:
            _, old_group, old_phrase = hits[first]
            first += 1
            inside[old_group][old_phrase] -= 1
            if not inside[old_group][old_phrase]:
                del inside[old_group][old_phrase]
            if not inside[old_group]:
                del inside[old_group]
        if len(inside) < topic.least or not all(core & inside.keys() for core in topic.core):
            continue
        points = sum(_points(topic, name, len(phrases)) for name, phrases in inside.items())
        if points > best:
            best = points
            best_said = sorted(one for phrases in inside.values() for one in sorted(phrases)[:2])
    return best, best_said


def _visitors_share(letter: Letter, context: Context) -> float:
    hosts = [address.rpartition("@")[2].lower() for address in context.recipients]
    is_at_home = bool(hosts) and all(is_under(host, context.own_domains) for host in hosts)
    return OWNERS_SHARE if letter.is_notice or is_at_home else VISITORS_SHARE


def _points(topic: Topic, group: str, distinct: int) -> float:
    return topic.groups[group][0] * (1 + AGAIN * min(MOST_AGAIN, distinct - 1))


def _leads(topic: Topic, letter: Letter, away: list[Reference]) -> float:
    """How much the way out of the message makes of its topic.

    A site asks for the password of its own accounts, and tells of its own parcels: that counts
    little where all links lead to the site itself, and there is nothing to open.
    """
    if topic is topics.BILL:
        return 1.0 if any(_is_opened(leaf.name) for leaf in letter.attachments) else 0.3
    if not topic.is_lure:
        return topic.at_home if letter.web and not away else 1.0
    # Nobody who is lured is led to the brand itself.
    away = [found for found in away if not is_under(found.url.host, HOMES)]
    if not away:
        return 0.25
    # The first link is the one that is meant; footers lead to many places.
    return 1.0 if letter.web[0] in away or 2 * len(away) > len(letter.web) else 0.4


def _is_warning(letter: Letter) -> bool:
    """Whether it warns of fraud."""
    return len({phrase for phrase, _, _ in _WARNING.found(letter.phrased)}) >= WARNINGS


def _is_opened(name: str) -> bool:
    """Whether a file is of a kind that runs, or packs, what a reader opens."""
    return not name.lower().endswith((".pdf", ".png", ".jpg", ".jpeg", ".ics", ".csv", ".txt"))
