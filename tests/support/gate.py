"""A remote MX that keeps conversations waiting at one step each, and tells what it was given twice.

    gate.hold("RCPT", "dot")     the next two new conversations wait there
    gate.release()               they go on

Owns the waiting and the count; the dialogue is for `remote`.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.remote import Remote, Script, remote
from tests.support.waiting import eventually

# From the first word about a message to the answer after its final dot.
STEPS = ("MAIL", "RCPT", "DATA", "dot")


class Gate(Remote):
    """Steps that are still to be held are for conversations that have not begun a message yet."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self._to_hold: list[str] = []
        self._held: set[str] = set()
        self._is_open = True
        # Where each conversation that has begun a message waits; empty if it has.
        self._step_of: dict[asyncio.StreamWriter, str] = {}

    def hold(self, *steps: str) -> None:
        """Keep the next conversations waiting, each at one of these steps of its first message."""
        self._held = set()
        self._is_open = False
        self._to_hold = list(steps)

    def wait_until_held(self, *steps: str, within_s: float = 15) -> None:
        """Return when conversations wait at all of these steps."""
        eventually(lambda: self._held >= set(steps), within_s, f"held at {steps}")

    def release(self) -> None:
        """Let all go on, and hold nobody any more."""
        self._to_hold = []
        self._is_open = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await super().serve(reader, writer)
        finally:
            self._step_of.pop(writer, None)

    async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
        if step == "MAIL" and writer not in self._step_of and self._to_hold:
            self._step_of[writer] = self._to_hold.pop(0)
        if self._step_of.get(writer) != step:
            return await super()._answer(writer, step, usual)
        self._step_of[writer] = ""
        self._held.add(step)
        while not self._is_open:  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.02)
        try:
            return await super()._answer(writer, step, usual)
        except ConnectionError:
            # It has the message, and nobody to tell it to: RFC 1047.
            return step == "dot"


def arrivals(server: Remote, mark: str) -> Counter[str]:
    """How often each recipient whose address holds `mark` got its mail."""
    return Counter(
        address
        for message in list(server.messages)
        for address in message.recipients
        if mark in address
    )


def unexplained(server: Remote, mark: str) -> list[str]:
    """Who got a mail again though the client had gone on after it: its outcome was committed."""
    known: set[str] = set()
    found: list[str] = []
    for message in list(server.messages):
        addresses = {address for address in message.recipients if mark in address}
        found += addresses & known
        if message.is_known:
            known |= addresses
    return found


@contextmanager
def gate() -> Iterator[Gate]:
    """A gate that is open."""
    with remote(kind=Gate) as server:
        assert isinstance(server, Gate)
        yield server
