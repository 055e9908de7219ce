"""Run a coroutine that uses the database, as a worker would, from a test that is none."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop
from django.db import connections

from relay.database import in_database

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; the connection that its thread opened is closed again."""

    async def main() -> T:
        try:
            return await work
        finally:
            await in_database(connections.close_all)

    return uvloop.run(main())
