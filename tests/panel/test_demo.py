"""The demo account: believable, complete, and no danger to anybody's mail."""

import os
from datetime import datetime, timedelta
from random import Random

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from mailqueue import accounts, history, ledger, overview, queue
from mailqueue.history import Period
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue import Submission
from panel import demo, reports

pytestmark = pytest.mark.django_db


def make(now: datetime, uid: int = 1000) -> tuple[HostingAccount, list[int]]:
    heard: list[int] = []
    return demo.create(uid, now, Random(7), heard.append), heard


def test_its_thirty_days_are_believable_and_its_ledger_holds(now: datetime) -> None:
    account, heard = make(now)
    seen = overview.of_account(account, now)
    assert 4000 <= seen.total_sent <= 5000
    days = history.of_period(account, Period.MONTH, now, seen.queued).bars[1:-1]
    assert all(day.sent for day in days)
    assert seen.created_at == now - timedelta(days=30)
    assert all(line.is_balanced for line in ledger.check())
    assert heard == sorted(heard)
    assert heard[-1] == demo.DAYS

    weekend = [day.sent for day in days if day.start.weekday() >= 5]
    working = [day.sent for day in days if day.start.weekday() < 5]
    assert sum(weekend) / len(weekend) < sum(working) / len(working) * 0.75

    assert 0.01 <= seen.total_in_error / seen.total_sent <= 0.04
    replies = Recipient.objects.filter(status="failed").values_list("reply", flat=True)
    assert {reply[:3] for reply in replies} == {"550", "552", "554"}
    # Some were turned away first, and tried again.
    assert Recipient.objects.filter(status="sent", tries=2).count() > 50


def test_nothing_of_it_is_sent_and_the_mail_of_others_is_left_alone(now: datetime) -> None:
    other = accounts.create("boutique.example", now - timedelta(days=60), uid=1)
    mail = Submission(
        account_id=other.pk,
        sender="",
        recipients=("you@example.org",),
        content=b"Subject: x\r\n\r\n",
        size_bytes=14,
        subject="x",
        origin=Message.Origin.SOCKET,
    )
    queue.accept([mail], now - timedelta(days=20))
    account, _ = make(now)
    assert not Recipient.objects.filter(account=account, status__in=Recipient.LIVE).exists()
    assert not Recipient.objects.filter(accepted_at__gt=now).exists()
    assert not Recipient.objects.filter(ended_at__gt=now).exists()
    waiting = Recipient.objects.get(account=other)
    assert (waiting.status, waiting.tries) == ("waiting", 0)


def test_it_is_all_or_nothing(now: datetime) -> None:
    def interrupt(days: int) -> None:
        if days >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.create(1000, now, Random(7), interrupt)
    assert not HostingAccount.objects.exists()
    assert not Recipient.objects.exists()


def test_a_user_has_one_account(now: datetime) -> None:
    accounts.create("boutique.example", now, uid=1000)
    with pytest.raises(ValidationError):
        make(now, uid=1000)
    accounts.create("mine.example", now, uid=os.getuid())
    with pytest.raises(CommandError):
        call_command("createdemo")


def test_no_report_goes_out_for_its_history(now: datetime) -> None:
    make(now)
    assert reports.send_due(now + timedelta(hours=20)) == 0
