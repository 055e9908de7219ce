"""Who refuses this house is noted by destination and day, and never held against a site."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import accounts, queue, service, troubles
from mailqueue.models import Alert, HostingAccount, Refused
from mailqueue.outcomes import Outcome, Result
from mailqueue.troubles import TOLD_AFTER, destination_of

BLOCKED = "550 5.7.1 192.0.2.1 is listed by zen.spamhaus.org"


def answer(now: datetime, reply: str, result: Result = Result.FAILED) -> None:
    claimed = queue.claim_due(now, 100, timedelta(minutes=1))
    outcome = Outcome(result, reply, reply.split()[1], "mx1.provider.example")
    queue.record([(one, outcome) for one in claimed], now)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("gmail-smtp-in.l.google.com", "Gmail"),
        ("mx1.provider.example", "provider.example"),
        ("MX.Mail.co.uk.", "mail.co.uk"),
        ("mx.zoo.de", "mx.zoo.de"),
        ("192.0.2.1", "example.org"),
        ("2001:db8::1", "example.org"),
        ("localhost", "example.org"),
        ("", "example.org"),
    ],
)
def test_servers_of_one_operator_count_together(host: str, name: str) -> None:
    assert destination_of(host, "example.org") == name


def test_what_is_the_house_s_stops_no_account_and_is_told_once(
    account: HostingAccount, other: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    HostingAccount.objects.update(bounce_percent=25, error_limit=10)
    for number in range(40):
        submit(f"c{number}@example.org")
        submit(f"c{number}@example.org", account_id=other.pk)
    answer(now, BLOCKED)
    assert service.judge_failures([account.pk, other.pk], now) == []
    assert {row.account_id for row in Refused.objects.all()} == {account.pk, other.pk}
    system = accounts.system(now)
    assert troubles.tell(system.pk, now) == 0, "it may concern more"
    later = now + TOLD_AFTER
    assert troubles.tell(system.pk, later) == 1
    assert troubles.tell(system.pk, later) == 0
    alert = Alert.objects.get()
    assert alert.account == system
    assert alert.figures["destination"] == "provider.example"
    assert (alert.figures["accounts"], alert.figures["number"]) == (2, 80)
    assert alert.figures["words"] == BLOCKED


def test_the_next_day_is_another(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for day in range(2):
        moment = now + timedelta(days=day)
        submit(f"c{day}@example.org", at=moment)
        answer(moment, BLOCKED)
        assert troubles.tell(accounts.system(now).pk, moment + TOLD_AFTER) == 1


@pytest.mark.parametrize(
    ("reply", "result", "is_noted"),
    [
        ("451 4.7.650 temporarily rate limited due to IP reputation", Result.DEFERRED, True),
        ("450 4.2.0 greylisted, try again in 300 seconds", Result.DEFERRED, False),
        ("550 5.4.5 daily sending quota exceeded", Result.FAILED, True),
        ("550 5.1.1 user unknown", Result.FAILED, False),
        ("554 5.7.1 relay access denied", Result.FAILED, True),
        ("250 2.0.0 taken, though listed by spamhaus", Result.DELIVERED, False),
    ],
)
def test_only_what_is_ours_is_noted(
    account: HostingAccount,
    submit: Callable[..., str],
    now: datetime,
    reply: str,
    result: Result,
    is_noted: bool,
) -> None:
    submit("a@example.org")
    answer(now, reply, result)
    assert Refused.objects.exists() == is_noted


def test_old_notes_go(account: HostingAccount, submit: Callable[..., str], now: datetime) -> None:
    submit("a@example.org")
    answer(now, BLOCKED)
    assert troubles.prune(now + timedelta(days=90)) == 0
    assert troubles.prune(now + timedelta(days=92)) == 1


def test_one_site_that_fails_spf_is_not_the_house_s_trouble(
    account: HostingAccount, other: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    third = accounts.create("troisieme.example.net", now)
    later = now + TOLD_AFTER
    for number, site in enumerate((account, other, third), start=1):
        submit(f"c{number}@example.org", account_id=site.pk)
        answer(now, "550 5.7.26 the sender is unauthenticated: SPF did not pass")
        assert troubles.tell(accounts.system(now).pk, later) == (number == troubles.SEVERAL)
