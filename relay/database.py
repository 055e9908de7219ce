"""The database as the event loop reaches it: one thread, which gets over a database's restart.

Owns how our coroutines call `mailqueue`; nothing of what they call it for.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import Error, close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` in the thread of the database, the same one for all.

    Other threads would each open a connection of their own, and leave it open. After a
    django.db.Error, which is raised to the caller, an unusable connection is dropped, so that the
    next call makes a new one.
    """
    return await _in_its_thread(lambda: function(*args, **kwargs))


def _guarded(call: Callable[[], T]) -> T:
    try:
        return call()
    except Error:
        close_old_connections()
        raise


# Made once: to make it costs more than to call it.
_in_its_thread = sync_to_async(_guarded, thread_sensitive=True)
