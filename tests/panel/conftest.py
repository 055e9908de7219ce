"""What tests of pages share: users of each kind, an account of theirs, a browser without script."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, queue
from mailqueue.models import HostingAccount, Message
from mailqueue.queue import Submission
from panel.models import Membership, User

HTMX = {"HX-Request": "true"}
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """Logins that failed in one test are none of the next."""
    cache.clear()


@pytest.fixture
def account(db: None) -> HostingAccount:
    created = datetime(2021, 3, 3, 9, tzinfo=UTC)
    return accounts.create(
        "boutique.example", created, uid=1001, report_to="contact@boutique.example"
    )


@pytest.fixture
def other(db: None, now: datetime) -> HostingAccount:
    """An account of somebody else."""
    return accounts.create("autre.example", now, uid=1002)


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_user("admin", "admin@example.org", PASSWORD, is_staff=True)


@pytest.fixture
def owner(account: HostingAccount) -> User:
    user = User.objects.create_user("claire", "claire@boutique.example", PASSWORD)
    Membership.objects.create(user=user, account=account)
    return user


@pytest.fixture
def reader(account: HostingAccount) -> User:
    user = User.objects.create_user("lise", "lise@boutique.example", PASSWORD)
    Membership.objects.create(user=user, account=account, role=Membership.Role.READER)
    return user


@pytest.fixture
def outsider(other: HostingAccount) -> User:
    """The owner of another account."""
    user = User.objects.create_user("paul", "paul@autre.example", PASSWORD)
    Membership.objects.create(user=user, account=other)
    return user


Browse = Callable[[User | None], Client]


@pytest.fixture
def browse() -> Browse:
    """A browser in French, in which somebody has logged in, or nobody."""

    def start(user: User | None = None) -> Client:
        client = Client(headers={"Accept-Language": "fr"})
        if user is not None:
            client.force_login(user)
        return client

    return start


Submit = Callable[..., None]


@pytest.fixture
def submit(account: HostingAccount) -> Submit:
    """Puts a message into the queue."""
    numbers = count(1)

    def accept(now: datetime, **options: object) -> None:
        number = next(numbers)
        content = b"Subject: x\r\n\r\nx\r\n"
        values: dict[str, object] = {
            "account_id": account.pk,
            "sender": "site@boutique.example",
            "recipients": (f"client{number}@example.org",),
            "content": content,
            "size_bytes": len(content),
            "subject": f"Commande {number}",
            "origin": Message.Origin.SOCKET,
            "script": "commande.php",
        }
        queue.accept([Submission(**{**values, **options})], now)  # type: ignore[arg-type]

    return accept


@pytest.fixture
def queries() -> Callable[[Callable[[], object]], int]:
    """How many queries a call makes."""

    def measure(call: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    return measure
