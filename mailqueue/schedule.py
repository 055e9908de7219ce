"""When to try again, and when to stop. Pure: time and chance are arguments.

RFC 5321 §4.5.4.1 advises a first retry after 30 minutes and 4-5 days in all; 5 minutes and
72 hours are ours: a page that shows a countdown of 72 hours must keep its word.
"""

from datetime import datetime, timedelta

FIRST_DELAY = timedelta(minutes=5)
LONGEST_DELAY = timedelta(hours=4)
HOLD = timedelta(hours=72)
AFTER_RELEASE = timedelta(hours=24)
# The largest jitter, as a share of the delay: many mails deferred at once come back spread out.
JITTER_SHARE = 0.2


def deadline(
    accepted: datetime, released: datetime | None = None, hold: timedelta = HOLD
) -> datetime:
    """The end of a recipient's time: 72 hours after `accepted`, or as long as its account holds.

    Mail that was released gets at least 24 hours of tries, however late that was.
    """
    end = accepted + hold
    return end if released is None else max(end, released + AFTER_RELEASE)


def retry_delay(tries: int) -> timedelta:
    """The delay after the given number of failed tries: 5 minutes, doubling to 4 hours.

    Raises ValueError if `tries` is below 1.
    """
    if tries < 1:
        raise ValueError("a retry follows at least one try")
    # Capped before it is raised: 2**tries has no use beyond the longest delay.
    doublings: int = 2 ** min(tries - 1, 12)
    return min(FIRST_DELAY * doublings, LONGEST_DELAY)


def next_attempt(now: datetime, tries: int, end: datetime, chance: float) -> datetime | None:
    """When to try again after `tries` failed tries, or None if that falls at or after `end`.

    `chance`, between 0 and 1, adds up to a fifth of the delay.
    Raises ValueError if `tries` is below 1.
    """
    delay = retry_delay(tries)
    moment = now + delay + delay * JITTER_SHARE * chance
    return moment if moment < end else None
