"""What enters the queue."""

import base64
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import zstandard
from django.db import transaction

from mailqueue import schedule, scripts, statements, suppressions, windows
from mailqueue.counters import Standing, Tallies
from mailqueue.errors import InvalidSubmission, UnknownAccount
from mailqueue.headers import UNCHANGED, Changes
from mailqueue.models import Body, HostingAccount, Message, Recipient
from mailqueue.policy import Limits
from mailqueue.probes import Arrival, Taking
from mailqueue.queue.doors import Door, Split
from mailqueue.queue.rows import HoldReason, Status, lock_accounts, storable

# Below this a body is not worth compressing, in bytes.
COMPRESS_ABOVE = 1024
LONGEST_ADDRESS = 320  # 64 + "@" + 255 (RFC 5321 §4.5.3.1)


@dataclass(frozen=True, slots=True)
class Submission:
    """A message to take over, as `relay` or the panel made it ready.

    `content` is what goes out: CRLF line ends, headers complete, not dot-stuffed. `size_bytes` is
    its size as it came, on the wire. `script` and `folder` are hints about who sent it. `changes`
    are what was done to its header, for whoever asks what became of a probe.
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
    changes: Changes = UNCHANGED

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


_MESSAGE = (
    "id",
    "account_id",
    "queue_id",
    "handover_id",
    "origin",
    "accepted_at",
    "sender",
    "subject",
    "script",
    "folder",
    "size_bytes",
)
_BODY = ("message_id", "content", "is_compressed")
_RECIPIENT = (
    "message_id",
    "account_id",
    "address",
    "domain",
    "accepted_at",
    "deadline",
    "status",
    "hold_reason",
    "next_attempt_at",
    "admitted_at",
    "ended_at",
)


@dataclass(frozen=True, slots=True)
class Packed:
    """A body as it is kept."""

    content: bytes
    is_compressed: bool


class _Packing(threading.local):
    """To make a compressor costs more than to use it, and no two threads may share one."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor()


_packing = _Packing()


def accept(submissions: Sequence[Submission], now: datetime) -> list[Receipt]:
    """Take over messages, in one transaction for all: they are durable when this returns.

    The mail of a blocked account or script is held, and so is what exceeds its quotas; if more
    would be held than it may have, the message is refused. A recipient whose address is suppressed
    ends at once. A hand-over that is already here is not taken again. What goes to a test address
    is kept by `probes` and enters no queue.
    Raises UnknownAccount or django.db.Error; then none was taken.
    """
    packed = [_pack(submission.content) for submission in submissions]
    with transaction.atomic():
        accounts = lock_accounts(submission.account_id for submission in submissions)
        known_now = _known(accounts, submissions, now)
        blocks = scripts.blocks_of(accounts.values())
        doors, receipts = known_now.doors, known_now.receipts
        entry = _Entry(known_now.ids, known_now.unwanted, now)
        taking = Taking(now)
        answers: list[Receipt] = []
        for submission, body in zip(submissions, packed, strict=True):
            known = receipts.get(submission.handover_id) if submission.handover_id else None
            if known is not None:
                answers.append(known)
                continue
            if submission.account_id not in doors:
                raise UnknownAccount(str(submission.account_id))
            door = doors[submission.account_id]
            found = taking.sort(submission.account_id, submission.recipients)
            if found.is_probe and not found.queued:
                answers.append(Receipt(taking.keep(_arrival(submission, body))))
                continue
            queued = replace(submission, recipients=found.queued) if found.is_probe else submission
            wanted = entry.wanted(queued, found.missed)
            split = door.split(
                len(wanted),
                submission.size_bytes,
                is_late=submission.is_late,
                is_stopped=bool(blocks)
                and blocks.stops(submission.account_id, *_source(submission)),
            )
            if split is None:
                answers.append(REFUSED)
                continue
            if found.is_probe:
                taking.keep(_arrival(submission, body))
            queue_id = entry.add(queued, wanted, body, split, door.limits)
            answers.append(Receipt(queue_id, nears_limit=door.nears_limit))
            if submission.handover_id:
                receipts[submission.handover_id] = Receipt(queue_id, is_duplicate=True)
        entry.write()
    return answers


class _Entry:
    """The rows of what one transaction takes."""

    def __init__(self, ids: Sequence[int], unwanted: Set[tuple[int, str]], now: datetime) -> None:
        self._now = now
        # Some are left over when a message is not taken.
        self._ids = ids
        self._unwanted = unwanted
        self._queue_ids = _queue_ids(len(ids))
        self._at = statements.moment(now)
        self._messages: list[tuple[Any, ...]] = []
        self._bodies: list[tuple[Any, ...]] = []
        self._recipients: list[tuple[Any, ...]] = []
        self._tallies = Tallies()

    def wanted(self, submission: Submission, missed: Set[str]) -> tuple[str, ...]:
        """The recipients of a message whose address is not suppressed, nor missed by a probe."""
        if not self._unwanted and not missed:
            return submission.recipients
        return tuple(
            address
            for address in submission.recipients
            if (submission.account_id, address.lower()) not in self._unwanted
            and address not in missed
        )

    def add(
        self,
        submission: Submission,
        wanted: Sequence[str],
        body: Packed,
        split: Split,
        limits: Limits,
    ) -> str:
        """Take a message: the first of `wanted` are let through, the others held.

        Its other recipients end at once as suppressed; with all of them its body is not kept.
        Returns its queue id.
        """
        pk, queue_id = self._ids[len(self._messages)], next(self._queue_ids)
        self._messages.append((pk, *self._message(submission, queue_id)))
        if wanted:
            self._bodies.append((pk, body.content, body.is_compressed))
        deadline = statements.moment(schedule.deadline(self._now, hold=limits.hold))
        # Status, reason, next attempt, admission and end.
        through = (Status.WAITING.value, HoldReason.NONE.value, self._at, self._at, None)
        held = (Status.HELD.value, split.reason.value, None, None, None)
        ended = (Status.SUPPRESSED.value, HoldReason.NONE.value, None, None, self._at)
        fates = {
            address: through if number < split.admitted else held
            for number, address in enumerate(wanted)
        }
        for address in submission.recipients:
            row = (
                pk,
                submission.account_id,
                address,
                address.rpartition("@")[2].lower()[:255],
                self._at,
                deadline,
                *fates.get(address, ended),
            )
            self._recipients.append(row)
        self._count(submission, split)
        return queue_id

    def write(self) -> None:
        """Write all of it down."""
        if not self._messages:
            return
        with statements.together():
            statements.insert(Message, _MESSAGE, self._messages)
            statements.insert(Body, _BODY, self._bodies)
            statements.insert(Recipient, _RECIPIENT, self._recipients)
            self._tallies.write(self._now)

    def _message(self, submission: Submission, queue_id: str) -> tuple[Any, ...]:
        return (
            submission.account_id,
            queue_id,
            submission.handover_id or None,
            str(submission.origin),
            self._at,
            submission.sender,
            storable(submission.subject, 255),
            *_source(submission)[:2],
            submission.size_bytes,
        )

    def _count(self, submission: Submission, split: Split) -> None:
        tally = self._tallies[submission.account_id]
        tally.accepted += len(submission.recipients)
        tally.suppressed += len(submission.recipients) - split.number
        # What a blocked script hands over stops no account.
        is_timely = not submission.is_late and split.reason is not HoldReason.SCRIPT
        tally.late += 0 if is_timely else len(submission.recipients)
        tally.admitted += split.admitted
        tally.held += split.held
        tally.held_bytes += split.held * submission.size_bytes
        tally.overflow += split.held if split.reason is HoldReason.OVERFLOW else 0
        tally.largest_bytes = max(tally.largest_bytes, submission.size_bytes)


def _source(submission: Submission) -> tuple[str, str, str]:
    """The script, folder and way in, as they are kept."""
    return (
        storable(submission.script, 255),
        storable(submission.folder, 1024),
        str(submission.origin),
    )


def content_of(message_id: int) -> bytes | None:
    """The bytes of a message as they go out, or None if they are no longer kept."""
    return contents_of([message_id]).get(message_id)


def contents_of(message_ids: Iterable[int]) -> dict[int, bytes]:
    """The bytes of those of the messages that are still kept, by their numbers."""
    among, values = statements.among(message_ids)
    rows = statements.fetch(
        "SELECT message_id, content, is_compressed "  # noqa: S608
        f"FROM {Body._meta.db_table} WHERE message_id {among}",
        values,
    )
    return {message_id: unpack(bytes(content), packed) for message_id, content, packed in rows}


def _arrival(submission: Submission, body: Packed) -> Arrival:
    """A message for a test address, under a queue id of its own."""
    return Arrival(
        account_id=submission.account_id,
        queue_id=next(_queue_ids(1)),
        handover_id=submission.handover_id,
        sender=submission.sender,
        script=storable(submission.script, 255),
        folder=storable(submission.folder, 1024),
        origin=str(submission.origin),
        size_bytes=submission.size_bytes,
        changes=submission.changes,
        content=body.content,
        is_compressed=body.is_compressed,
    )


def _queue_ids(number: int) -> Iterator[str]:
    """So many queue ids, by one question to the kernel: each lets other threads in, and waits."""
    chance = secrets.token_bytes(8 * number)
    for place in range(0, len(chance), 8):
        yield base64.b32encode(chance[place : place + 8]).decode("ascii")[:12]


def _pack(content: bytes) -> Packed:
    if len(content) > COMPRESS_ABOVE:
        packed = _packing.compressor.compress(content)
        if len(packed) < len(content):
            return Packed(packed, is_compressed=True)
    return Packed(content, is_compressed=False)


def unpack(content: bytes, is_compressed: bool) -> bytes:
    """A body as it goes out, of a body as it is kept."""
    return zstandard.ZstdDecompressor().decompress(content) if is_compressed else content


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known before messages are taken.

    The doors of the accounts, which are locked; the hand-overs that are here already; numbers for
    the messages; and whose mail to which address, in lower case, does not go out.
    """

    doors: Mapping[int, Door]
    receipts: dict[str, Receipt]
    ids: Sequence[int]
    unwanted: Set[tuple[int, str]]


def _known(
    accounts: Mapping[int, HostingAccount], submissions: Sequence[Submission], now: datetime
) -> _Known:
    """What is known before messages are taken, in one round trip."""
    ids = [submission.handover_id for submission in submissions if submission.handover_id]
    condition, values = statements.among(ids)
    table = Message._meta.db_table
    sql = f"SELECT handover_id, queue_id FROM {table} WHERE handover_id {condition}"  # noqa: S608
    recipients = _recipients(accounts, submissions)
    numbers, here, listed, *standings = statements.fetch_all(
        [
            statements.asking_ids(Message, len(submissions)),
            (sql, values),
            suppressions.asking(recipients, now),
            *(windows.asking_standing(account, now) for account in accounts.values()),
        ]
    )
    doors = {
        account.pk: Door(account, Standing.of(rows))
        for account, rows in zip(accounts.values(), standings, strict=True)
    }
    receipts = {handover_id: Receipt(queue_id, is_duplicate=True) for handover_id, queue_id in here}
    return _Known(
        doors,
        receipts,
        statements.new_ids(numbers, len(submissions)),
        suppressions.among(recipients, listed),
    )


def _recipients(
    accounts: Mapping[int, HostingAccount], submissions: Sequence[Submission]
) -> set[tuple[int, str]]:
    """Account and address, in lower case, of the recipients that may be suppressed.

    The panel's own letters go to all: somebody must be able to get in again.
    """
    return {
        (submission.account_id, address.lower())
        for submission in submissions
        if (account := accounts.get(submission.account_id)) and not account.is_system
        for address in submission.recipients
    }
