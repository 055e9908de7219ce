"""The mailbox of the built-in simulator: what would have left the machine."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mailqueue.models import SimulatedMessage

KEPT = 1000


def store(
    sender: str, recipients: Sequence[str], subject: str, content: bytes, now: datetime
) -> SimulatedMessage:
    """Keep a message; only the newest thousand stay."""
    with transaction.atomic():
        message = SimulatedMessage.objects.create(
            received_at=now,
            sender=sender,
            recipients=list(recipients),
            subject=subject,
            content=content,
            size_bytes=len(content),
        )
        SimulatedMessage.objects.filter(pk__lte=message.pk - KEPT).delete()
    return message
