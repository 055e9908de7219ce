"""Hints to workers, given beside the event loop: many events, few hints.

Owns how often they are given; what a hint is, and that it may be lost, is told in
`mailqueue.celery`.
"""

import asyncio

from mailqueue.celery import hint


class Hints:
    """Tells workers of one task that there is something to do, at most once in `every_s` seconds.

    A worker takes all that is there, so that one hint stands for all events meanwhile.
    """

    def __init__(self, task: str, every_s: float) -> None:
        self._task = task
        self._every_s = every_s
        self._is_due = False
        self._giving: asyncio.Task[None] | None = None

    def give(self) -> None:
        """Have a hint given soon; nobody waits for it."""
        self._is_due = True
        if self._giving is None or self._giving.done():
            self._giving = asyncio.create_task(self._give_while_due())

    async def finish(self) -> None:
        """Wait until what is due was given."""
        if self._giving is not None:
            await asyncio.gather(self._giving, return_exceptions=True)

    async def _give_while_due(self) -> None:
        while self._is_due:
            self._is_due = False
            # In a thread: without Redis it takes a second.
            await asyncio.to_thread(hint, self._task)
            await asyncio.sleep(self._every_s)
