"""What enters the queue."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import zstandard
from django.db import transaction

from mailqueue import schedule
from mailqueue.counters import Tallies
from mailqueue.errors import InvalidSubmission, UnknownAccount
from mailqueue.models import Body, HostingAccount, Message, Recipient
from mailqueue.queue.rows import HoldReason, Status, delivers, lock_accounts, storable

# Below this a body is not worth compressing, in bytes.
COMPRESS_ABOVE = 1024
LONGEST_ADDRESS = 320  # 64 + "@" + 255 (RFC 5321 §4.5.3.1)


@dataclass(frozen=True, slots=True)
class Submission:
    """A message to take over, as `relay` or the panel made it ready.

    `content` is what goes out: CRLF line ends, headers complete, not dot-stuffed. `size_bytes` is
    its size as it came, on the wire. `script` and `folder` are hints about who sent it.
    Raises InvalidSubmission if it has no recipients, or cannot go out like this.
    """

    account_id: int
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    size_bytes: int
    subject: str
    origin: Message.Origin
    handover_id: str = ""
    script: str = ""
    folder: str = ""

    def __post_init__(self) -> None:
        if not self.recipients or len(set(self.recipients)) != len(self.recipients):
            raise InvalidSubmission("a message goes to at least one recipient, to each once")
        for address in self.recipients:
            if "@" not in address or len(address) > LONGEST_ADDRESS or not address.isprintable():
                raise InvalidSubmission(f"{address!r} is no address")
        if len(self.sender) > LONGEST_ADDRESS or not self.sender.isprintable():
            raise InvalidSubmission(f"{self.sender!r} is no address")
        if not self.content.endswith(b"\r\n"):
            raise InvalidSubmission("a message ends with CRLF")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `accept` answers: the message is durable under `queue_id`.

    `is_duplicate` says that it already was: the same hand-over came twice.
    """

    queue_id: str
    is_duplicate: bool = False


def accept(submissions: Sequence[Submission], now: datetime) -> list[Receipt]:
    """Take over messages, in one transaction for all: they are durable when this returns.

    The mail of a blocked account is held. A hand-over that is already here is not taken again.
    Raises UnknownAccount or django.db.Error; then none was taken.
    """
    packed = [_pack(submission.content) for submission in submissions]
    with transaction.atomic():
        accounts = lock_accounts(submission.account_id for submission in submissions)
        receipts = _known_handovers(submissions)
        tallies = Tallies()
        messages: list[Message] = []
        bodies: list[Body] = []
        rows: list[Recipient] = []
        answers: list[Receipt] = []
        for submission, (content, is_compressed) in zip(submissions, packed, strict=True):
            known = receipts.get(submission.handover_id) if submission.handover_id else None
            if known is not None:
                answers.append(known)
                continue
            if submission.account_id not in accounts:
                raise UnknownAccount(str(submission.account_id))
            account = accounts[submission.account_id]
            message = _message(submission, now)
            messages.append(message)
            bodies.append(Body(message=message, content=content, is_compressed=is_compressed))
            new = _recipients(submission, message, account, now)
            rows.extend(new)
            tallies[account.pk].accepted += len(new)
            tallies[account.pk].held += sum(row.status == Status.HELD for row in new)
            answers.append(Receipt(message.queue_id))
            if submission.handover_id:
                receipts[submission.handover_id] = Receipt(message.queue_id, is_duplicate=True)
        Message.objects.bulk_create(messages)
        for body in bodies:
            body.message_id = body.message.pk
        for row in rows:
            row.message_id = row.message.pk
        Body.objects.bulk_create(bodies)
        Recipient.objects.bulk_create(rows)
        tallies.write(now)
    return answers


def content_of(message_id: int) -> bytes | None:
    """The bytes of a message as they go out, or None if they are no longer kept."""
    return contents_of([message_id]).get(message_id)


def contents_of(message_ids: Iterable[int]) -> dict[int, bytes]:
    """The bytes of those of the messages that are still kept, by their numbers."""
    return {body.message_id: _unpack(body) for body in Body.objects.filter(pk__in=message_ids)}


def _message(submission: Submission, now: datetime) -> Message:
    return Message(
        account_id=submission.account_id,
        queue_id=base64.b32encode(secrets.token_bytes(8)).decode("ascii")[:12],
        handover_id=submission.handover_id or None,
        origin=submission.origin,
        accepted_at=now,
        sender=submission.sender,
        subject=storable(submission.subject, 255),
        script=storable(submission.script, 255),
        folder=storable(submission.folder, 1024),
        size_bytes=submission.size_bytes,
    )


def _recipients(
    submission: Submission, message: Message, account: HostingAccount, now: datetime
) -> list[Recipient]:
    is_held = not delivers(account)
    return [
        Recipient(
            message=message,
            account_id=account.pk,
            address=address,
            domain=address.rpartition("@")[2].lower()[:255],
            status=Status.HELD if is_held else Status.WAITING,
            hold_reason=HoldReason.BLOCKED if is_held else HoldReason.NONE,
            accepted_at=now,
            deadline=schedule.deadline(now),
            next_attempt_at=None if is_held else now,
        )
        for address in submission.recipients
    ]


def _pack(content: bytes) -> tuple[bytes, bool]:
    if len(content) > COMPRESS_ABOVE:
        packed = zstandard.ZstdCompressor().compress(content)
        if len(packed) < len(content):
            return packed, True
    return content, False


def _unpack(body: Body) -> bytes:
    content = bytes(body.content)
    return zstandard.ZstdDecompressor().decompress(content) if body.is_compressed else content


def _known_handovers(submissions: Sequence[Submission]) -> dict[str, Receipt]:
    ids = [submission.handover_id for submission in submissions if submission.handover_id]
    known = Message.objects.filter(handover_id__in=ids).values_list("handover_id", "queue_id")
    return {
        handover_id: Receipt(queue_id, is_duplicate=True)
        for handover_id, queue_id in known
        if handover_id is not None
    }
