"""The form of a topic: what one kind of abuse says, in groups of phrases. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

# For what may be sold legally: not enough for a verdict without other signs.
LEGAL = 4.8

# A group: its points, and its phrases in all languages, parted by semicolons.
Group = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of abuse.

    Words alone say little: `least` groups must meet in one message before the topic counts at all,
    one of each set in `core` among them. Points of the groups add up, to `most`; for trades that
    are legal somewhere that is below the threshold of a verdict. `is_quotable` says that honest
    mail passes such words on, as a shop's notice of a comment does, and counts less where a visitor
    is quoted.

    `at_home` is the share that is left where all links lead to the sender's own pages: shops praise
    their own goods, spam leads elsewhere. A lure is nothing without the page that it leads to: it
    counts in full only where links lead elsewhere, and hardly where there are none. `is_warned_of`
    says that honest mail quotes it to warn of it, as it does of all lures.
    """

    rule: str
    groups: Mapping[str, Group]
    least: int = 2
    most: float = 6.0
    core: tuple[frozenset[str], ...] = ()
    is_quotable: bool = True
    is_lure: bool = False
    at_home: float = 0.75
    is_warned_of: bool = False


def pieces(text: str) -> list[str]:
    """Phrases that are parted by semicolons."""
    return [piece.strip() for piece in text.split(";") if piece.strip()]
