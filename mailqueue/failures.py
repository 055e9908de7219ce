"""What was in error, or expired: the read model of « Emails en erreur » and of its export.

Walks a partial index of those that failed and another of those that came back, the newest first,
and merges the two; a page costs what its rows cost. A search reads what was in error in the period,
one account's.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice

from django.db.models import Count, Q, QuerySet

from mailqueue.bounces import Category
from mailqueue.models import HostingAccount, Recipient

PER_PAGE = 50
# More rows than that are no export but a copy of the table.
MOST_EXPORTED = 100_000
# A failure whose words were never judged.
UNJUDGED = Category.UNDEFINED


@dataclass(frozen=True, slots=True)
class Wish:
    """Which failures are wanted: since when, until when, of which category, with which words."""

    since: datetime
    category: Category | None = None
    search: str = ""
    until: datetime | None = None
    # Not failures, but what expired in the queue.
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One e-mail in error: when, to whom, what the server said, and what that means.

    Or one that expired in the queue: no server was asked.
    """

    ended_at: datetime
    address: str
    subject: str
    script: str
    category: Category
    status: str
    reply: str
    host: str
    queue_id: str
    is_expired: bool
    # It had been delivered, as far as the first server was concerned.
    has_come_back: bool = False


@dataclass(frozen=True, slots=True)
class FailuresPage:
    """A part of the list; `before` leads to the next part, if there is one."""

    rows: Sequence[Failure]
    before: str


def page(
    account: HostingAccount, wish: Wish, before: str = "", limit: int = PER_PAGE
) -> FailuresPage:
    """The failures that are wanted, after the place `before` of another page."""
    place = _place(before)
    rows: list[Recipient] = []
    for walk in _walks(account, wish):
        found = walk.rows if place is None else walk.behind(*place)
        rows += found[: limit + 1]
    rows.sort(key=_order, reverse=True)
    last = rows[limit - 1] if len(rows) > limit else None
    return FailuresPage([_failure(row) for row in rows[:limit]], _written(last) if last else "")


def numbers(account: HostingAccount, wish: Wish) -> dict[Category, int]:
    """How many failures that are wanted there are of each category, the most frequent first."""
    found: dict[Category, int] = defaultdict(int)
    for walk in _walks(account, wish):
        counted = walk.rows.order_by().values_list("category").annotate(number=Count("pk"))
        for category, number in counted:
            found[Category(category or UNJUDGED)] += number
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def everything(account: HostingAccount, wish: Wish) -> Iterator[Failure]:
    """All failures that are wanted, up to a hundred thousand, without keeping them in memory."""
    walks = [walk.rows.iterator(chunk_size=1000) for walk in _walks(account, wish)]
    for row in islice(merge(*walks, key=_order, reverse=True), MOST_EXPORTED):
        yield _failure(row)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Rows along one index, the newest first, and by which moment they are ordered."""

    rows: QuerySet[Recipient]
    moment: str

    def behind(self, moment: datetime, number: int) -> QuerySet[Recipient]:
        """Those behind a place of the list."""
        before = Q(**{f"{self.moment}__lt": moment})
        return self.rows.filter(before | Q(**{self.moment: moment}, pk__lt=number))


def _walks(account: HostingAccount, wish: Wish) -> list[_Walk]:
    rows = Recipient.objects.filter(account=account)
    if wish.is_expired:
        expired = rows.filter(status=Recipient.Status.EXPIRED)
        return [_walk(expired, "ended_at", wish)]
    failed = rows.filter(status=Recipient.Status.FAILED)
    back = rows.filter(returned_at__isnull=False)
    return [_walk(failed, "ended_at", wish), _walk(back, "returned_at", wish)]


def _walk(found: QuerySet[Recipient], moment: str, wish: Wish) -> _Walk:
    found = found.filter(**{f"{moment}__gte": wish.since})
    if wish.until is not None:
        found = found.filter(**{f"{moment}__lt": wish.until})
    if wish.category is not None:
        names = [wish.category.value] + ([""] if wish.category is UNJUDGED else [])
        found = found.filter(category__in=names)
    if wish.search:
        found = found.filter(
            Q(address__icontains=wish.search)
            | Q(reply__icontains=wish.search)
            | Q(message__subject__icontains=wish.search)
        )
    return _Walk(found.select_related("message").order_by(f"-{moment}", "-pk"), moment)


def _order(row: Recipient) -> tuple[datetime, int]:
    return row.in_error_at, row.pk


def _failure(row: Recipient) -> Failure:
    return Failure(
        ended_at=row.in_error_at,
        address=row.address,
        subject=row.message.subject,
        script=row.message.script,
        category=Category(row.category or UNJUDGED),
        status=row.reply_status,
        reply=row.reply,
        host=row.reply_host,
        queue_id=row.message.queue_id,
        is_expired=row.status == Recipient.Status.EXPIRED,
        has_come_back=row.returned_at is not None,
    )


_NUMBER = re.compile("[0-9]{1,16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _written(row: Recipient) -> str:
    """The place of a row in the list: microseconds and number."""
    moment = row.in_error_at
    return f"{(moment - _EPOCH) // timedelta(microseconds=1)}-{row.pk}"


def _place(written: str) -> tuple[datetime, int] | None:
    """The place that `_written` wrote; None for anything else."""
    microseconds, _, number = written.partition("-")
    # Sixteen digits reach the year 2286; both databases take eighteen.
    if not _NUMBER.fullmatch(microseconds) or not _NUMBER.fullmatch(number):
        return None
    return _EPOCH + timedelta(microseconds=int(microseconds)), int(number)
