"""What tests of the ledger share: accounts, submissions, a moment."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest

from mailqueue import accounts, queue
from mailqueue.models import HostingAccount, Message
from mailqueue.queue import Submission

Submit = Callable[..., str]


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 10, 7, 30, tzinfo=UTC)


@pytest.fixture
def account(db: None, now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now, uid=1001, report_to="moi@boutique.example")


@pytest.fixture
def other(db: None, now: datetime) -> HostingAccount:
    return accounts.create("autre.example", now, uid=1002)


@pytest.fixture
def submission(account: HostingAccount) -> Callable[..., Submission]:
    """A maker of submissions to `recipients`, for the first account unless told."""
    numbers = count(1)

    def make(
        *recipients: str, account_id: int = account.pk, handover_id: str = "", size: int = 40
    ) -> Submission:
        number = next(numbers)
        content = b"Subject: %d\r\n\r\n" % number + b"x" * size + b"\r\n"
        return Submission(
            account_id=account_id,
            sender="site@boutique.example",
            recipients=recipients or (f"client{number}@example.org",),
            content=content,
            size_bytes=len(content),
            subject=str(number),
            origin=Message.Origin.SOCKET,
            handover_id=handover_id,
        )

    return make


@pytest.fixture
def submit(submission: Callable[..., Submission], now: datetime) -> Submit:
    """Accepts one message and returns its queue id."""

    def accept(*recipients: str, at: datetime = now, **options: object) -> str:
        return queue.accept([submission(*recipients, **options)], at)[0].queue_id

    return accept
