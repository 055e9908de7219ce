"""What is done so often within an hour is refused until the hour is over."""

from datetime import datetime, timedelta

import pytest

from panel import throttle


def test_the_hour_goes_with_the_clock(now: datetime) -> None:
    for minutes in (0, 10, 50):
        throttle.count("letters", 3, now + timedelta(minutes=minutes))
    with pytest.raises(throttle.TooOften):
        throttle.count("letters", 3, now + timedelta(minutes=59))
    throttle.count("letters", 3, now + timedelta(minutes=61))
    with pytest.raises(throttle.TooOften):
        throttle.count("letters", 3, now + timedelta(minutes=62))
    throttle.count("others", 3, now + timedelta(minutes=62))
