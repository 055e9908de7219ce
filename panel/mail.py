"""The panel's own letters: a Django e-mail backend that hands them to our queue.

They belong to a system account that no state blocks and no page lists, so they count against
nobody; their envelope sender is the null one, so no bounce of theirs can cause another letter
(RFC 5321 §4.5.5).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import Message as Letter
from email.utils import make_msgid, parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import Error, transaction

from mailqueue import accounts, maillog, queue
from mailqueue.celery import DELIVER, hint
from mailqueue.errors import FacteurError
from mailqueue.models import Message
from mailqueue.queue import Receipt, Submission


class QueueBackend(BaseEmailBackend):
    """Accepts letters into the queue; they are durable when `send_messages` returns."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Take over letters, all or none; return how many.

        Raises django.db.Error or InvalidSubmission unless `fail_silently`.
        """
        now = datetime.now(UTC)
        letters = [letter for letter in email_messages if letter.recipients()]
        try:
            account = accounts.system(now)
            submissions = [_submission(account.pk, letter) for letter in letters]
            receipts = queue.accept(submissions, now)
        except (Error, FacteurError):
            if self.fail_silently:
                return 0
            raise
        if receipts:
            # Before the commit there is nothing that a worker could see.
            transaction.on_commit(lambda: _tell(submissions, receipts))
        return len(receipts)


def _tell(submissions: Sequence[Submission], receipts: Sequence[Receipt]) -> None:
    for submission, receipt in zip(submissions, receipts, strict=True):
        maillog.accepted(receipt.queue_id, submission)
    hint(DELIVER)


def _submission(account_id: int, letter: EmailMessage) -> Submission:
    # Django would name this machine as its own resolver does.
    letter.extra_headers.setdefault("Message-ID", make_msgid(domain=settings.HOSTNAME))
    content = _bytes(letter.message())
    return Submission(
        account_id=account_id,
        sender="",
        recipients=tuple(dict.fromkeys(_address(written) for written in letter.recipients())),
        content=content,
        size_bytes=len(content),
        subject=str(letter.subject),
        origin=Message.Origin.PANEL,
    )


def _bytes(message: Letter) -> bytes:
    # What answers by itself must leave such letters alone (RFC 3834 §5).
    message["Auto-Submitted"] = "auto-generated"
    content: bytes = message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _address(written: str) -> str:
    """The address alone, of one that a name may stand beside."""
    return parseaddr(written)[1]
