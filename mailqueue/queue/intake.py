"""What enters the queue."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import zstandard
from django.db import transaction

from mailqueue import limits, policy, schedule, windows
from mailqueue.counters import Tallies
from mailqueue.errors import InvalidSubmission, UnknownAccount
from mailqueue.models import AccountTotals, Body, HostingAccount, Message, Recipient
from mailqueue.policy import Limits, Usage
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

    @property
    def is_late(self) -> bool:
        """Whether it was handed over some time ago, while the relay was away."""
        return self.origin is Message.Origin.MAILDROP

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

    `is_duplicate` says that it already was: the same hand-over came twice. `is_refused` says that
    it was not taken: too much is held. `nears_limit` says that rules should look at the account.
    """

    queue_id: str
    is_duplicate: bool = False
    is_refused: bool = False
    nears_limit: bool = False


REFUSED = Receipt("", is_refused=True)


def accept(submissions: Sequence[Submission], now: datetime) -> list[Receipt]:
    """Take over messages, in one transaction for all: they are durable when this returns.

    The mail of a blocked account is held, and so is what exceeds its quotas; if more would be held
    than it may have, the message is refused. A hand-over that is already here is not taken again.
    Raises UnknownAccount or django.db.Error; then none was taken.
    """
    packed = [_pack(submission.content) for submission in submissions]
    with transaction.atomic():
        doors = _doors(submissions, now)
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
            if submission.account_id not in doors:
                raise UnknownAccount(str(submission.account_id))
            door = doors[submission.account_id]
            split = door.split(submission)
            if split is None:
                answers.append(REFUSED)
                continue
            message = _message(submission, now)
            messages.append(message)
            bodies.append(Body(message=message, content=content, is_compressed=is_compressed))
            rows.extend(_recipients(submission, message, split, door.limits, now))
            tally = tallies[submission.account_id]
            tally.accepted += split.number
            tally.late += split.number if submission.is_late else 0
            tally.admitted += split.admitted
            tally.held += split.held
            tally.held_bytes += split.held * submission.size_bytes
            tally.overflow += split.held if split.reason is HoldReason.OVERFLOW else 0
            tally.largest_bytes = max(tally.largest_bytes, submission.size_bytes)
            answers.append(Receipt(message.queue_id, nears_limit=door.nears_limit))
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


@dataclass(frozen=True, slots=True)
class Split:
    """How many of a message's recipients may go out, and why the others are held."""

    admitted: int
    held: int
    reason: HoldReason

    @property
    def number(self) -> int:
        """All of them."""
        return self.admitted + self.held


class _Door:
    """What an account may still have let through, and held, while a transaction lasts."""

    def __init__(self, account: HostingAccount, totals: AccountTotals, usage: Usage) -> None:
        self.limits = limits.of(account)
        self.usage = usage
        self._is_open = delivers(account)
        self._held = totals.held
        self._held_bytes = totals.held_bytes
        # Who came first goes first: while some wait for the quota, newcomers wait behind them.
        self._has_line = totals.overflow > 0

    @property
    def nears_limit(self) -> bool:
        """Whether a quota is nearly used, or too much was handed over of late."""
        return bool(
            policy.nearly_used(self.limits, self.usage)
            or policy.too_fast(self.limits, self.usage.fast)
        )

    def split(self, submission: Submission) -> Split | None:
        """Let the recipients of a message in; None if more would be held than may be."""
        split = self._split(len(submission.recipients))
        held = self._held + split.held
        held_bytes = self._held_bytes + split.held * submission.size_bytes
        if split.held and not policy.may_hold(self.limits, held, held_bytes):
            return None
        self._held, self._held_bytes = held, held_bytes
        self._has_line |= split.reason is HoldReason.OVERFLOW and split.held > 0
        handed_over = 0 if submission.is_late else split.number
        self.usage = self.usage.plus(admitted=split.admitted, accepted=handed_over)
        return split

    def _split(self, number: int) -> Split:
        if not self._is_open:
            return Split(0, number, HoldReason.BLOCKED)
        room = 0 if self._has_line else policy.room(self.limits, self.usage)
        admitted = number if room is None else min(number, room)
        return Split(admitted, number - admitted, HoldReason.OVERFLOW)


def _doors(submissions: Sequence[Submission], now: datetime) -> dict[int, _Door]:
    accounts = lock_accounts(submission.account_id for submission in submissions)
    totals = AccountTotals.objects.in_bulk(list(accounts))
    usages = windows.usages(
        [account for account in accounts.values() if limits.of(account) != limits.NONE], now
    )
    return {
        pk: _Door(account, totals[pk], usages.get(pk, Usage())) for pk, account in accounts.items()
    }


def content_of(message_id: int) -> bytes | None:
    """The bytes of a message as they go out, or None if they are no longer kept."""
    return contents_of([message_id]).get(message_id)


def contents_of(message_ids: Iterable[int]) -> dict[int, bytes]:
    """The bytes of those of the messages that are still kept, by their numbers."""
    bodies = Body.objects.filter(pk__in=message_ids)
    rows = bodies.values_list("message_id", "content", "is_compressed")
    return {message_id: _unpack(bytes(content), packed) for message_id, content, packed in rows}


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
    submission: Submission, message: Message, split: Split, limits: Limits, now: datetime
) -> list[Recipient]:
    """The rows of a message's recipients: the first of them are let through, the others held."""
    rows = []
    for place, address in enumerate(submission.recipients):
        is_held = place >= split.admitted
        rows.append(
            Recipient(
                message=message,
                account_id=submission.account_id,
                address=address,
                domain=address.rpartition("@")[2].lower()[:255],
                status=Status.HELD if is_held else Status.WAITING,
                hold_reason=split.reason if is_held else HoldReason.NONE,
                accepted_at=now,
                deadline=schedule.deadline(now, hold=limits.hold),
                next_attempt_at=None if is_held else now,
                admitted_at=None if is_held else now,
            )
        )
    return rows


def _pack(content: bytes) -> tuple[bytes, bool]:
    if len(content) > COMPRESS_ABOVE:
        packed = zstandard.ZstdCompressor().compress(content)
        if len(packed) < len(content):
            return packed, True
    return content, False


def _unpack(content: bytes, is_compressed: bool) -> bytes:
    return zstandard.ZstdDecompressor().decompress(content) if is_compressed else content


def _known_handovers(submissions: Sequence[Submission]) -> dict[str, Receipt]:
    ids = [submission.handover_id for submission in submissions if submission.handover_id]
    known = Message.objects.filter(handover_id__in=ids).values_list("handover_id", "queue_id")
    return {
        handover_id: Receipt(queue_id, is_duplicate=True)
        for handover_id, queue_id in known
        if handover_id is not None
    }
