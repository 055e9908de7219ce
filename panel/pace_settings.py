"""The setting PACE: what destinations are given, where that is not the usual.

Owns how its entries are read and refused; what they mean is for `relay.shaping`.
"""

import re
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

# A provider, the name of a server or the end of one, or all; connections, messages of one
# connection, and messages in a minute.
_ENTRY = re.compile(
    r"(?P<name>\*|[\w .-]{1,253})=(?P<connections>[1-9]\d{0,2})/(?P<messages>[1-9]\d{0,4})"
    r"(?:/(?P<per_minute>\d{1,6}))?"
)

Entry = tuple[str, int, int, int]


def read_paces(words: Iterable[str]) -> list[Entry]:
    """The entries `name=connections/messages[/per minute]`; without a rate it is 0, which is none.

    Raises ImproperlyConfigured for anything else.
    """
    entries: list[Entry] = []
    for word in words:
        match = _ENTRY.fullmatch(word)
        if match is None:
            raise ImproperlyConfigured(
                f"FACTEUR_PACE has {word!r}; it must be name=connections/messages/per minute, "
                "as in orange.fr=1/50/60."
            )
        name = match["name"].strip().lower().lstrip(".")
        per_minute = int(match["per_minute"] or 0)
        entries.append((name, int(match["connections"]), int(match["messages"]), per_minute))
    # The entry for all is the last that is asked.
    return sorted(entries, key=lambda entry: entry[0] == "*")
