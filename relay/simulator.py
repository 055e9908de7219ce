"""The mailbox simulator: an SMTP server that stands in for the whole world; nothing leaves.

Takes what the route `simulator` sends, over a Unix socket, and keeps it where administrators can
see it. It answers 250 after its commit, as a good server does. Some addresses behave, whatever
their domain, with or without a `+tag`, in any case:

    bounce@        550 5.1.1 at RCPT: unknown user
    bounce-full@   552 5.2.2 at RCPT: mailbox full
    bounce-data@   554 5.7.1 after the content, for the whole message: judged as spam
    defer@         451 4.7.1 at RCPT: try again later
    complain@      taken; then the recipient complains by a feedback report (RFC 5965)
    bounce-later@  taken; then it comes back by a report of the delivery (RFC 3464)

Such a report is kept in the mailbox, as it came back to the envelope sender. Where that is a return
path of ours and the relay listens for them, it goes there by SMTP, as from the world.

Owns the server; the rows are for `mailqueue.simulator`.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import Error

from mailqueue import headers, return_path, simulator
from relay import display
from relay.database import in_database

logger = logging.getLogger("facteur.simulator")

# Room for the headers that were added after the size was checked.
SLACK = 65_536
BACKLOG = 128

AT_RCPT = {
    "bounce": "550 5.1.1 User unknown (simulated)",
    "bounce-full": "552 5.2.2 Mailbox full (simulated)",
    "defer": "451 4.7.1 Try again later (simulated)",
}
AT_DATA = {"bounce-data": "554 5.7.1 Message refused as spam (simulated)"}
COMPLAINS = "complain"
RETURNS = "bounce-later"
# How long the relay's own listener may take for a report, in seconds.
BRING_WITHIN_S = 10.0

_RETURNED = """\
From: Mail Delivery System <MAILER-DAEMON@{host}>\r
To: <{sender}>\r
Subject: Undelivered Mail Returned to Sender\r
Date: {date}\r
Message-ID: <{number}@{host}>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="{number}"\r
\r
--{number}\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
<{recipient}>: 550 5.1.1 User unknown (simulated)\r
\r
--{number}\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; {host}\r
\r
Final-Recipient: rfc822; {recipient}\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 User unknown (simulated)\r
\r
--{number}\r
Content-Type: message/rfc822\r
Content-Transfer-Encoding: 8bit\r
\r
"""
_REPORT = """\
From: Complaints <complaints@{host}>\r
To: <{sender}>\r
Subject: Complaint about a message to {recipient}\r
Date: {date}\r
Message-ID: <{number}@{host}>\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary="{number}"\r
\r
--{number}\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: 8bit\r
\r
{recipient} has marked the message below as unwanted (simulated).\r
\r
--{number}\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
User-Agent: Facteur-Simulator/1.0\r
Version: 1\r
Original-Mail-From: <{sender}>\r
Original-Rcpt-To: <{recipient}>\r
Arrival-Date: {date}\r
Reporting-MTA: dns; {host}\r
\r
--{number}\r
Content-Type: message/rfc822\r
Content-Transfer-Encoding: 8bit\r
\r
"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def serve(path: Path, clock: Callable[[], datetime] = _utc_now) -> AsyncIterator[None]:
    """Listen on the Unix socket `path` while the block runs; only our own user can connect."""
    loop = asyncio.get_running_loop()

    def talk() -> SMTP:
        return SMTP(
            _Mailbox(clock),
            data_size_limit=settings.MESSAGE_SIZE_LIMIT + SLACK,
            enable_SMTPUTF8=True,
            hostname=settings.HOSTNAME,
            ident="Facteur simulator",
            loop=loop,
        )

    server = await loop.create_unix_server(talk, str(path), backlog=BACKLOG)
    os.chmod(path, 0o600)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def complaint(sender: str, recipient: str, content: bytes, now: datetime) -> bytes:
    """The feedback report of a recipient about a message, as RFC 5965 has it."""
    return _report(_REPORT, sender, recipient, content, now)


def bounce(sender: str, recipient: str, content: bytes, now: datetime) -> bytes:
    """The report that a message could not be delivered after all, as RFC 3464 has it."""
    return _report(_RETURNED, sender, recipient, content, now)


def _report(form: str, sender: str, recipient: str, content: bytes, now: datetime) -> bytes:
    number = secrets.token_hex(16)
    head = form.format(
        host=settings.HOSTNAME,
        sender=sender,
        recipient=recipient,
        date=format_datetime(now),
        number=number,
    )
    return head.encode() + content + f"\r\n--{number}--\r\n".encode("ascii")


class _Mailbox:
    """aiosmtpd's handler."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._bringing: set[asyncio.Task[None]] = set()

    def _bring(self, sender: str, report: bytes) -> None:
        """Let a report go its way back beside the answer, if it has one."""
        if settings.BOUNCE_LISTEN and return_path.whose(sender, self._clock()) is not None:
            task = asyncio.create_task(_bring_back(sender, report))
            self._bringing.add(task)
            task.add_done_callback(self._bringing.discard)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*replies[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", replies[-1]]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (reply := AT_RCPT.get(_behaviour(address))) is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient taken"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        behaviours = {_behaviour(address): address for address in envelope.rcpt_tos}
        for behaviour, reply in AT_DATA.items():
            if behaviour in behaviours:
                return reply
        now = self._clock()
        content = _bytes(envelope.original_content)
        # aiosmtpd has brackets around nobody, and around nobody else.
        sender = (envelope.mail_from or "").removeprefix("<>")
        try:
            await in_database(
                simulator.store, sender, envelope.rcpt_tos, _subject(content), content, now
            )
            for behaviour, written in _REPORTS.items():
                # Nobody hears a complaint about mail of the null sender.
                if sender and behaviour in behaviours:
                    report = written(sender, behaviours[behaviour], content, now)
                    await in_database(simulator.store, "", [sender], _subject(report), report, now)
                    self._bring(sender, report)
        except Error:
            return "451 4.3.0 The mailbox cannot be reached now"
        return "250 2.0.0 Message kept"


_REPORTS = {COMPLAINS: complaint, RETURNS: bounce}


async def _bring_back(sender: str, report: bytes) -> None:
    """Hand a report over to the relay's own listener, as a server of the world does."""
    host, port, _ = settings.BOUNCE_LISTEN[0]
    # Every address of the machine is no address to connect to.
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        await asyncio.wait_for(
            asyncio.to_thread(_by_smtp, near, port, sender, report), BRING_WITHIN_S
        )
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("report=lost to=%r error=%r", sender, str(error))


def _by_smtp(host: str, port: int, sender: str, report: bytes) -> None:
    with smtplib.SMTP(host, port, settings.HOSTNAME, BRING_WITHIN_S) as client:
        client.sendmail("", [sender], report)


def _behaviour(address: str) -> str:
    return address.rpartition("@")[0].partition("+")[0].lower()


def _bytes(content: Any) -> bytes:
    return content if isinstance(content, bytes) else b""


def _subject(content: bytes) -> str:
    """The subject, decoded for display."""
    parsed = headers.parse(content[:SLACK].replace(b"\r\n", b"\n"))
    values = parsed.values(b"subject") if isinstance(parsed, headers.Parsed) else []
    return display.shown(b"".join(values[:1]))
