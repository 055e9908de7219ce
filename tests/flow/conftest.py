"""Houses for whole journeys, and the servers that their mail goes to."""

from collections.abc import Iterator

import pytest

from tests.support.house import House, house
from tests.support.remote import Remote, remote


@pytest.fixture(scope="module")
def mx() -> Iterator[Remote]:
    """The server behind FACTEUR_SMARTHOST."""
    with remote() as server:
        yield server


@pytest.fixture(scope="module")
def home(mx: Remote) -> Iterator[House]:
    """A running house with one account, ours, that sends to `mx`."""
    with house(smarthost=f"127.0.0.1:{mx.port}", lease_seconds="4", sweep_seconds="1") as new:
        new.start()
        yield new
    # Shown with a failed test.
    print(new.output)
