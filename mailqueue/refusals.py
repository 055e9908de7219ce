"""What the relay refused after its script had been told that it was taken: for administrators."""

from datetime import datetime

from mailqueue.models import RefusedCall


def note(file_name: str, uid: int | None, reason: str, now: datetime) -> RefusedCall:
    """Keep that the file `file_name` was set aside, and why."""
    return RefusedCall.objects.create(
        refused_at=now, file_name=file_name[:255], uid=uid, reason=reason[:255]
    )
