"""What an account may, and what follows when it does more: decisions as values. Pure.

Owns every number that is compared and the figures that explain a decision. What was counted, since
when, comes from `windows`; who acts on a decision is for `queue` and `service`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from mailqueue.states import Event

HOUR = timedelta(hours=1)
# Windows of the limits that block. Ours; the last two after DirectAdmin and cPanel.
FAST_WINDOW = timedelta(minutes=10)
ERROR_WINDOW = HOUR
RATIO_WINDOW = timedelta(hours=24)
# So long under the usual ratio, and `force` becomes `ok` again.
RECOVERY = timedelta(days=7)
# So many automatic blocks, or blocks for spam, within this time make a review required.
REVIEW_AFTER = 3
REVIEW_WINDOW = timedelta(days=30)
# In `force` the ratio is doubled, up to this.
MOST_PERCENT = 90
# Of so few e-mails, or with so few errors, a ratio says nothing.
RATIO_LEAST_SENT = 20
RATIO_LEAST_ERRORS = 10
# So many complaints within RATIO_WINDOW, of so many e-mails in a thousand, are spam. Large
# providers ask for less than 3 in 1,000; the least is ours: one angry reader is none.
COMPLAINTS_LEAST = 5
COMPLAINTS_PER_MILLE = 3
# Messages that are judged spam, and their recipients, are counted over this; after SpamExperts.
SPAM_WINDOW = timedelta(minutes=10)
# A quota is nearly used at this share, in per cent.
WARN_PERCENT = 80
# How long before the end of the time of held mail its owner is warned.
EXPIRY_WARNING = timedelta(hours=24)

AUTOMATIC_BLOCKS = frozenset(
    {Event.TOO_FAST, Event.TOO_MANY_ERRORS, Event.RATIO_EXCEEDED, Event.SPAM_DETECTED}
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may; None is no limit. In recipients, unless the name says otherwise."""

    hourly_quota: int | None
    daily_quota: int | None
    # Handed over within FAST_WINDOW.
    fast_limit: int | None
    # Permanent failures of recipients within ERROR_WINDOW.
    error_limit: int | None
    # The share of e-mails in error, in per cent of those sent.
    bounce_percent: int | None
    hold: timedelta
    hold_limit: int | None
    hold_bytes: int | None
    # Messages judged spam within SPAM_WINDOW, and the recipients of such messages.
    spam_messages: int | None = None
    spam_recipients: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account has used of its quotas, and handed over within FAST_WINDOW."""

    hour: int = 0
    day: int = 0
    fast: int = 0

    def plus(self, *, admitted: int, accepted: int) -> "Usage":
        """The usage after so many more were let through, and handed over."""
        return Usage(self.hour + admitted, self.day + admitted, self.fast + accepted)


@dataclass(frozen=True, slots=True)
class Decision:
    """That a limit was passed: the event, and the figures that explain it."""

    event: Event
    figures: Mapping[str, int]


class Quota(StrEnum):
    """The quotas that are warned of."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Nearly:
    """A quota of which WARN_PERCENT or more is used."""

    quota: Quota
    used: int
    limit: int


def room(limits: Limits, usage: Usage) -> int | None:
    """How many more recipients the quotas let through now; None is any number."""
    rooms = [
        max(0, quota - used)
        for quota, used in (
            (limits.hourly_quota, usage.hour),
            (limits.daily_quota, usage.day),
        )
        if quota is not None
    ]
    return min(rooms) if rooms else None


def may_hold(limits: Limits, held: int, held_bytes: int) -> bool:
    """Whether an account may have so much held; beyond it mail is refused (552 5.2.2)."""
    return (limits.hold_limit is None or held <= limits.hold_limit) and (
        limits.hold_bytes is None or held_bytes <= limits.hold_bytes
    )


def nearly_used(limits: Limits, usage: Usage) -> list[Nearly]:
    """The quotas of which most is used."""
    pairs = (
        (Quota.HOUR, usage.hour, limits.hourly_quota),
        (Quota.DAY, usage.day, limits.daily_quota),
    )
    return [
        Nearly(quota, used, limit)
        for quota, used, limit in pairs
        if limit is not None and used * 100 >= limit * WARN_PERCENT
    ]


def too_fast(limits: Limits, handed_over: int) -> Decision | None:
    """Whether too much was handed over within FAST_WINDOW: more than the limit."""
    if limits.fast_limit is None or handed_over <= limits.fast_limit:
        return None
    return Decision(
        Event.TOO_FAST,
        {
            "number": handed_over,
            "limit": limits.fast_limit,
            "minutes": FAST_WINDOW // timedelta(minutes=1),
        },
    )


def too_many_errors(limits: Limits, bounced: int) -> Decision | None:
    """Whether too many recipients failed within ERROR_WINDOW: the limit, or more."""
    if limits.error_limit is None or bounced < limits.error_limit:
        return None
    return Decision(
        Event.TOO_MANY_ERRORS,
        {
            "number": bounced,
            "limit": limits.error_limit,
            "minutes": ERROR_WINDOW // timedelta(minutes=1),
        },
    )


def ratio_exceeded(
    limits: Limits, sent: int, bounced: int, *, is_forced: bool = False
) -> Decision | None:
    """Whether too large a share failed within RATIO_WINDOW: the allowed one, or more.

    `sent` counts what left, delivered or refused; `bounced` what failed by a fault of the
    recipient. With `is_forced` the allowed share is doubled, up to MOST_PERCENT.
    """
    if limits.bounce_percent is None:
        return None
    allowed = allowed_percent(limits.bounce_percent, is_forced=is_forced)
    if sent < RATIO_LEAST_SENT or bounced < RATIO_LEAST_ERRORS or bounced * 100 < allowed * sent:
        return None
    return Decision(
        Event.RATIO_EXCEEDED,
        {
            "number": bounced,
            "sent": sent,
            "limit": allowed,
            "hours": RATIO_WINDOW // HOUR,
        },
    )


def ratio_near(
    limits: Limits, sent: int, bounced: int, *, is_forced: bool = False
) -> Decision | None:
    """Whether the share of errors has come to WARN_PERCENT of the one that stops."""
    if limits.bounce_percent is None:
        return None
    allowed = allowed_percent(limits.bounce_percent, is_forced=is_forced)
    is_near = sent >= RATIO_LEAST_SENT and bounced * 10_000 >= allowed * WARN_PERCENT * sent
    figures = {"number": bounced, "sent": sent, "limit": allowed}
    return Decision(Event.RATIO_EXCEEDED, figures) if is_near and bounced else None


def too_many_complaints(sent: int, complaints: int) -> Decision | None:
    """Whether so many who got mail within RATIO_WINDOW reported it that it is taken for spam.

    At least COMPLAINTS_LEAST, and COMPLAINTS_PER_MILLE of what was sent.
    """
    if complaints < COMPLAINTS_LEAST or complaints * 1000 < COMPLAINTS_PER_MILLE * sent:
        return None
    return Decision(
        Event.SPAM_DETECTED,
        {"complaints": complaints, "sent": sent, "hours": RATIO_WINDOW // HOUR},
    )


def too_much_spam(
    limits: Limits, messages: int, recipients: int, *, has_malware: bool = False
) -> Decision | None:
    """Whether so much was judged spam within SPAM_WINDOW: a limit, or more; malware always is."""
    is_over = any(
        limit is not None and number >= limit
        for number, limit in (
            (messages, limits.spam_messages),
            (recipients, limits.spam_recipients),
        )
    )
    if not (is_over or has_malware):
        return None
    return Decision(
        Event.SPAM_DETECTED,
        {
            "messages": messages,
            "recipients": recipients,
            "minutes": SPAM_WINDOW // timedelta(minutes=1),
            "malware": int(has_malware),
        },
    )


def allowed_percent(percent: int, *, is_forced: bool) -> int:
    """The share of errors that is allowed; in `force` twice as much, up to MOST_PERCENT.

    A limit that is above that already stays.
    """
    return max(percent, min(2 * percent, MOST_PERCENT)) if is_forced else percent


def needs_review(automatic_blocks: int, spam_blocks: int) -> bool:
    """Whether blocks within REVIEW_WINDOW are so many that an administrator must look."""
    return max(automatic_blocks, spam_blocks) >= REVIEW_AFTER
