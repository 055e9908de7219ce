"""What the relay refused: for administrators, and the newest of each account for its page."""

from datetime import datetime, timedelta

from mailqueue.models import LastRefusal, RefusedCall

# A script that tries again in a loop costs one write in this time.
EVERY = timedelta(seconds=1)
LONGEST_TEXT = 255


def note(file_name: str, uid: int | None, reason: str, now: datetime) -> RefusedCall:
    """Keep that the file `file_name` was set aside, and why.

    Its script had been told that the message was taken.
    """
    return RefusedCall.objects.create(
        refused_at=now, file_name=file_name[:255], uid=uid, reason=reason[:LONGEST_TEXT]
    )


def note_last(account_id: int, exit_code: int, text: str, now: datetime) -> bool:
    """Keep that a message of this account was refused; False if one was within the last second."""
    values = {"refused_at": now, "exit_code": exit_code, "text": text[:LONGEST_TEXT]}
    known = LastRefusal.objects.filter(account_id=account_id)
    if known.filter(refused_at__lte=now - EVERY).update(**values):
        return True
    _, is_new = LastRefusal.objects.get_or_create(account_id=account_id, defaults=values)
    return is_new


def forget(account_id: int, address: str) -> int:
    """Forget the last refusal of an account if it names an address; return how many that were.

    Part of the caller's transaction.
    """
    told = LastRefusal.objects.filter(account_id=account_id, text__icontains=address)
    return told.delete()[0]
