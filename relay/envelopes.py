"""What goes on the wire for a message: who sends it, to whom at once, and its bytes.

Owns how claimed recipients become transactions and envelopes; `client` hands them over.
"""

from collections.abc import Iterator, Sequence

from mailqueue.queue import Claimed
from relay.client import Envelope

# Recipients of one transaction: every server takes 100 (RFC 5321 §4.5.3.1.8).
MOST_RECIPIENTS = 50


def transactions(group: Sequence[Claimed]) -> Iterator[tuple[Claimed, ...]]:
    """Recipients of one message on one route, as they share transactions."""
    for start in range(0, len(group), MOST_RECIPIENTS):
        yield tuple(group[start : start + MOST_RECIPIENTS])


def envelope_of(claimed: Sequence[Claimed], content: bytes) -> Envelope:
    """The envelope of one transaction."""
    addresses = tuple(one.address for one in claimed)
    return Envelope(claimed[0].sender, addresses, content)
