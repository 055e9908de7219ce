"""Whether an engine is asked: one that does not answer is left alone for a while. Pure.

Three questions in a row without an answer open the circuit, for 5 seconds at first, then twice as
long each time, up to 5 minutes. After that one question is a trial; the others pass by meanwhile.
A message can be what takes too long: time-outs of one account alone, which it may have made so,
count less, or a few letters would switch an engine off for all.
"""

from datetime import datetime, timedelta

# All ours.
MOST_FAILURES = 3
MOST_SLOW = 10
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)


class Circuit:
    """What is known of one engine; it may begin with what others learned."""

    def __init__(
        self, rests: int = 0, rest_until: datetime | None = None, failures: int = 0
    ) -> None:
        # Rests one after the other, without an answer between them.
        self.rests = rests
        self.rest_until = rest_until
        # Likewise, questions since the last rest.
        self.failures = failures
        self._is_trying = False
        self._slow_accounts: set[int] = set()
        self._has_failed_otherwise = False

    def lets_pass(self, now: datetime) -> bool:
        """Whether to ask now. Whoever was let pass says afterwards what came of it."""
        if self.rest_until is None:
            return True
        if now < self.rest_until or self._is_trying:
            return False
        self._is_trying = True
        return True

    def answered(self) -> None:
        """A question had its answer."""
        self.rests = 0
        self.rest_until = None
        self._forget()

    def failed(self, now: datetime, account_id: int, *, is_slow: bool) -> None:
        """A question had none; `is_slow`: in time."""
        if self.rest_until is not None:
            # News of questions that were on their way before is none.
            if self._is_trying:
                self._rest(now)
            return
        self.failures += 1
        if is_slow:
            self._slow_accounts.add(account_id)
        else:
            self._has_failed_otherwise = True
        is_of_one = not self._has_failed_otherwise and len(self._slow_accounts) < 2
        if self.failures >= (MOST_SLOW if is_of_one else MOST_FAILURES):
            self._rest(now)

    def may_try(self, now: datetime) -> None:
        """A rest ends early: the next question is a trial."""
        if self.rest_until is not None:
            self.rest_until = min(self.rest_until, now)

    def gave_up(self) -> None:
        """A question was broken off by us: it says nothing."""
        self._is_trying = False

    def _rest(self, now: datetime) -> None:
        # Not 2 ** rests: that number has no bound.
        rest = FIRST_REST * 2 ** min(self.rests, 10)
        self.rests += 1
        self.rest_until = now + min(rest, LONGEST_REST)
        self._forget()

    def _forget(self) -> None:
        self._is_trying = False
        self.failures = 0
        self._slow_accounts.clear()
        self._has_failed_otherwise = False
