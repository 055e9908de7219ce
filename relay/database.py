"""The database as the event loop reaches it: one thread, which gets over a database's restart.

Owns how our coroutines call `mailqueue`; nothing of what they call it for.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import Error, close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

# Its thread begins with the first call: a process that forks before has none to lose.
_thread = ThreadPoolExecutor(1, "database")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in the thread of the database, the same one for all.

    Other threads would each open a connection of their own, and leave it open. After a
    django.db.Error, which is raised to the caller, an unusable connection is dropped, so that the
    next call makes a new one.
    """
    call = partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_thread, _guarded, call)


def _guarded(call: Callable[[], T]) -> T:
    try:
        return call()
    except Error:
        close_old_connections()
        raise
