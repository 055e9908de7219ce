"""Fixtures for all tests: the clock, and marks that follow from where a test stands."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

SLOW_FOLDERS = {"flow", "browser"}


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark whole journeys as slow, so that `-m "not slow"` gives a quick run."""
    for item in items:
        if SLOW_FOLDERS & set(Path(item.path).parts):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def now() -> datetime:
    """A moment in the middle of an ordinary day, in UTC."""
    return datetime(2026, 3, 11, 10, 30, tzinfo=UTC)
