"""To whom an account never wrote before: asked along the index of addresses, a step for each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db import connection

from mailqueue import statements
from mailqueue.behaviour.habits import Sighting
from mailqueue.models import Recipient

# Address, account, before when, and the place of its message.
Asked = tuple[str, int, datetime, int]

HOUR = timedelta(hours=1)
# Of a message so many of its addresses are looked for, among so many earlier e-mails to each.
MOST_ADDRESSES = 50
MOST_EARLIER = 50

_TABLE = Recipient._meta.db_table
# Whoever was sent something an hour before the message came, or earlier, is no stranger. What was
# held for good or purged never reached anybody.
_EARLIER = (
    "SELECT place FROM asked WHERE EXISTS (SELECT 1 FROM ("  # noqa: S608 - names of our own
    f"SELECT accepted_at, status FROM {_TABLE} WHERE LOWER(address) = LOWER(asked.address)"
    f" AND account_id = asked.account LIMIT {MOST_EARLIER}) AS earlier"
    " WHERE accepted_at < asked.moment AND status NOT IN ('held', 'purged', 'expired'))"
)
_COLUMNS = "asked(address, account, moment, place)"


def with_strangers(sightings: list[Sighting]) -> list[Sighting]:
    """The messages with the number of recipients that their accounts never wrote to."""
    asked = [
        (address[:320], one.account_id, one.accepted_at - HOUR, place)
        for place, one in enumerate(sightings)
        for address in dict.fromkeys(one.addresses[:MOST_ADDRESSES])
    ]
    known = _known(asked)
    found = []
    for place, one in enumerate(sightings):
        number = len(dict.fromkeys(one.addresses[:MOST_ADDRESSES]))
        share = 1 - known.get(place, 0) / number if number else 0
        found.append(replace(one, new=round(one.recipients * share)))
    return found


def _known(asked: Sequence[Asked]) -> dict[int, int]:
    """How many of the addresses asked for were written to before, by their place."""
    counted: dict[int, int] = {}
    for (place,) in statements.fetch(*asking(asked)) if asked else ():
        counted[place] = counted.get(place, 0) + 1
    return counted


def asking(asked: Sequence[Asked]) -> tuple[str, list[Any]]:
    """The query for those of these that were written to before: a step for each along the index."""
    rows = [
        (address, account, statements.moment(at), place) for address, account, at, place in asked
    ]
    if connection.vendor == "postgresql":
        lists = "unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::bigint[])"
        sql = f"WITH {_COLUMNS} AS (SELECT * FROM {lists}) {_EARLIER}"  # noqa: S608
        return sql, [list(column) for column in zip(*rows, strict=True)]
    places = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    sql = f"WITH {_COLUMNS} AS (VALUES {places}) {_EARLIER}"
    return sql, list(chain.from_iterable(rows))
