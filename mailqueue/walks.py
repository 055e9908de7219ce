"""Along the recipients of one account in order of arrival, by a partial index and nothing else.

Both databases take another way where they are asked as usual. Of a condition with parameters
SQLite proves nothing, so it walks through the table; PostgreSQL walks the primary key, past the
mail that has ended and that of all others, because that looks cheap where few rows are wanted:
350 ms for a million rows, against 1 ms.
"""

from enum import StrEnum

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from mailqueue.models import Recipient

END = 2**63 - 1


class Index(StrEnum):
    """The conditions of the partial indexes of (account, id), to the letter."""

    QUEUED = "mailqueue_recipient.status IN ('waiting', 'sending', 'held')"
    HELD = "mailqueue_recipient.status = 'held'"
    OVERFLOW = (
        "mailqueue_recipient.status = 'held' AND mailqueue_recipient.hold_reason = 'overflow'"
    )
    SPAM = "mailqueue_recipient.status = 'held' AND mailqueue_recipient.hold_reason = 'spam'"
    SCRIPT = "mailqueue_recipient.status = 'held' AND mailqueue_recipient.hold_reason = 'script'"
    WAITING = "mailqueue_recipient.status = 'waiting'"


# A piece of the index. PostgreSQL gets it in pairs: told of account and number one by one, it takes
# the primary key. SQLite ends a walk only at single columns.
_ACCOUNT, _ID = "mailqueue_recipient.account_id", "mailqueue_recipient.id"
_BETWEEN = f"({_ACCOUNT}, {_ID}) > (%s, %s) AND ({_ACCOUNT}, {_ID}) < (%s, %s)"
_BETWEEN_ON_SQLITE = f"{_ACCOUNT} = %s AND {_ID} > %s AND {_ACCOUNT} = %s AND {_ID} < %s"


def along(
    index: Index, account_id: int, above: int = 0, below: int = END, *, is_back: bool = False
) -> QuerySet[Recipient]:
    """The recipients of an account in an index, between two numbers; `is_back`: newest first."""
    between = _BETWEEN_ON_SQLITE if connection.vendor == "sqlite" else _BETWEEN
    condition = RawSQL(  # noqa: S611 - constants of our own
        f"{index.value} AND {between}",
        (account_id, above, account_id, below),
        output_field=BooleanField(),
    )
    order = ("-account_id", "-pk") if is_back else ("account_id", "pk")
    return Recipient.objects.filter(condition).order_by(*order)
