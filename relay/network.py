"""What all listeners on the network share: sockets, TLS, and how long a stranger may talk.

Owns accepting connections, STARTTLS, the deadline of a connection, and the counting of connections
by source. Who the caller is and what he may say is for `submission` and `inbound`.

Note: connections are counted by source address. Containers that share one, behind the address
translation of their host, share its count.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from relay.dialogue import Connection, House
from relay.identity import Caller
from relay.throttle import Throttle, source_of

BACKLOG = 1024
# Between two commands, and until a connection has said who it is.
IDLE_S = 60.0
HANDSHAKE_WITHIN_S = 15.0
GOODBYE_S = 0.05
# How long to wait when a connection cannot be accepted.
ACCEPT_AGAIN_S = 1.0
# 10 MB come in this time by 280 kbit/s.
DATA_WITHIN_S = 300.0

FULL = "421 4.7.0 Too many connections, come back later"

logger = logging.getLogger("facteur.network")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where to listen; `is_tls`: TLS from the first byte on, else by STARTTLS."""

    host: str
    port: int
    is_tls: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """With what certificate, if any, and how long all may take, in seconds."""

    tls: ssl.SSLContext | None
    idle_s: float = IDLE_S
    handshake_s: float = HANDSHAKE_WITHIN_S


def context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 and newer with this certificate. Raises OSError, of which ssl.SSLError is one."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # An encrypted key would ask for its password on the terminal, and wait.
    made.load_cert_chain(certificate, key, password="")
    return made


@dataclass(frozen=True, slots=True)
class Bound:
    """A listener's sockets, one for each address of its host. Connections wait in them."""

    wires: list[socket.socket]
    is_tls: bool


@contextmanager
def bound(listeners: Sequence[Listener]) -> Iterator[list[Bound]]:
    """Sockets for all these while the block runs. Raises OSError if an address cannot be had."""
    with ExitStack() as stack:
        found = []
        for one in listeners:
            wires = []
            for family, address in _addresses(one):
                wire = socket.create_server(address, family=family, backlog=BACKLOG)
                wires.append(stack.enter_context(wire))
                wire.setblocking(False)
            found.append(Bound(wires, one.is_tls))
        yield found


def _addresses(listener: Listener) -> Iterable[tuple[int, tuple[str, int]]]:
    found = socket.getaddrinfo(
        listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return dict.fromkeys((one[0], (str(one[4][0]), int(one[4][1]))) for one in found)


@asynccontextmanager
async def serve(
    listeners: Sequence[Bound],
    house: House,
    tls: ssl.SSLContext | None,
    connection: Callable[[str], "NetworkConnection"],
    handshake_s: float = HANDSHAKE_WITHIN_S,
) -> AsyncIterator[None]:
    """Accept at these sockets while the block runs, then answer what is under way.

    `connection` makes one for an address of a peer.
    """
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_finish, house)
        for one in listeners:
            for wire in one.wires:
                door = _Door(wire, tls if one.is_tls else None, connection, handshake_s)
                accepting = asyncio.create_task(door.accept())
                stack.push_async_callback(_end, accepting)
        yield


async def _finish(house: House) -> None:
    await house.finish()
    # TLS waits for the other side's goodbye; we have said ours.
    await asyncio.sleep(GOODBYE_S)
    for one in list(house.open):
        if isinstance(one, NetworkConnection):
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
        self,
        wire: socket.socket,
        tls: ssl.SSLContext | None,
        connection: Callable[[str], "NetworkConnection"],
        handshake_s: float,
    ) -> None:
        self._wire = wire
        self._tls = tls
        self._connection = connection
        self._handshake_s = handshake_s
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
        one = self._connection(address)
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
                    ssl_handshake_timeout=self._handshake_s,
                    ssl_shutdown_timeout=HANDSHAKE_WITHIN_S,
                )
        except OSError as error:
            logger.info("tls=failed from=%s error=%r", one.source, str(error))
            one.leave()
        except asyncio.CancelledError:
            one.leave()
            raise


class NetworkConnection(Connection):
    """One caller from the network."""

    def __init__(
        self,
        house: House,
        throttle: Throttle,
        terms: Terms,
        address: str,
    ) -> None:
        self._throttle = throttle
        self._terms = terms
        self.source = source_of(address)
        # What accepts the connection: the handshake of TLS, too.
        self._accepting = asyncio.current_task()
        self.is_counted = throttle.enter(self.source)
        if self.is_counted:
            throttle.note_stranger(self, self.abort)
        self._is_secure = False
        self._deadline: asyncio.TimerHandle | None = None
        super().__init__(house, asyncio.get_running_loop(), Caller(None), terms.idle_s)
        self.tls_context = terms.tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
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
        self._throttle.note_known(self)
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

    def abort(self) -> None:
        """Cut off at once, also in the midst of the handshake of TLS."""
        super().abort()
        if self._wire is None and self._accepting is not None:
            self._accepting.cancel()

    @property
    def unwelcome(self) -> str:
        """Why it is hung up on at once; empty if it is not."""
        return "" if self.is_counted else FULL

    async def _handle_client(self) -> None:
        if self.unwelcome:
            await self._bid_farewell(self.unwelcome)
            return
        await super()._handle_client()

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
        self._forget()
        self._set_deadline(self._terms.idle_s)
        return True

    def _forget(self) -> None:
        """What was said before TLS counts no more."""
        self.caller = Caller(None)

    def _note_tls(self) -> None:
        self._is_secure = True
        self.tls_context = None

    async def smtp_DATA(self, argument: str | None) -> None:  # noqa: N802
        """Take a message; it has its own time to come in."""
        self._reset_timeout(DATA_WITHIN_S)
        await super().smtp_DATA(argument)
