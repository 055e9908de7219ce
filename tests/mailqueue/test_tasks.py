"""Slow work for many accounts: what is wrong with one stops none of the others."""

from collections.abc import Callable
from datetime import datetime

import pytest

from mailqueue import queue, service, tasks
from mailqueue.models import AccountTotals, HostingAccount, Recipient

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]


def statuses(account: HostingAccount) -> list[str]:
    rows = Recipient.objects.filter(account=account).order_by("pk")
    return list(rows.values_list("status", flat=True))


def test_a_job_that_cannot_go_on_leaves_the_others_alone(
    account: HostingAccount,
    other: HostingAccount,
    submit: Submit,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(service.advance, "__defaults__", (1,))
    for each in (account, other):
        service.block(each.pk, "admin", now)
        submit("a@example.org", "b@example.org", account_id=each.pk)
        service.unblock(each.pk, "admin", now)
    # As after a repair by hand that went wrong.
    AccountTotals.objects.filter(account=account).update(held=0)
    tasks.work()
    assert statuses(account) == ["waiting", "held"]
    assert statuses(other) == ["waiting", "waiting"]
    assert "step=advance" in caplog.text
    assert queue.has_due(now)


def test_a_line_that_cannot_go_on_leaves_the_others_alone(
    account: HostingAccount, other: HostingAccount, submit: Submit
) -> None:
    HostingAccount.objects.update(hourly_quota=1)
    for each in (account, other):
        submit("a@example.org", "b@example.org", account_id=each.pk)
    AccountTotals.objects.filter(account=account).update(held_bytes=0)
    tasks.work()
    assert statuses(account) == ["waiting", "held"]
    assert statuses(other) == ["waiting", "waiting"]
