"""What comes in, by whichever way: whether it may, how it goes out, and that it is durable.

Owns the decision and the reply: options, header rules, size, free disk, whose mail it is. Messages
that wait while a commit runs share the next one. The reply says the exit code of the caller.
"""

import asyncio
import contextlib
import logging
import os
import pwd
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid
from typing import TypeVar

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError

from mailqueue import maillog, queue, service
from mailqueue.celery import DELIVER, hint
from mailqueue.errors import FacteurError, InvalidSubmission
from mailqueue.models import Message
from mailqueue.queue import Submission
from relay import addresses, arguments, display, fitting, headers, identity, listing
from relay.database import in_database

# Bounds of one transaction.
MOST_MESSAGES = 200
MOST_BYTES = 32 * 1024 * 1024
MOST_RECIPIENTS = 10_000
# At most one hint in this time: a worker takes all that is due.
HINT_EVERY_S = 0.1
# Larger ones are read beside the event loop, one at a time: hostile ones take a second.
READ_AT_ONCE = 64 * 1024
# New mail is refused when less than this share of the disk is free.
FREE_SHARE = 0.05

EX_OK, EX_USAGE, EX_DATAERR, EX_NOUSER = 0, 64, 65, 67
EX_UNAVAILABLE, EX_TEMPFAIL = 69, 75

T = TypeVar("T")
logger = logging.getLogger("facteur.intake")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told: SMTP code, enhanced status (RFC 3463), exit code, one line.

    `lines` come before it, and are for the caller's standard output.
    """

    code: int
    status: str
    exit_code: int
    text: str
    lines: tuple[str, ...] = ()

    @property
    def is_temporary(self) -> bool:
        """Whether the same message may be taken later."""
        return self.code // 100 == 4


@dataclass(frozen=True, slots=True)
class Handover:
    """What a caller handed over: its arguments and its bytes, and who the kernel says it is."""

    uid: int
    arguments: tuple[bytes, ...]
    message: bytes
    origin: Message.Origin
    handover_id: str = ""
    folder: bytes = b""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that may come in as far as it tells itself; whose it is comes next."""

    uid: int
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    size_bytes: int
    subject: str
    origin: Message.Origin
    handover_id: str = ""
    script: str = ""
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody asks for the queue of his account."""

    uid: int


NO_USER = Answer(550, "5.7.1", EX_NOUSER, "this Unix user has no hosting account")
TOO_LARGE = Answer(
    552,
    "5.3.4",
    EX_DATAERR,
    f"the message is larger than {settings.MESSAGE_SIZE_LIMIT} bytes",
)
QUEUE_FULL = Answer(
    552, "5.2.2", EX_UNAVAILABLE, "too many messages of this account are held already"
)
DISK_FULL = Answer(452, "4.3.1", EX_UNAVAILABLE, "the disk is nearly full")
NOT_NOW = Answer(451, "4.3.0", EX_TEMPFAIL, "the message cannot be kept now")
NO_ANSWER = Answer(451, "4.3.0", EX_TEMPFAIL, "the queue cannot be read now")


def read(handover: Handover, now: datetime) -> Letter | Question | Answer:
    """Decide on a call of the sendmail command, as far as it can be without the ledger."""
    options = arguments.parse(handover.arguments)
    if isinstance(options, arguments.Misuse):
        return Answer(501, "5.5.4", EX_USAGE, options.text)
    if options.mode is arguments.Mode.LIST_QUEUE:
        return Question(handover.uid)
    if options.mode is not arguments.Mode.DELIVER:
        return Answer(250, "2.0.0", EX_OK, "nothing to do")
    sender = _sender(options, handover.uid)
    if isinstance(sender, Answer):
        return sender
    text = headers.with_line_feeds(handover.message, ignores_dots=options.ignores_dots)
    if isinstance(text, headers.Problem):
        return _bad(text.text)
    parsed = headers.parse(text)
    if isinstance(parsed, headers.Problem):
        return _bad(parsed.text)
    recipients = _recipients(options, parsed)
    if isinstance(recipients, Answer):
        return recipients
    try:
        full_name = options.full_name.decode()
    except UnicodeDecodeError:
        full_name = ""
    if full_name and not full_name.isprintable():
        return _bad("the name of the sender has control characters")
    return _letter(parsed, sender, full_name, recipients, handover, now)


def read_smtp(
    uid: int, sender: str, recipients: Sequence[str], content: bytes, now: datetime
) -> Letter | Answer:
    """Decide on a message that came by MAIL, RCPT and DATA."""
    bare = content.replace(b"\r\n", b"")
    if b"\n" in bare or b"\r" in bare:
        # SMTP smuggling: nobody may see another end of a line than we do.
        return Answer(554, "5.6.0", EX_DATAERR, "a line ends with a bare CR or LF")
    text = headers.with_line_feeds(content, ignores_dots=True)
    if isinstance(text, headers.Problem):
        return _bad(text.text)
    parsed = headers.parse(text)
    if isinstance(parsed, headers.Problem):
        return _bad(parsed.text)
    handover = Handover(uid, (), content, Message.Origin.SOCKET)
    return _letter(parsed, sender, "", tuple(dict.fromkeys(recipients)), handover, now)


def _letter(
    parsed: headers.Parsed,
    sender: str,
    full_name: str,
    recipients: tuple[str, ...],
    handover: Handover,
    now: datetime,
) -> Letter | Answer:
    problem = fitting.fit_lines(parsed)
    if problem is not None:
        return _bad(problem.text)
    size = headers.sent_size(parsed)
    if size > settings.MESSAGE_SIZE_LIMIT:
        return TOO_LARGE
    headers.complete(
        parsed,
        sender=sender or f"MAILER-DAEMON@{settings.HOSTNAME}",
        full_name=full_name,
        message_id=make_msgid(secrets.token_hex(4), settings.HOSTNAME)[1:-1],
        now=now,
    )
    return Letter(
        uid=handover.uid,
        sender=sender,
        recipients=recipients,
        content=headers.as_sent(parsed),
        size_bytes=size,
        subject=display.shown(b" ".join(parsed.values(b"subject")[:1])),
        origin=handover.origin,
        handover_id=handover.handover_id,
        script=display.shown(b" ".join(parsed.values(b"x-php-originating-script")[:1])),
        folder=os.fsdecode(handover.folder),
    )


def _sender(options: arguments.Options, uid: int) -> str | Answer:
    """The envelope sender: `-f`, or the caller's login at this host, as sendmail has it."""
    if options.sender is None:
        return f"{_login(uid)}@{settings.HOSTNAME}"
    if options.sender in {b"", b"<>"}:
        return ""
    address = addresses.envelope_address(options.sender, settings.HOSTNAME)
    if isinstance(address, addresses.BadAddress):
        return _bad(f"bad sender: {address}")
    return address


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid{uid}"


def _recipients(options: arguments.Options, parsed: headers.Parsed) -> tuple[str, ...] | Answer:
    """Recipients of the arguments and, with `-t`, of the header: the union, each once."""
    found: dict[str, None] = {}
    if len(options.recipients) > MOST_RECIPIENTS:
        return _too_many()
    for raw in options.recipients:
        if any(sign in raw for sign in b"\r\n"):
            return _bad("an address has a line end")
        for one in addresses.listed(raw):
            address = addresses.envelope_address(one, settings.HOSTNAME)
            if isinstance(address, addresses.BadAddress):
                return _bad(f"bad recipient: {address}")
            found[address] = None
    if options.reads_recipients:
        named = headers.recipients_of(parsed, settings.HOSTNAME)
        if isinstance(named, headers.Problem):
            return _bad(named.text)
        found |= dict.fromkeys(named)
    if not found:
        return Answer(554, "5.5.1", EX_USAGE, "the message has no recipients")
    return _too_many() if len(found) > MOST_RECIPIENTS else tuple(found)


def _too_many() -> Answer:
    return _bad(f"the message has more than {MOST_RECIPIENTS} recipients")


def _bad(text: str) -> Answer:
    return Answer(554, "5.6.0", EX_DATAERR, text)


@dataclass(slots=True, eq=False)
class _Waiting:
    letter: Letter
    answer: asyncio.Future[Answer]


class Intake:
    """Takes letters from all connections and commits what waits, together."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._hinting: asyncio.Task[None] | None = None
        self._is_hint_due = False
        self._reading = ThreadPoolExecutor(1, "reading")

    async def hand_over(self, handover: Handover) -> Answer:
        """Take a message of the sendmail command; the answer comes after the commit."""
        now = self._clock()
        size = len(handover.message) + sum(map(len, handover.arguments))
        found = await self._beside(size, lambda: read(handover, now))
        if isinstance(found, Question):
            found = await self._listed(found)
        return await self._take(found, handover.uid)

    async def take_smtp(
        self, uid: int, sender: str, recipients: Sequence[str], content: bytes
    ) -> Answer:
        """Take a message that came by plain SMTP; the answer comes after the commit."""
        now = self._clock()
        letter = await self._beside(
            len(content), lambda: read_smtp(uid, sender, recipients, content, now)
        )
        return await self._take(letter, uid)

    async def finish(self) -> None:
        """Wait until what was taken is committed and hinted at."""
        for task in (self._committing, self._hinting):
            if task is not None:
                await asyncio.gather(task, return_exceptions=True)
        self._reading.shutdown(wait=False)

    async def _listed(self, question: Question) -> Answer:
        try:
            lines = await in_database(listing.queue_of, question.uid)
        except Error as error:
            logger.warning("listing=failed uid=%d error=%r", question.uid, str(error))
            return NO_ANSWER
        if lines is None:
            return NO_USER
        return Answer(250, "2.0.0", EX_OK, "that is all", tuple(lines))

    async def _beside(self, size_bytes: int, reading: Callable[[], T]) -> T:
        if size_bytes <= READ_AT_ONCE:
            return reading()
        return await asyncio.get_running_loop().run_in_executor(self._reading, reading)

    async def _take(self, letter: Letter | Answer, uid: int) -> Answer:
        if isinstance(letter, Letter):
            waiting = _Waiting(letter, asyncio.get_running_loop().create_future())
            self._waiting.append(waiting)
            if self._committing is None or self._committing.done():
                self._committing = asyncio.create_task(self._commit_all())
            try:
                answer = await waiting.answer
            except asyncio.CancelledError:
                # The caller went away. A commit that runs goes on; what was not begun is dropped:
                # nobody was told that it was taken, and it would fill the memory.
                with contextlib.suppress(ValueError):
                    self._waiting.remove(waiting)
                raise
        else:
            answer = letter
        if answer.code != 250:
            maillog.refused(uid, answer.exit_code, answer.text)
        return answer

    async def _commit_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            answers = await self._commit([item.letter for item in batch])
            for item, answer in zip(batch, answers, strict=True):
                if not item.answer.done():
                    item.answer.set_result(answer)
            if any(answer.code == 250 for answer in answers):
                self._hint()

    async def _commit(self, letters: Sequence[Letter]) -> list[Answer]:
        """Write letters down in one transaction; if that fails, one by one.

        Whatever the fault is, the callers keep what was not written.
        """
        try:
            return await in_database(_accept, letters, self._clock())
        except (OperationalError, InterfaceError) as error:
            # The database is away: to ask again for each would take as many time-outs.
            logger.warning("commit=failed messages=%d error=%r", len(letters), str(error))
            return [NOT_NOW] * len(letters)
        except (Error, FacteurError) as error:
            if len(letters) == 1:
                logger.warning("commit=failed messages=1 error=%r", str(error))
                return [NOT_NOW]
        except Exception:
            if len(letters) == 1:
                logger.exception("commit=failed messages=1")
                return [NOT_NOW]
        # One that cannot be stored must not refuse the others.
        return [(await self._commit([letter]))[0] for letter in letters]

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        size = len(batch[0].letter.content)
        while self._waiting and len(batch) < MOST_MESSAGES:
            size += len(self._waiting[0].letter.content)
            if size > MOST_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _hint(self) -> None:
        self._is_hint_due = True
        if self._hinting is None or self._hinting.done():
            self._hinting = asyncio.create_task(self._hint_while_due())

    async def _hint_while_due(self) -> None:
        """Tell a worker, in a thread: without Redis it takes a second. One hint for many mails."""
        while self._is_hint_due:
            self._is_hint_due = False
            await asyncio.to_thread(hint, DELIVER)
            await asyncio.sleep(HINT_EVERY_S)


def _accept(letters: Sequence[Letter], now: datetime) -> list[Answer]:
    """Write letters down in one transaction."""
    if _is_disk_nearly_full():
        return [DISK_FULL] * len(letters)
    owners = identity.accounts_of(letter.uid for letter in letters)
    answers: list[Answer] = [NO_USER] * len(letters)
    places: list[int] = []
    submissions: list[Submission] = []
    for place, letter in enumerate(letters):
        if letter.uid in owners:
            try:
                submissions.append(_submission(letter, owners[letter.uid]))
                places.append(place)
            except InvalidSubmission as error:
                answers[place] = _bad(str(error))
    if not submissions:
        return answers
    receipts = queue.accept(submissions, now)
    near_limits: set[int] = set()
    for place, submission, receipt in zip(places, submissions, receipts, strict=True):
        if receipt.is_refused:
            # Who left it in the maildrop was told that it is kept: it stays there meanwhile.
            is_kept = submission.origin is Message.Origin.MAILDROP
            answers[place] = NOT_NOW if is_kept else QUEUE_FULL
            continue
        answers[place] = Answer(250, "2.0.0", EX_OK, receipt.queue_id)
        if receipt.nears_limit:
            near_limits.add(submission.account_id)
        if not receipt.is_duplicate:
            maillog.accepted(receipt.queue_id, submission)
    _judge(near_limits, now)
    return answers


def _judge(account_ids: set[int], now: datetime) -> None:
    """Let rules look at accounts near a limit. What was taken is durable, whatever becomes of it:
    what they miss now they see with the next message.
    """
    if not account_ids:
        return
    try:
        for stop in service.judge_arrivals(account_ids, now):
            maillog.stopped(stop)
    except Error as error:
        logger.warning("judge=failed accounts=%d error=%r", len(account_ids), str(error))


def _submission(letter: Letter, account_id: int) -> Submission:
    return Submission(
        account_id=account_id,
        sender=letter.sender,
        recipients=letter.recipients,
        content=letter.content,
        size_bytes=letter.size_bytes,
        subject=letter.subject,
        origin=letter.origin,
        handover_id=letter.handover_id,
        script=letter.script,
        folder=letter.folder,
    )


def _is_disk_nearly_full() -> bool:
    disk = os.statvfs(settings.DATA_DIR)
    free = disk.f_bavail * disk.f_frsize
    return free < max(settings.MIN_FREE_DISK, disk.f_blocks * disk.f_frsize * FREE_SHARE)
