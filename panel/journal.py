"""What stands in the journal: its read model, for its pages and its exports.

Walks an index by time, of all entries or of one account's, the newest first. A filter by actor or
action reads what the period holds.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from mailqueue.models import HostingAccount
from panel.models import AuditEntry

PER_PAGE = 50
# More rows than that are no export but a copy of the table.
MOST_EXPORTED = 100_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Which entries are wanted: since when, of which account, by whom, of which action."""

    since: datetime
    account: HostingAccount | None = None
    # The name of an account, as somebody typed it.
    account_name: str = ""
    actor: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class JournalPage:
    """A part of the journal; `before` leads to the next part, if there is one."""

    rows: Sequence[AuditEntry]
    before: str


def page(wish: Wish, before: str = "", limit: int = PER_PAGE) -> JournalPage:
    """The entries that are wanted, after the place `before` of another page."""
    found = _wanted(wish)
    place = _place(before)
    if place is not None:
        moment, number = place
        found = found.filter(Q(at__lt=moment) | Q(at=moment, pk__lt=number))
    rows = list(found[: limit + 1])
    last = rows[limit - 1] if len(rows) > limit else None
    return JournalPage(rows[:limit], _written(last) if last else "")


def everything(wish: Wish) -> Iterator[AuditEntry]:
    """All entries that are wanted, up to a hundred thousand, without keeping them in memory."""
    return _wanted(wish)[:MOST_EXPORTED].iterator(chunk_size=1000)


def _wanted(wish: Wish) -> QuerySet[AuditEntry]:
    found = AuditEntry.objects.filter(at__gte=wish.since)
    if wish.account is not None:
        found = found.filter(account=wish.account)
    if wish.account_name:
        found = found.filter(account__service_name=wish.account_name.lower())
    if wish.actor:
        # Whoever failed to sign in has done nothing yet: his name is what it was tried on.
        found = found.filter(Q(actor__iexact=wish.actor) | Q(actor="", target__iexact=wish.actor))
    if wish.action:
        found = found.filter(action=wish.action)
    return found.select_related("account").order_by("-at", "-pk")


_NUMBER = re.compile("[0-9]{1,16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _written(row: AuditEntry) -> str:
    """The place of a row: microseconds and number."""
    return f"{(row.at - _EPOCH) // timedelta(microseconds=1)}-{row.pk}"


def _place(written: str) -> tuple[datetime, int] | None:
    """The place that `_written` wrote; None for anything else."""
    microseconds, _, number = written.partition("-")
    # Sixteen digits reach the year 2286; both databases take eighteen.
    if not _NUMBER.fullmatch(microseconds) or not _NUMBER.fullmatch(number):
        return None
    return _EPOCH + timedelta(microseconds=int(microseconds)), int(number)
