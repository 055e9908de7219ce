"""One question to an engine and its answer, on a connection of its own.

Owns the connection, over TCP or a Unix socket, and the bound of the answer. How long all of it may
take is for whoever asks.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

BLOCK = 65_536
# Host and port, or the path of a Unix socket.
Address = tuple[str, int] | str


class NoAnswer(Exception):
    """An engine said nothing that can be used; the message is a part of a sentence."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whose message it is, under which queue id, from whom, to whom."""

    account_id: int
    account: str
    queue_id: str
    sender: str
    recipients: tuple[str, ...]


async def exchange(
    address: Address,
    question: Iterable[bytes | memoryview],
    is_whole: Callable[[bytearray], bool],
    most_bytes: int,
) -> bytes:
    """What the engine says to `question`: until `is_whole`, or until it hangs up.

    Raises NoAnswer if that is nothing, or more than `most_bytes`; OSError if it cannot be reached.
    """
    if isinstance(address, str):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        reader, writer = await asyncio.open_connection(*address)
    # Beside each other: an engine may say no before it has heard all.
    writing = asyncio.create_task(_write(writer, question))
    try:
        return await _read(reader, is_whole, most_bytes)
    finally:
        writing.cancel()
        # What went wrong there shows in what can be read.
        await asyncio.gather(writing, return_exceptions=True)
        writer.transport.abort()


async def _write(writer: asyncio.StreamWriter, question: Iterable[bytes | memoryview]) -> None:
    for block in question:
        writer.write(block)
        await writer.drain()


async def _read(
    reader: asyncio.StreamReader, is_whole: Callable[[bytearray], bool], most_bytes: int
) -> bytes:
    answer = bytearray()
    while not is_whole(answer):
        block = await reader.read(BLOCK)
        if not block:
            break
        answer += block
        if len(answer) > most_bytes:
            raise NoAnswer(f"its answer is longer than {most_bytes} bytes")
    if not answer:
        raise NoAnswer("it hung up without an answer")
    return bytes(answer)


def blocks(content: bytes) -> Iterable[memoryview]:
    """The content in pieces, without a copy of it."""
    view = memoryview(content)
    return (view[start : start + BLOCK] for start in range(0, len(view), BLOCK))
