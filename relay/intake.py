"""What comes in, by whichever way: whether it may, how it goes out, and that it is durable.

Owns the decision and the reply: options, header rules, size, free disk, whose mail it is. Messages
that wait while a commit runs share the next one. The reply says the exit code of the caller.
"""

import asyncio
import contextlib
import logging
import os
import pwd
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import make_msgid
from typing import TypeVar

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError

from mailqueue import addresses, fitting, headers, maillog, queue, refusals, service
from mailqueue import senders as ledger
from mailqueue.celery import DELIVER
from mailqueue.domains import ascii_name
from mailqueue.errors import FacteurError, InvalidSubmission
from mailqueue.models import Message
from mailqueue.queue import Submission, storable
from mailqueue.senders import Seen
from relay import arguments, disk, display, identity, listing, senders
from relay.database import in_database
from relay.hints import Hints
from relay.identity import Caller, Refused, Why
from relay.senders import Author

# Bounds of one transaction.
MOST_MESSAGES = 200
MOST_BYTES = 32 * 1024 * 1024
# Of one message, and of one transaction: SQLite takes no question about 250,000 addresses, and all
# others would wait 20 s for it.
MOST_RECIPIENTS = 10_000
# At most this long a commit waits for others to share it, in seconds.
LONGEST_GATHER_S = 0.005
# At most one hint in this time: a worker takes all that is due.
HINT_EVERY_S = 0.1
# Larger ones are read beside the event loop, one at a time: hostile ones take a second.
READ_AT_ONCE = 64 * 1024
# Refusals are written down this often, in seconds; of so many callers at most.
NOTE_EVERY_S = 1.0
MOST_NOTED = 500

EX_OK, EX_USAGE, EX_DATAERR, EX_NOUSER = 0, 64, 65, 67
EX_UNAVAILABLE, EX_TEMPFAIL, EX_NOPERM = 69, 75, 77

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
    # May hold a token, which no line of a log may show.
    arguments: tuple[bytes, ...] = field(repr=False)
    message: bytes = field(repr=False)
    origin: Message.Origin
    handover_id: str = ""
    folder: bytes = b""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that may come in as far as it tells itself; whose it is comes next."""

    caller: Caller
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    size_bytes: int
    subject: str
    origin: Message.Origin
    handover_id: str = ""
    script: str = ""
    folder: str = ""
    # Whom it names as its authors, those apart whom we named ourselves.
    authors: tuple[Author, ...] = ()
    changes: headers.Changes = headers.UNCHANGED


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody asks for the queue of his account."""

    caller: Caller


NO_USER = Answer(550, "5.7.1", EX_NOUSER, "this Unix user has no hosting account")
CLOSED = Answer(550, "5.7.1", EX_NOPERM, "this hosting account is closed")
BAD_TOKEN = Answer(
    550, "5.7.1", EX_NOPERM, "the token is unknown or revoked, or not for this Unix user"
)
ELSEWHERE = Answer(550, "5.7.1", EX_NOPERM, "the token does not count from this address")
NOBODYS = {
    Why.NO_ACCOUNT: NO_USER,
    Why.CLOSED: CLOSED,
    Why.BAD_TOKEN: BAD_TOKEN,
    Why.ELSEWHERE: ELSEWHERE,
}
TOO_LARGE = Answer(
    552,
    "5.3.4",
    EX_DATAERR,
    f"the message is larger than {settings.MESSAGE_SIZE_LIMIT} bytes",
)
QUEUE_FULL = Answer(
    552, "5.2.2", EX_UNAVAILABLE, "too many messages of this account are held already"
)
# The same for what lies in the maildrop, and stays there meanwhile.
QUEUE_FULL_NOW = Answer(452, "4.2.2", EX_TEMPFAIL, QUEUE_FULL.text)
DISK_FULL = Answer(452, "4.3.1", EX_UNAVAILABLE, "the disk is nearly full")
NOT_NOW = Answer(451, "4.3.0", EX_TEMPFAIL, "the message cannot be kept now")
STRANGER = "this account may not write in the name of"
NO_ANSWER = Answer(451, "4.3.0", EX_TEMPFAIL, "the queue cannot be read now")


def read(handover: Handover, now: datetime) -> Letter | Question | Answer:
    """Decide on a call of the sendmail command, as far as it can be without the ledger."""
    options = arguments.parse(handover.arguments)
    if isinstance(options, arguments.Misuse):
        return Answer(501, "5.5.4", EX_USAGE, options.text)
    if options.mode is arguments.Mode.LIST_QUEUE:
        return Question(identity.caller(handover.uid, options.token))
    if options.mode is not arguments.Mode.DELIVER:
        return Answer(250, "2.0.0", EX_OK, "nothing to do")
    sender = _sender(options, handover.uid)
    if isinstance(sender, Answer):
        return sender
    parsed = _parsed(handover.message, ignores_dots=options.ignores_dots)
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
    caller = identity.caller(handover.uid, options.token)
    letter = _letter(parsed, sender, full_name, recipients, caller, handover.origin, now)
    if isinstance(letter, Answer):
        return letter
    folder = os.fsdecode(handover.folder)
    return replace(letter, handover_id=handover.handover_id, folder=folder)


def read_smtp(
    caller: Caller,
    sender: str,
    recipients: Sequence[str],
    content: bytes,
    origin: Message.Origin,
    now: datetime,
) -> Letter | Answer:
    """Decide on a message that came by MAIL, RCPT and DATA."""
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        # SMTP smuggling: nobody may see another end of a line than we do.
        return Answer(554, "5.6.0", EX_DATAERR, "a line ends with a bare CR or LF")
    parsed = _parsed(content, ignores_dots=True)
    if isinstance(parsed, headers.Problem):
        return _bad(parsed.text)
    return _letter(parsed, sender, "", tuple(dict.fromkeys(recipients)), caller, origin, now)


def _parsed(raw: bytes, *, ignores_dots: bool) -> headers.Parsed | headers.Problem:
    text = headers.with_line_feeds(raw, ignores_dots=ignores_dots)
    return text if isinstance(text, headers.Problem) else headers.parse(text)


def _letter(
    parsed: headers.Parsed,
    sender: str,
    full_name: str,
    recipients: tuple[str, ...],
    caller: Caller,
    origin: Message.Origin,
    now: datetime,
) -> Letter | Answer:
    problem = fitting.fit_lines(parsed)
    if problem is not None:
        return _bad(problem.text)
    size = headers.sent_size(parsed)
    if size > settings.MESSAGE_SIZE_LIMIT:
        return TOO_LARGE
    nobody = f"MAILER-DAEMON@{settings.HOSTNAME}"
    changes = headers.complete(
        parsed,
        sender=sender or nobody,
        full_name=full_name,
        message_id=make_msgid(domain=settings.HOSTNAME)[1:-1],
        now=now,
    )
    return Letter(
        caller=caller,
        sender=sender,
        recipients=recipients,
        content=headers.as_sent(parsed, is_last=True),
        size_bytes=size,
        subject=display.shown(b" ".join(parsed.values(b"subject")[:1])),
        origin=origin,
        script=_script(parsed),
        authors=_authors(parsed, caller, nobody),
        changes=changes,
    )


def _authors(parsed: headers.Parsed, caller: Caller, nobody: str) -> tuple[Author, ...]:
    """Whom a message names, but for the login of the caller and nobody, of this host."""
    host = ascii_name(settings.HOSTNAME)
    return tuple(
        author
        for author in senders.authors(parsed, settings.HOSTNAME)
        if author.domain != host
        or author.address.partition("@")[0] not in {_login_of(caller), nobody.partition("@")[0]}
    )


def _login_of(caller: Caller) -> str | None:
    return None if caller.uid is None else _login(caller.uid)


def _script(parsed: headers.Parsed) -> str:
    """The file that PHP names as the caller, without the user number that it puts before it."""
    told = display.shown(b" ".join(parsed.values(b"x-php-originating-script")[:1]))
    return re.sub(r"\A[0-9]{1,10}:", "", told)


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


@dataclass(frozen=True, slots=True)
class _Refusal:
    answer: Answer
    at: datetime


class Intake:
    """Takes letters from all connections and commits what waits, together."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._hints = Hints(DELIVER, HINT_EVERY_S)
        self._noting: asyncio.Task[None] | None = None
        self._refused: dict[Caller, _Refusal] = {}
        self._is_over = asyncio.Event()
        # So many are expected to share the next commit, and this long it waits for them.
        self._expected = 1
        self._patience_s = 0.0
        self._are_here: asyncio.Future[None] | None = None
        self._reading = ThreadPoolExecutor(1, "reading")

    async def hand_over(self, handover: Handover) -> Answer:
        """Take a message of the sendmail command; the answer comes after the commit."""
        now = self._clock()
        size = len(handover.message) + sum(map(len, handover.arguments))
        found = await self._beside(size, lambda: read(handover, now))
        # What goes out is kept meanwhile, what came in no more.
        handover = replace(handover, message=b"")
        if isinstance(found, Question):
            return await self._listed(found, now)
        answer = await self._take(found)
        return answer if answer.code == 250 else await self.refuse(handover, answer)

    async def refuse(self, handover: Handover, answer: Answer) -> Answer:
        """Note that a message is refused, though it was not even read."""
        size = sum(map(len, handover.arguments))
        caller = await self._beside(size, lambda: _caller_of(handover))
        self.note_refusal(caller, answer, handover.origin)
        return answer

    async def take_smtp(
        self,
        caller: Caller,
        sender: str,
        recipients: Sequence[str],
        content: bytes,
        origin: Message.Origin,
    ) -> Answer:
        """Take a message that came by plain SMTP; the answer comes after the commit."""
        now = self._clock()
        letter = await self._beside(
            len(content), lambda: read_smtp(caller, sender, recipients, content, origin, now)
        )
        content = b""  # what goes out is kept meanwhile
        answer = await self._take(letter)
        if answer.code != 250:
            self.note_refusal(caller, answer, origin)
        return answer

    async def admit(self, caller: Caller, name: str) -> int | Answer:
        """The account of a caller from the network, or what he is told if he may not send.

        Raises django.db.Error.
        """
        found = await in_database(identity.of_submission, caller, name, self._clock())
        if not isinstance(found, Refused):
            return found
        answer = NOBODYS[found.why]
        if found.account_id is not None:
            # Guesses concern nobody, and would crowd out what does.
            self.note_refusal(caller, answer, Message.Origin.SUBMISSION)
        return answer

    async def finish(self) -> None:
        """Wait until what was taken is committed and hinted at, what was refused is noted."""
        self._is_over.set()
        for task in (self._committing, self._noting):
            if task is not None:
                await asyncio.gather(task, return_exceptions=True)
        await self._hints.finish()
        self._reading.shutdown(wait=False)

    async def _listed(self, question: Question, now: datetime) -> Answer:
        uid = question.caller.uid
        try:
            found = await in_database(listing.queue_of, question.caller, now)
        except Error as error:
            logger.warning("listing=failed uid=%s error=%r", uid, str(error))
            return NO_ANSWER
        if isinstance(found, Refused):
            answer = NOBODYS[found.why]
            maillog.refused(uid, answer.exit_code, answer.text)
            return answer
        return Answer(250, "2.0.0", EX_OK, "that is all", tuple(found))

    async def _beside(self, size_bytes: int, reading: Callable[[], T]) -> T:
        if size_bytes <= READ_AT_ONCE:
            return reading()
        return await asyncio.get_running_loop().run_in_executor(self._reading, reading)

    async def _take(self, letter: Letter | Answer) -> Answer:
        if isinstance(letter, Answer):
            return letter
        waiting = _Waiting(letter, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._are_here is not None and len(self._waiting) >= self._expected:
            _set(self._are_here)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            # The caller went away. A commit that runs goes on; what was not begun is dropped:
            # nobody was told that it was taken, and it would fill the memory.
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiting)
            raise

    def note_refusal(self, caller: Caller, answer: Answer, origin: Message.Origin) -> None:
        """Tell the log now, and the page of the account beside the answer."""
        maillog.refused(caller.uid, answer.exit_code, answer.text)
        # The command keeps what is not taken now, and the maildrop what may be taken later.
        is_kept = answer.is_temporary and (
            answer.exit_code == EX_TEMPFAIL or origin is Message.Origin.MAILDROP
        )
        if is_kept or (len(self._refused) >= MOST_NOTED and caller not in self._refused):
            return
        self._refused[caller] = _Refusal(answer, self._clock())
        if self._noting is None or self._noting.done():
            self._noting = asyncio.create_task(self._note_while_due())

    async def _note_while_due(self) -> None:
        """Write down what was refused: a script in a loop costs one write a second."""
        while self._refused:
            refused, self._refused = self._refused, {}
            try:
                await in_database(_note_last, refused)
            except Error as error:
                logger.warning("refusals=unnoted number=%d error=%r", len(refused), str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(NOTE_EVERY_S):
                    await self._is_over.wait()

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await self._gather()
            batch = self._next_batch()
            if not batch:  # they left meanwhile
                continue
            began = loop.time()
            answers = await self._commit([item.letter for item in batch])
            # Those who are answered now may come again, beside those who came meanwhile.
            self._expected = min(len(batch) + len(self._waiting), MOST_MESSAGES)
            self._patience_s = min((loop.time() - began) / 2, LONGEST_GATHER_S)
            for item, answer in zip(batch, answers, strict=True):
                if not item.answer.done():
                    item.answer.set_result(answer)
            if any(answer.code == 250 for answer in answers):
                self._hints.give()

    async def _gather(self) -> None:
        """Wait a moment for as many as there were: two groups that take turns pay for two commits.

        Never longer than half of the last commit took; one caller alone waits for nobody.
        """
        if len(self._waiting) >= self._expected or self._is_over.is_set():
            return
        self._are_here = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(self._patience_s, _set, self._are_here)
        await self._are_here
        timer.cancel()
        self._are_here = None

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
        batch: list[_Waiting] = []
        size = recipients = 0
        while self._waiting and len(batch) < MOST_MESSAGES:
            size += len(self._waiting[0].letter.content)
            recipients += len(self._waiting[0].letter.recipients)
            if batch and (size > MOST_BYTES or recipients > MOST_RECIPIENTS):
                break
            batch.append(self._waiting.popleft())
        return batch


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _accept(letters: Sequence[Letter], now: datetime) -> list[Answer]:
    """Write letters down in one transaction."""
    if disk.is_nearly_full():
        return [DISK_FULL] * len(letters)
    owners = identity.accounts_of((letter.caller for letter in letters), now)
    rules = ledger.rules_of({owner for owner in owners.values() if isinstance(owner, int)})
    answers: list[Answer] = [NO_USER] * len(letters)
    places: list[int] = []
    submissions: list[Submission] = []
    strangers: dict[int, str] = {}
    for place, letter in enumerate(letters):
        owner = owners[letter.caller]
        if isinstance(owner, Refused):
            answers[place] = NOBODYS[owner.why]
            continue
        verdict = senders.judged(letter.authors, letter.content, letter.sender, rules.get(owner))
        if isinstance(verdict, headers.Problem):
            answers[place] = _bad(verdict.text)
            continue
        if verdict.stranger is not None:
            if verdict.is_refused:
                answers[place] = _not_in_the_name_of(verdict.stranger)
                continue
            strangers[place] = verdict.stranger.address
        try:
            submissions.append(_submission(letter, owner, verdict.content))
            places.append(place)
        except InvalidSubmission as error:
            answers[place] = _bad(str(error))
    if not submissions:
        return answers
    receipts = queue.accept(submissions, now)
    near_limits: set[int] = set()
    seen: dict[int, Seen] = {}
    for place, submission, receipt in zip(places, submissions, receipts, strict=True):
        if receipt.is_refused:
            # Who left it in the maildrop was told that it is kept: it stays there meanwhile.
            is_kept = submission.origin is Message.Origin.MAILDROP
            answers[place] = QUEUE_FULL_NOW if is_kept else QUEUE_FULL
            continue
        answers[place] = Answer(250, "2.0.0", EX_OK, receipt.queue_id)
        if receipt.nears_limit:
            near_limits.add(submission.account_id)
        if not receipt.is_duplicate:
            maillog.accepted(receipt.queue_id, submission)
            if place in strangers:
                before = seen.get(submission.account_id)
                number = before.number + 1 if before else 1
                author = storable(strangers[place], 320)
                seen[submission.account_id] = Seen(number, author, submission.script)
    _note_strangers(seen, now)
    _judge(near_limits, now)
    return answers


def _note_strangers(seen: dict[int, Seen], now: datetime) -> None:
    """Keep for the page who wrote in a strange name. What was taken is durable without that."""
    try:
        ledger.note_foreign(seen, now)
    except Error as error:
        logger.warning("strangers=unnoted accounts=%d error=%r", len(seen), str(error))


def _not_in_the_name_of(stranger: Author) -> Answer:
    return Answer(550, "5.7.1", EX_NOPERM, f"{STRANGER} {stranger.address!r}")


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


def _caller_of(handover: Handover) -> Caller:
    return identity.caller(handover.uid, arguments.parse(handover.arguments).token)


def _note_last(refused: Mapping[Caller, _Refusal]) -> None:
    """Keep the newest refusal of each account that one concerns."""
    owners = identity.accounts_of(refused, max(one.at for one in refused.values()))
    for caller, refusal in refused.items():
        owner = owners[caller]
        account_id = owner.account_id if isinstance(owner, Refused) else owner
        if account_id is not None:
            answer = refusal.answer
            refusals.note_last(account_id, answer.exit_code, answer.text, refusal.at)


def _submission(letter: Letter, account_id: int, content: bytes) -> Submission:
    return Submission(
        account_id=account_id,
        sender=letter.sender,
        recipients=letter.recipients,
        content=content,
        size_bytes=letter.size_bytes,
        subject=letter.subject,
        origin=letter.origin,
        handover_id=letter.handover_id,
        script=letter.script,
        folder=letter.folder,
        changes=letter.changes,
    )
