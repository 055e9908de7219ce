"""How fast mail may go to a destination, and how that is learned from its replies. Pure.

Owns the rules: who wants less gets half of it, after a rest; who takes what he gets is given a
little more each time, until it is the usual again. The clock is an argument.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailqueue.bounce_rules import Category
from mailqueue.bounces import classify_reply
from mailqueue.outcomes import Outcome, Result

USUAL = 100
# The least share of the usual pace, in percent.
FLOOR = 5
# What a destination gains with so many messages that it took.
STEP = 5
MESSAGES_OF_STEP = 20
# How long a destination rests that wanted less, or was away: doubled each time, up to the longest.
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=30)
# What was learned of a destination is forgotten when its last rest is so long ago.
FORGOTTEN = timedelta(days=1)
# The usual pace of destinations without a rate, for those that must be slowed: in a minute.
RATE_WHEN_SLOWED = 600
# What speaks of one mailbox or one message, whatever its words.
_OF_ONE = ("4.2.", "5.2.", "4.5.3")
# They say that it is too much, or that they do not like whom it comes from.
_TOO_MUCH = frozenset({Category.RATE_LIMITED, Category.REPUTATION_BLOCK})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a destination is given at the usual pace; a rate of 0 is none."""

    connections: int
    # Messages of one connection, and in a minute.
    messages: int
    per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of a destination: the share of the usual that it gets, and since when."""

    share: int = USUAL
    # Times that it wanted less, or was away, without a good word in between.
    strikes: int = 0
    slowed_at: datetime | None = None
    wait_until: datetime | None = None
    words: str = ""

    @property
    def is_usual(self) -> bool:
        """Whether there is nothing to remember."""
        return self.slowed_at is None

    def rests(self, now: datetime) -> bool:
        """Whether nothing goes there now."""
        return self.wait_until is not None and now < self.wait_until

    def is_stale(self, now: datetime) -> bool:
        """Whether what was learned is too old to be believed."""
        return self.wait_until is not None and self.wait_until + FORGOTTEN < now


def wants_less(outcome: Outcome) -> bool:
    """Whether a reply speaks of our pace or our name rather than of this message.

    421 and 4.7.x do so where the words tell nothing else. 4.7.1 does not: with it servers put off
    whom they do not know yet (greylisting), each sender once. Nor do x.2.z, of the pace of a single
    mailbox (RFC 3463 §3.3), which whoever writes to it could use against all others, and 4.5.3, of
    the recipients of one message. A permanent refusal does so only as
    554, which blocks the sender, and by the reputation.
    """
    if outcome.result is Result.DELIVERED or outcome.status.startswith(_OF_ONE):
        return False
    category = classify_reply(outcome.reply).category
    if outcome.result is Result.FAILED:
        return category is Category.REPUTATION_BLOCK and outcome.reply.startswith("554")
    if category in _TOO_MUCH:
        return not _is_greylisting(outcome.reply)
    is_vague = category in {Category.UNDEFINED, Category.REMOTE_ERROR, Category.POLICY_BLOCK}
    is_told = outcome.reply.startswith("421") or (
        outcome.status.startswith("4.7.") and outcome.status != "4.7.1"
    )
    return is_told and is_vague and not _is_greylisting(outcome.reply)


def _is_greylisting(words: str) -> bool:
    said = words.lower()
    return "greylist" in said or "graylist" in said or "grey-list" in said


def slower(pace: Pace, now: datetime, words: str) -> Pace:
    """Half the share, after a rest. What others were told while it rests adds nothing."""
    if pace.rests(now):
        return replace(pace, words=words)
    return replace(_resting(pace, now, words), share=max(FLOOR, pace.share // 2))


def away(pace: Pace, now: datetime, words: str) -> Pace:
    """A rest alone: it could not be reached, which says nothing of what it takes."""
    return replace(pace, words=words) if pace.rests(now) else _resting(pace, now, words)


def faster(pace: Pace, taken: int) -> Pace:
    """More, for `taken` messages that were taken; at the usual pace nothing is remembered."""
    steps = taken // MESSAGES_OF_STEP
    if pace.is_usual or not steps:
        return pace
    share = min(USUAL, pace.share + STEP * steps)
    return Pace() if share == USUAL else replace(pace, share=share, strikes=0)


def allowed(limits: Limits, pace: Pace, runs: int = 1) -> Limits:
    """What a run may give a destination now, where `runs` share it: at least one connection."""
    connections = max(1, limits.connections * pace.share // USUAL // runs)
    per_minute = limits.per_minute or (0 if pace.share == USUAL else RATE_WHEN_SLOWED)
    if per_minute:
        per_minute = max(1, per_minute * pace.share // USUAL // runs)
    return Limits(connections, limits.messages, per_minute)


def _resting(pace: Pace, now: datetime, words: str) -> Pace:
    rest = min(LONGEST_REST, FIRST_REST * 2 ** min(pace.strikes, 10))
    return replace(
        pace,
        strikes=pace.strikes + 1,
        slowed_at=pace.slowed_at or now,
        wait_until=now + rest,
        words=words,
    )
