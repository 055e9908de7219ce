"""What goes on the wire for a message: who sends it, to whom at once, and its bytes.

Owns how claimed recipients become transactions and envelopes; `client` hands them over.

Where a bounce domain is set the return path names the recipient, so each has a transaction of its
own. The null sender stays null: what nobody wants back must not come back to us.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.conf import settings

from mailqueue import return_path
from mailqueue.queue import Claimed
from relay.client import Envelope

# Recipients of one transaction: every server takes 100 (RFC 5321 §4.5.3.1.8).
MOST_RECIPIENTS = 50


def transactions(group: Sequence[Claimed]) -> Iterator[tuple[Claimed, ...]]:
    """Recipients of one message on one route, as they share transactions."""
    most = 1 if settings.BOUNCE_DOMAIN and group[0].sender else MOST_RECIPIENTS
    for start in range(0, len(group), most):
        yield tuple(group[start : start + most])


def envelope_of(claimed: Sequence[Claimed], content: bytes, now: datetime) -> Envelope:
    """The envelope of one transaction, as it goes out at `now`."""
    addresses = tuple(one.address for one in claimed)
    sender = claimed[0].sender
    if sender and len(claimed) == 1:
        # The author's own stays in the row, for the page.
        sender = return_path.of_recipient(claimed[0].recipient_id, now) or sender
    return Envelope(sender, addresses, content)
