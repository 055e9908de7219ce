"""What is kept about one address, taken out of rows that have ended; the counts stay."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat, Lower

from mailqueue import judgements
from mailqueue.models import (
    Body,
    Message,
    Recipient,
    Refused,
    Returned,
    Strike,
    Suppression,
)
from mailqueue.queue.rows import lock_accounts, lock_rows
from mailqueue.return_tokens import Purpose

# Never a domain (RFC 2606); the number keeps the recipients of one message apart.
_NOBODYS = "invalid"
_MARKER = Concat(Value("erased-"), Cast("pk", CharField()), Value(f"@{_NOBODYS}"))


def erase(account_id: int, address: str, limit: int = 500) -> int:
    """Make up to `limit` ended e-mails of an account to `address` nobody's; return how many.

    The address becomes a marker, the replies of the other side go, and so do subjects and replies
    to others in the same message that hold the address. The body goes with the only recipient.
    What has not ended is left alone: it could not be delivered any more.
    Note: a body that went to others as well may name the address until it goes with the last.
    """
    with transaction.atomic():
        lock_accounts([account_id])
        found = Recipient.objects.alias(lowered=Lower("address")).filter(
            lowered=Lower(Value(address)), account_id=account_id, status__in=Recipient.ENDED
        )
        rows = lock_rows(found.order_by("pk").values_list("pk", flat=True)[:limit])
        messages = {row.message_id for row in rows.values()}
        Recipient.objects.filter(pk__in=rows).update(address=_MARKER, domain=_NOBODYS, reply="")
        Recipient.objects.filter(message__in=messages, reply__icontains=address).update(reply="")
        Message.objects.filter(pk__in=messages, subject__icontains=address).update(subject="")
        judgements.forget(messages, address)
        others = Recipient.objects.filter(message=OuterRef("pk")).exclude(pk__in=rows)
        Body.objects.filter(~Exists(others), pk__in=messages).delete()
        # What came back of them names the address as well. That it is excluded stays: who erases it
        # would write to it again.
        Returned.objects.filter(purpose=Purpose.RETURN.value, number__in=rows).delete()
        Strike.objects.filter(account_id=account_id, address=address.lower()).delete()
        Suppression.objects.filter(account_id=account_id, address=address.lower()).update(words="")
        Refused.objects.filter(account_id=account_id, words__icontains=address).update(words="")
    return len(rows)


def erased(recipient_ids: Iterable[int]) -> set[int]:
    """Which of these recipients are nobody's any more: what comes back of them names an address."""
    found = Recipient.objects.filter(
        pk__in=set(recipient_ids), domain=_NOBODYS, address__startswith="erased-"
    )
    return set(found.values_list("pk", flat=True))
