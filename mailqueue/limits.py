"""The limits of an account: its own, and the house's where it has none of its own."""

from datetime import timedelta

from django.conf import settings

from mailqueue.models import HostingAccount
from mailqueue.policy import Limits

# The panel's own letters are counted against nobody, and held by nothing.
NONE = Limits(None, None, None, None, None, timedelta(hours=72), None, None)


def of(account: HostingAccount) -> Limits:
    """What this account may. A limit of 0 is none."""
    if account.is_system:
        return NONE
    hourly = _own(account.hourly_quota, settings.HOURLY_QUOTA)
    daily = _own(account.daily_quota, settings.DAILY_QUOTA)
    return Limits(
        hourly_quota=hourly or None,
        daily_quota=daily or None,
        fast_limit=_own(account.fast_limit, settings.FAST_FACTOR * hourly) or None,
        error_limit=_own(account.error_limit, settings.ERROR_LIMIT) or None,
        bounce_percent=_own(account.bounce_percent, settings.BOUNCE_PERCENT) or None,
        hold=timedelta(hours=_own(account.hold_hours, settings.HOLD_HOURS)),
        hold_limit=_own(account.hold_limit, settings.HOLD_FACTOR * daily) or None,
        hold_bytes=settings.HOLD_BYTES or None,
        spam_messages=settings.SPAM_MESSAGES or None,
        spam_recipients=settings.SPAM_RECIPIENTS or None,
    )


def _own(value: int | None, default: int) -> int:
    return default if value is None else value
