"""The relay's listeners on the network: SMTP for containers, other machines and SMTP scripts.

Owns AUTH. A token of an account, as password, says whose mail it is: never MAIL FROM, nor the user
name. Sockets, TLS and deadlines are `network`'s; what is decided about a message is for `intake`,
as for all other mail.

Nothing is taken without AUTH. AUTH is offered after TLS, and without it only to networks that are
listed as plain. Until then a connection has a minute in all; after that, a minute for each command.
"""

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from django.db import Error

from mailqueue.models import Message
from relay import identity, network
from relay.dialogue import House
from relay.intake import Intake
from relay.network import Bound, NetworkConnection
from relay.throttle import Throttle, plain_address

# A wrong token is answered after this time, whatever is wrong with it.
FAILED_AFTER_S = 1.0
MOST_FAILURES_OF_ONE = 3
# A user name and a token in Base64 need far less; the limit of a line is aiosmtpd's.
LONGEST_NAME = 255

WRONG = "535 5.7.8 The user name or the token is wrong"
WRONG_AGAIN = "421 4.7.0 The user name or the token is wrong again"
BARRED = "421 4.7.0 Too many wrong tokens from this address, come back later"

logger = logging.getLogger("facteur.submission")


@dataclass(frozen=True, slots=True)
class Terms(network.Terms):
    """Beside TLS and time: who may say a token in the clear."""

    plain_networks: Sequence[IPv4Network | IPv6Network] = ()
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
async def serve(listeners: Sequence[Bound], terms: Terms, intake: Intake) -> AsyncIterator[None]:
    """Accept at these sockets while the block runs, then answer what is under way."""
    house = House(intake)
    throttle = Throttle()

    def connection(address: str) -> NetworkConnection:
        return _Connection(house, throttle, terms, address)

    async with network.serve(listeners, house, terms.tls, connection, terms.handshake_s):
        yield


class _Connection(NetworkConnection):
    """One caller from the network."""

    origin = Message.Origin.SUBMISSION

    def __init__(self, house: House, throttle: Throttle, terms: Terms, address: str) -> None:
        self._account_id: int | None = None
        self._address = address
        self._failures = 0
        self._failed_after_s = terms.failed_after_s
        super().__init__(house, throttle, terms, address)
        self._auth_require_tls = not self._is_secure and not terms.is_plain(address)

    @property
    def payer(self) -> int | None:
        """The account, however many tokens it has."""
        return self._account_id

    @property
    def unwelcome(self) -> str:
        """Why it is hung up on at once, also after too many wrong tokens from its source."""
        return super().unwelcome or (BARRED if self._is_barred() else "")

    def _is_barred(self) -> bool:
        return self._throttle.is_barred(self.source, self.loop.time())

    def _note_tls(self) -> None:
        super()._note_tls()
        self._auth_require_tls = False

    def _forget(self) -> None:
        super()._forget()
        self._account_id = None

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
        caller = identity.caller(None, given.token, plain_address(self._address))
        try:
            found = await self.house.intake.admit(caller, given.name)
        except Error as error:
            logger.warning("auth=undecided from=%s error=%r", self.source, str(error))
            await self.push("454 4.7.0 The token cannot be looked up now")
            return
        if isinstance(found, int):
            self._end_deadline()
            self._throttle.note_known(self)
            self.caller, self._account_id = caller, found
            await self.push("235 2.7.0 Welcome")
            return
        self._failures += 1
        self._throttle.fail(self.source, self.loop.time())
        logger.warning("auth=failed from=%s", self.source)
        await asyncio.sleep(began + self._failed_after_s - self.loop.time())
        if self._failures >= MOST_FAILURES_OF_ONE:
            await self._bid_farewell(BARRED if self._is_barred() else WRONG_AGAIN)
        else:
            await self.push(WRONG)
