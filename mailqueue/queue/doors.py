"""What an account's state and limits let in, while one transaction takes its messages."""

from dataclasses import dataclass

from mailqueue import limits, policy, windows
from mailqueue.counters import Standing
from mailqueue.models import HostingAccount
from mailqueue.queue.rows import HoldReason, delivers


@dataclass(frozen=True, slots=True)
class Split:
    """How many of a message's recipients may go out, and why the others are held."""

    admitted: int
    held: int
    reason: HoldReason

    @property
    def number(self) -> int:
        """All of them."""
        return self.admitted + self.held


class Door:
    """What an account may still have let through, and held, while a transaction lasts."""

    def __init__(self, account: HostingAccount, standing: Standing) -> None:
        self.is_system = account.is_system
        self.limits = limits.of(account)
        self.usage = windows.usage_of(standing)
        self._is_open = delivers(account)
        self._held = standing.held
        self._held_bytes = standing.held_bytes
        # Who came first goes first: while some wait for the quota, newcomers wait behind them.
        self._has_line = standing.overflow > 0

    @property
    def nears_limit(self) -> bool:
        """Whether a quota is nearly used, or too much was handed over of late."""
        return bool(
            policy.nearly_used(self.limits, self.usage)
            or policy.too_fast(self.limits, self.usage.fast)
        )

    def split(
        self, number: int, size_bytes: int, *, is_late: bool, is_stopped: bool = False
    ) -> Split | None:
        """Let so many recipients of a message in; None if more would be held than may be.

        `is_stopped`: the script that sent it is blocked.
        """
        split = Split(0, number, HoldReason.SCRIPT) if is_stopped else self._split(number)
        held = self._held + split.held
        held_bytes = self._held_bytes + split.held * size_bytes
        if split.held and not policy.may_hold(self.limits, held, held_bytes):
            return None
        self._held, self._held_bytes = held, held_bytes
        self._has_line |= split.reason is HoldReason.OVERFLOW and split.held > 0
        handed_over = 0 if is_late or is_stopped else split.number
        self.usage = self.usage.plus(admitted=split.admitted, accepted=handed_over)
        return split

    def _split(self, number: int) -> Split:
        if not self._is_open:
            return Split(0, number, HoldReason.BLOCKED)
        room = 0 if self._has_line else policy.room(self.limits, self.usage)
        admitted = number if room is None else min(number, room)
        return Split(admitted, number - admitted, HoldReason.OVERFLOW)
