"""What is late: e-mails that were tried, not taken, and wait for their next try. Read only.

Walks the index of what waits in order of arrival, a bounded part of it: what was tried stands at
its beginning, unless much was released at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailqueue.models import HostingAccount, Recipient
from mailqueue.walks import Index, along


@dataclass(frozen=True, slots=True)
class Delay:
    """An e-mail that waits: to whom, since when, and what the other server last said."""

    address: str
    accepted_at: datetime
    next_attempt_at: datetime | None
    reply: str


@dataclass(frozen=True, slots=True)
class Delays:
    """How many wait after a try, and the first of them; `is_more` if not all were looked at."""

    number: int
    is_more: bool
    rows: Sequence[Delay]


def of_account(
    account: HostingAccount, before: datetime, listed: int = 20, limit: int = 1000
) -> Delays:
    """The e-mails accepted before a moment that wait after a try, among the first `limit`."""
    waiting = along(Index.WAITING, account.pk)
    seen = list(
        waiting.values_list("pk", "tries", "accepted_at")[: limit + 1],
    )
    late = [pk for pk, tries, accepted_at in seen[:limit] if tries and accepted_at < before]
    rows = Recipient.objects.filter(pk__in=late[:listed]).order_by("pk")
    return Delays(
        number=len(late),
        is_more=len(seen) > limit,
        rows=[Delay(row.address, row.accepted_at, row.next_attempt_at, row.reply) for row in rows],
    )
