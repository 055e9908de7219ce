"""Rounds to the database that fail in the middle: what is done is not done again, nor forgotten."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from mailqueue import accounts, queue
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from relay.database import in_database
from relay.recorder import Recorder
from tests.support.loop import run

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = Outcome(Result.FAILED, "550 5.1.1 User unknown", "5.1.1")
LATER = Outcome(Result.DEFERRED, "451 later", "4.0.0")


class Away:
    """A database that is away once, when rules ask what was counted of late."""

    def __init__(self) -> None:
        self.is_over = False

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not self.is_over and sql.startswith("SELECT") and "mailqueue_minutecount" in sql:
            self.is_over = True
            raise OperationalError("the server closed the connection")
        return execute(sql, *rest)


def test_rules_look_again_after_a_fault_and_an_attempt_counts_once(now: datetime) -> None:
    account = accounts.create("boutique.example", now)
    HostingAccount.objects.update(error_limit=1)
    content = b"Subject: a\r\n\r\n"
    to = ("nobody@example.org", "full@example.org")
    mail = Submission(account.pk, "", to, content, len(content), "a", Message.Origin.SOCKET)
    queue.accept([mail], now)
    claimed = queue.claim_due(now, 10, timedelta(minutes=1))
    away = Away()

    async def work() -> None:
        recorder = Recorder(lambda: now, lambda: 1)
        await in_database(lambda: connection.execute_wrappers.append(away))
        await recorder.settle(list(zip(claimed, (UNKNOWN, LATER), strict=True)))

    run(work())
    assert away.is_over
    account.refresh_from_db()
    assert account.state == "ko"
    failed, deferred = Recipient.objects.order_by("pk")
    assert (failed.status, failed.tries) == ("failed", 1)
    assert (deferred.status, deferred.tries) == ("held", 1)
