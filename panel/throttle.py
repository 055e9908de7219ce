"""So many times within an hour: for forms that send letters, and must not become mailers.

Counted in the shared cache, by the moments themselves: its own counters forget when they began.

Note: two requests at the same instant may count as one; the limit is no exact one.
"""

from datetime import datetime, timedelta

from django.core.cache import cache

HOUR = timedelta(hours=1)


class TooOften(Exception):
    """It was done as often as it may be within an hour."""


def count(key: str, most: int, now: datetime) -> None:
    """Count one time of `key`. Raises TooOften after `most` within an hour, and counts nothing."""
    times = [at for at in cache.get(key, []) if at > now - HOUR]
    if len(times) >= most:
        raise TooOften
    cache.set(key, [*times, now], timeout=HOUR.total_seconds())
