"""What is kept about one address in one account: a read model, for who asks what is known of him.

Addresses are compared without regard to case, along an index. Nothing here counts without a bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet, Value
from django.db.models.functions import Lower

from mailqueue.models import HostingAccount, Recipient

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Traces:
    """How many e-mails to an address have ended, and how many have not.

    `is_more` tells that there are more than were counted.
    """

    ended: int
    live: int
    is_more: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not self.ended and not self.live


def to_address(account_id: int, address: str) -> QuerySet[Recipient]:
    """The e-mails to this address, in whatever case it was written."""
    return Recipient.objects.alias(lowered=Lower("address")).filter(
        lowered=Lower(Value(address)), account_id=account_id
    )


def look(account: HostingAccount, address: str, most: int = MOST_COUNTED) -> Traces:
    """What there is to an address, up to `most` e-mails of either kind."""
    found = to_address(account.pk, address).values_list("pk", flat=True)
    # Each by itself: one that has not ended must be seen behind any number of those that have.
    ended, live = (
        len(found.filter(status__in=statuses)[: most + 1])
        for statuses in (Recipient.ENDED, Recipient.LIVE)
    )
    return Traces(min(ended, most), min(live, most), max(ended, live) > most)


def everything(account: HostingAccount, address: str) -> Iterator[Recipient]:
    """All e-mails to an address, each with its message, without keeping them in memory."""
    found = to_address(account.pk, address).select_related("message").order_by("pk")
    return found.iterator(chunk_size=1000)
