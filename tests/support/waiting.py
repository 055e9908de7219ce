"""Waiting for what other processes do: look again and again, and say what never came."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], within_s: float = 20, what: str = "") -> T:
    """The first true answer of `look`. Fails the test if there is none in time."""
    until = time.monotonic() + within_s
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"not within {within_s:g} s: {what or look}; last: {answer!r}")
        time.sleep(0.05)
