"""The wire of one conversation: commands out, replies in, each within its time.

Owns reading up to bounds, and what it means when nothing, nonsense or too much comes; what is said
is for `greeting` and `client`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from relay.dialing import Door
from relay.replies import LONGEST_REPLY, Reply, clean, reply_of

# RFC 5321 §4.5.3.1.5 has 512 octets; four times that is what strange servers may need.
LONGEST_LINE = 2048
# Lines read of one reply; our bound.
MOST_LINES = 128


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait at each step, in seconds: RFC 5321 §4.5.3.2; `connect_s` is Postfix's.

    `tls_s`, for a handshake, is ours.
    """

    connect_s: float = 30
    greeting_s: float = 300
    hello_s: float = 300
    mail_s: float = 300
    rcpt_s: float = 300
    data_s: float = 120
    block_s: float = 180
    final_s: float = 600
    tls_s: float = 60


class Broken(Exception):
    """The conversation cannot go on, for reasons of this enhanced status."""

    def __init__(self, status: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class NoTls(Broken):
    """There is no TLS with this server: in the clear, where that may be, it can go on."""


class Wire:
    """The two directions of a connection to `door`. Nothing but Broken is raised."""

    def __init__(
        self,
        door: Door,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeouts: Timeouts,
    ) -> None:
        self.door = door
        self.timeouts = timeouts
        self.writer = writer
        # What TLS there is, for the log.
        self.tls = "none"
        # The peer let a time-out pass.
        self.is_silent = False
        self._reader = reader

    def say(self, data: bytes) -> None:
        """Send; on a lost connection this does nothing, and the next reply tells."""
        self.writer.write(data)

    async def drain(self, step: str, timeout_s: float) -> None:
        """Wait until what was said is on its way."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.writer.drain()
        except TimeoutError:
            raise self._silent(step, timeout_s) from None
        except OSError as error:
            raise self._lost(step, error) from error

    async def reply(self, step: str, timeout_s: float) -> Reply:
        """The reply to `step`."""
        return self.understood(await self.lines(step, timeout_s), step)

    async def lines(self, step: str, timeout_s: float) -> list[bytes]:
        """The lines of one reply, without their line ends."""
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(timeout_s):
                while len(lines) < MOST_LINES:
                    line = await self._reader.readuntil(b"\n")
                    lines.append(line.rstrip(b"\r\n"))
                    if line[3:4] != b"-":
                        return lines
        except TimeoutError:
            raise self._silent(step, timeout_s) from None
        except (OSError, EOFError) as error:
            raise self._lost(step, error) from error
        except asyncio.LimitOverrunError:
            pass
        raise Broken("4.5.0", f"{self.door} answered {step} at too great length")

    def understood(self, lines: Sequence[bytes], step: str) -> Reply:
        """The reply that these lines make. With 421 the server closes (RFC 5321 §3.8)."""
        reply = reply_of(lines)
        if reply is None:
            words = clean(b" ".join(lines).decode("utf-8", "replace"))[:LONGEST_REPLY]
            raise Broken("4.5.0", f"{self.door} answered {step} with what is no reply: {words}")
        if reply.code == 421:
            raise Broken(reply.status, str(reply))
        return reply

    async def has_more(self) -> bool:
        """Whether the peer has said something that nobody asked for; it is taken off the wire."""
        try:
            async with asyncio.timeout(0):
                return bool(await self._reader.read(1))
        except TimeoutError:
            return False
        except OSError as error:
            raise self._lost("STARTTLS", error) from error

    def close(self) -> None:
        """Close without waiting; what was said still goes out."""
        if self.tls == "none":
            self.writer.close()
        else:
            # Its end of TLS would wait for the peer's, and outlive a run that ends. What was
            # written leaves in this round of the loop, and this comes in the next.
            asyncio.get_running_loop().call_soon(self.abort)

    def abort(self) -> None:
        """Close at once; what was not sent stays unsent."""
        self.writer.transport.abort()

    def _silent(self, step: str, timeout_s: float) -> Broken:
        self.is_silent = True
        return Broken("4.4.2", f"{self.door} did not answer {step} within {timeout_s:g} s")

    def _lost(self, step: str, error: Exception) -> Broken:
        # Lost after the final dot: the peer may have it. A duplicate beats a loss (RFC 1047).
        why = clean(error.strerror or "") if isinstance(error, OSError) else ""
        words = f"{self.door} closed the connection at {step}"
        return Broken("4.4.2", f"{words}: {why}" if why else words)
