"""The relay's listeners on the network: SMTP for containers, other machines and SMTP scripts.

Owns TLS, AUTH and how long and how often a stranger may talk. A token of an account, as password,
says whose mail it is: never MAIL FROM, nor the user name. What is decided about a message is for
`intake`, as for all other mail.

Nothing is taken without AUTH. AUTH is offered after TLS, and without it only to networks that are
listed as plain. Until then a connection has a minute in all; after that, a minute for each command.

Note: connections and wrong tokens are counted by source address. Containers that share one, behind
the address translation of their host, share its count.
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any, cast

from django.db import Error

from mailqueue.models import Message
from relay import identity
from relay.dialogue import Connection, House
from relay.identity import Caller
from relay.intake import Intake
from relay.throttle import Throttle, plain_address, source_of

BACKLOG = 128
# Between two commands, and for AUTH since the connection was made.
IDLE_S = 60.0
HANDSHAKE_WITHIN_S = 15.0
GOODBYE_S = 0.05
# Who was hung up on and does not read what it was told is cut off after this time.
LINGER_S = 5.0
# How long to wait when a connection cannot be accepted.
ACCEPT_AGAIN_S = 1.0
# 10 MB come in this time by 280 kbit/s.
DATA_WITHIN_S = 300.0
# A wrong token is answered after this time, whatever is wrong with it.
FAILED_AFTER_S = 1.0
MOST_FAILURES_OF_ONE = 3
MOST_UNKNOWN = 10
# A user name and a token in Base64 need far less; the limit of a line is aiosmtpd's.
LONGEST_NAME = 255

WRONG = "535 5.7.8 The user name or the token is wrong"
WRONG_AGAIN = "421 4.7.0 The user name or the token is wrong again"
BARRED = "421 4.7.0 Too many wrong tokens from this address, come back later"
FULL = "421 4.7.0 Too many connections, come back later"

logger = logging.getLogger("facteur.submission")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen; `is_tls`: TLS from the first byte on, else by STARTTLS."""

    host: str
    port: int
    is_tls: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """With what certificate, if any; who may say a token without TLS; and how long all may take."""

    tls: ssl.SSLContext | None
    plain_networks: Sequence[IPv4Network | IPv6Network]
    idle_s: float = IDLE_S
    handshake_s: float = HANDSHAKE_WITHIN_S
    failed_after_s: float = FAILED_AFTER_S

    def is_plain(self, address: str) -> bool:
        """Whether a token may come without TLS from this address."""
        try:
            found = plain_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.plain_networks)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came by AUTH."""

    name: str
    token: bytes = field(repr=False)


def context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 and newer with this certificate. Raises OSError, of which ssl.SSLError is one."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # An encrypted key would ask for its password on the terminal, and wait.
    made.load_cert_chain(certificate, key, password="")
    return made


def plain_credentials(text: str) -> Credentials | None:
    """What AUTH PLAIN says (RFC 4616); None if it is malformed, or speaks for another."""
    words = (_decoded(text) or b"").split(b"\0")
    if len(words) != 3 or words[0] not in {b"", words[1]}:
        return None
    return _credentials(words[1], words[2])


def login_credentials(name: str, token: str) -> Credentials | None:
    """What AUTH LOGIN says; None if it is malformed."""
    decoded = (_decoded(name), _decoded(token))
    if decoded[0] is None or decoded[1] is None:
        return None
    return _credentials(decoded[0], decoded[1])


def _credentials(name: bytes, token: bytes) -> Credentials | None:
    if len(name) > LONGEST_NAME or b"\0" in name:
        return None
    # A name that is no UTF-8 is nobody's: the token decides.
    return Credentials(name.decode("utf-8", "replace"), token)


def _decoded(text: str) -> bytes | None:
    try:
        # RFC 4954 §4: "=" is an empty answer.
        return b"" if text == "=" else base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


@asynccontextmanager
async def serve(
    listeners: Sequence[Listener], terms: Terms, intake: Intake
) -> AsyncIterator[list[int]]:
    """Listen while the block runs, then answer what is under way. Yields the ports.

    Raises OSError if an address cannot be had.
    """
    house = House(intake)
    throttle = Throttle()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_finish, house)
        ports = []
        for one in listeners:
            wires = [stack.enter_context(wire) for wire in await _listening(one)]
            ports.append(wires[0].getsockname()[1])
            for wire in wires:
                door = _Door(wire, one.is_tls, house, throttle, terms)
                accepting = asyncio.create_task(door.accept())
                stack.push_async_callback(_end, accepting)
        yield ports


async def _listening(listener: Listener) -> list[socket.socket]:
    """A socket for each address of the host."""
    found = await asyncio.get_running_loop().getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    wires: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((one[0], one[4]) for one in found):
            wires.append(socket.create_server(address[:2], family=family, backlog=BACKLOG))
            wires[-1].setblocking(False)
    except OSError:
        for wire in wires:
            wire.close()
        raise
    return wires


async def _finish(house: House) -> None:
    await house.finish()
    # TLS waits for the other side's goodbye; we have said ours.
    await asyncio.sleep(GOODBYE_S)
    for one in list(house.open):
        if isinstance(one, _Connection):
            one.abort()
    await asyncio.sleep(GOODBYE_S)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class _Door:
    """Accepts connections at one socket.

    asyncio's own servers would count nobody whose TLS has not begun yet.
    """

    def __init__(
        self, wire: socket.socket, is_tls: bool, house: House, throttle: Throttle, terms: Terms
    ) -> None:
        self._wire = wire
        self._tls = terms.tls if is_tls else None
        self._house = house
        self._throttle = throttle
        self._terms = terms
        self._beginning: set[asyncio.Task[None]] = set()

    async def accept(self) -> None:
        """Accept, until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    wire, peer = await loop.sock_accept(self._wire)
                except OSError as error:
                    # No descriptor is free, or somebody left at once.
                    logger.warning("accept=failed error=%r", str(error))
                    await asyncio.sleep(ACCEPT_AGAIN_S)
                    continue
                task = loop.create_task(self._begin(wire, str(peer[0])))
                self._beginning.add(task)
                task.add_done_callback(self._beginning.discard)
        finally:
            for task in self._beginning:
                task.cancel()

    async def _begin(self, wire: socket.socket, address: str) -> None:
        loop = asyncio.get_running_loop()
        one = _Connection(self._house, self._throttle, self._terms, address, loop)
        if self._tls is not None and not one.is_counted:
            # In the clear there is nothing to say.
            wire.close()
            return
        try:
            if self._tls is None:
                await loop.connect_accepted_socket(lambda: one, wire)
            else:
                await loop.connect_accepted_socket(
                    lambda: one,
                    wire,
                    ssl=self._tls,
                    ssl_handshake_timeout=self._terms.handshake_s,
                    ssl_shutdown_timeout=HANDSHAKE_WITHIN_S,
                )
        except OSError as error:
            logger.info("tls=failed from=%s error=%r", one.source, str(error))
            one.leave()
        except asyncio.CancelledError:
            one.leave()
            raise


class _Commands(dict[str, Any]):
    """The commands, and one for all others: aiosmtpd would log those, and a token could be one."""

    def __init__(
        self,
        known: dict[str, Any],
        unknown: Callable[[str | None], Coroutine[Any, Any, None]],
    ) -> None:
        super().__init__(known)
        self._unknown = unknown

    def get(self, command: str, default: Any = None) -> Any:
        return super().get(command, self._unknown)


class _Connection(Connection):
    """One caller from the network."""

    origin = Message.Origin.SUBMISSION

    def __init__(
        self,
        house: House,
        throttle: Throttle,
        terms: Terms,
        address: str,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._throttle = throttle
        self._terms = terms
        self.source = source_of(address)
        self.is_counted = throttle.enter(self.source)
        self._is_secure = False
        self._account_id: int | None = None
        self._failures = 0
        self._unknown = 0
        self._deadline: asyncio.TimerHandle | None = None
        # uvloop's transports are none of asyncio's classes, and do all the same.
        self._wire: asyncio.WriteTransport | None = None
        super().__init__(house, loop, Caller(None), terms.idle_s)
        self.tls_context = terms.tls
        self._auth_require_tls = not terms.is_plain(address)
        self._smtp_methods = _Commands(self._smtp_methods, self._say_unknown)

    @property
    def payer(self) -> int | None:
        """The account, however many tokens it has."""
        return self._account_id

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.WriteTransport", transport)
        if transport.get_extra_info("sslcontext") is not None:
            self._note_tls()
        self._set_deadline(self._terms.idle_s)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.leave()
        super().connection_lost(error)

    def eof_received(self) -> bool:
        # TLS has no half-closed connections, and warns of who wants one.
        return super().eof_received() and not self._is_secure

    def leave(self) -> None:
        """Be counted no more."""
        self.house.open.discard(self)
        self._end_deadline()
        if self.is_counted:
            self.is_counted = False
            self._throttle.leave(self.source)

    def _set_deadline(self, within_s: float) -> None:
        self._end_deadline()
        self._deadline = self.loop.call_later(within_s, self.abort)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _timeout_cb(self) -> None:
        # To close would wait until the other side has read what we said; it may never.
        self.abort()

    def abort(self) -> None:
        """Cut off at once."""
        self.transport = None
        if self._wire is not None:
            self._wire.abort()

    def hang_up(self) -> None:
        """Close without a word, and wait but a moment until the other side has read the last."""
        super().hang_up()
        self._set_deadline(LINGER_S)

    async def _handle_client(self) -> None:
        if not self.is_counted or self._is_barred():
            await self._bid_farewell(BARRED if self.is_counted else FULL)
            return
        await super()._handle_client()

    def _is_barred(self) -> bool:
        return self._throttle.is_barred(self.source, self.loop.time())

    async def _bid_farewell(self, words: str) -> None:
        with contextlib.suppress(ConnectionError):
            await self.push(words)
        self.hang_up()

    async def smtp_STARTTLS(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Begin with TLS, and forget all that was said before (RFC 3207 §4.2)."""
        if argument:
            await self.push("501 5.5.4 STARTTLS takes no argument")
        elif self._is_secure:
            await self.push("503 5.5.1 TLS has begun already")
        elif self._terms.tls is None:
            await self.push("454 4.7.0 TLS is not available")
        else:
            await self.push("220 2.0.0 Begin with TLS")
            if not await self._start_tls():
                self.hang_up()

    async def _start_tls(self) -> bool:
        wire = self._wire
        if self._terms.tls is None or wire is None:
            return False
        # What was sent ahead in the clear may be another's (CVE-2011-0411).
        self._reader._buffer.clear()  # type: ignore[attr-defined]
        try:
            secure = await self.loop.start_tls(
                wire,
                self,
                self._terms.tls,
                server_side=True,
                ssl_handshake_timeout=self._terms.handshake_s,
                ssl_shutdown_timeout=HANDSHAKE_WITHIN_S,
            )
        except OSError as error:
            logger.info("tls=failed from=%s error=%r", self.source, str(error))
            wire.abort()
            # Nobody else tells us that the connection is lost.
            self.leave()
            return False
        if secure is None or self.transport is None:
            # Somebody hung up meanwhile.
            wire.abort()
            self.leave()
            return False
        self._note_tls()
        # asyncio has no public way for both.
        self._reader._transport = secure  # type: ignore[attr-defined]
        self._writer._transport = secure  # type: ignore[attr-defined]
        self.transport = self._wire = secure
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session = self._create_session()
        self.session.peer = secure.get_extra_info("peername")
        self.caller, self._account_id = Caller(None), None
        self._set_deadline(self._terms.idle_s)
        return True

    def _note_tls(self) -> None:
        self._is_secure = True
        self.tls_context = None
        self._auth_require_tls = False

    async def check_auth_needed(self, caller_method: str) -> bool:
        """Whether the caller has no account yet; if so, it is told."""
        if self.caller.token is not None:
            return False
        await self.push("530 5.7.0 Say AUTH first")
        return True

    async def smtp_AUTH(self, argument: str | None) -> None:  # noqa: N802
        """Take a token (RFC 4954); aiosmtpd's own would log what strangers say."""
        if await self.check_helo_needed("EHLO"):
            return
        if self._auth_require_tls:
            await self.push("538 5.7.11 Say STARTTLS first")
        elif self.caller.token is not None:
            await self.push("503 5.5.1 You are known already")
        elif self._is_barred():
            await self._bid_farewell(BARRED)
        else:
            await self._authenticate_by((argument or "").split())

    async def _authenticate_by(self, words: list[str]) -> None:
        match [words[0].upper() if words else "", *words[1:]]:
            case ["PLAIN", *rest] if len(rest) < 2:
                given = rest[0] if rest else await self._ask(b"")
                found = None if given is None else plain_credentials(given)
            case ["LOGIN", *rest] if len(rest) < 2:
                given = rest[0] if rest else await self._ask(b"Username:")
                token = None if given is None else await self._ask(b"Password:")
                found = None if given is None or token is None else login_credentials(given, token)
            case _:
                await self.push("504 5.5.4 AUTH PLAIN or AUTH LOGIN")
                return
        if self.transport is None:
            return
        if found is None:
            await self.push("501 5.5.2 The answer is malformed, or was taken back")
            return
        await self._judge(found)

    async def _ask(self, question: bytes) -> str | None:
        """What is answered; None if nothing is, or `*` takes it all back."""
        await self.push(b"334 " + base64.b64encode(question))
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            await self._bid_farewell("500 5.5.6 The answer is too long")
            return None
        text = line.strip().decode("ascii", "replace")
        return None if text == "*" else text or "="

    async def _judge(self, given: Credentials) -> None:
        began = self.loop.time()
        caller = identity.caller(None, given.token)
        try:
            found = await self.house.intake.admit(caller, given.name)
        except Error as error:
            logger.warning("auth=undecided from=%s error=%r", self.source, str(error))
            await self.push("454 4.7.0 The token cannot be looked up now")
            return
        if isinstance(found, int):
            self._end_deadline()
            self.caller, self._account_id = caller, found
            await self.push("235 2.7.0 Welcome")
            return
        self._failures += 1
        self._throttle.fail(self.source, self.loop.time())
        logger.warning("auth=failed from=%s", self.source)
        await asyncio.sleep(began + self._terms.failed_after_s - self.loop.time())
        if self._failures >= MOST_FAILURES_OF_ONE:
            await self._bid_farewell(BARRED if self._is_barred() else WRONG_AGAIN)
        else:
            await self.push(WRONG)

    async def smtp_DATA(self, argument: str) -> None:  # noqa: N802
        """Take a message; it has its own time to come in."""
        self._reset_timeout(DATA_WITHIN_S)
        await super().smtp_DATA(argument)

    async def _say_unknown(self, argument: str | None) -> None:
        self._unknown += 1
        if self._unknown >= MOST_UNKNOWN:
            await self._bid_farewell("421 4.7.0 Too many unknown commands")
        else:
            await self.push("500 5.5.1 Unknown command")
