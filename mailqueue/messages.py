"""One message and what became of it for each recipient: a read model."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailqueue.models import HostingAccount, Message, Recipient

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class RecipientsPage:
    """A part of the recipients of a message; `next_after` leads to the next, if there is one."""

    rows: Sequence[Recipient]
    next_after: int | None


def find(account: HostingAccount, queue_id: str) -> Message | None:
    """The message of this account with this queue id; None if there is none, or no longer."""
    return Message.objects.filter(account=account, queue_id=queue_id).first()


def recipients_page(message: Message, after: int = 0, limit: int = PER_PAGE) -> RecipientsPage:
    """The recipients of a message in order of their numbers, those after `after`."""
    found = Recipient.objects.filter(message=message, pk__gt=after).order_by("pk")
    rows = list(found[: limit + 1])
    return RecipientsPage(rows[:limit], rows[limit - 1].pk if len(rows) > limit else None)
