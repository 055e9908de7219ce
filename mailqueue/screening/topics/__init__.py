"""What kinds of abuse say, as data: topics of groups of phrases in several languages.

Words alone say little, and honest mail passes on what strangers wrote. So a topic counts only when
several of its groups meet in one message, and adds up by group, not by word.
"""

from collections.abc import Iterator

from mailqueue.screening.topics import (
    dutch,
    fraud,
    goods,
    lures,
    money,
    offers,
    polish,
    portuguese,
    russian,
    trade,
)
from mailqueue.screening.topics.lures import BILL, WARNING
from mailqueue.screening.topics.shape import Topic, pieces

ALL: tuple[Topic, ...] = (
    *money.TOPICS,
    *goods.TOPICS,
    *trade.TOPICS,
    *fraud.TOPICS,
    *lures.TOPICS,
    *offers.TOPICS,
)
# Languages that came later stand by themselves: by rule and group.
LANGUAGES = (russian.PHRASES, polish.PHRASES, dutch.PHRASES, portuguese.PHRASES)


def phrases(topic: Topic) -> Iterator[tuple[str, list[str]]]:
    """The groups of a topic and the phrases of each, in all languages."""
    for group, (_, first) in topic.groups.items():
        more = (language.get(topic.rule, {}).get(group, "") for language in LANGUAGES)
        yield group, pieces(";".join((first, *more)))


__all__ = ["ALL", "BILL", "LANGUAGES", "WARNING", "Topic", "phrases", "pieces"]
