"""The form of a topic: what one kind of abuse says, in groups of phrases. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

# A group: its points, and its phrases in all languages, parted by semicolons.
Group = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of abuse.

    Words alone say little: `least` groups must meet in one message before the topic counts at all.
    Points of the groups add up, to `most`. `is_quotable` says that honest mail passes such words
    on, as a shop's notice of a comment does, and counts half where a visitor is quoted.
    """

    rule: str
    groups: Mapping[str, Group]
    least: int = 2
    most: float = 6.0
    is_quotable: bool = True

    def phrases(self, group: str) -> list[str]:
        """The phrases of a group."""
        return [phrase.strip() for phrase in self.groups[group][1].split(";") if phrase.strip()]
