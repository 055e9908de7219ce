"""Addresses that get no mail: how they come on the list, what becomes of mail to them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, ledger, queue, suppressions
from mailqueue.failures import Wish, page
from mailqueue.models import AccountTotals, Body, HostingAccount, Recipient, Strike, Suppression
from mailqueue.outcomes import Outcome, Result
from mailqueue.suppressions import LASTS, STRIKES_WITHIN, Blow, Reason

DEAD = "550 5.1.1 User unknown"


def fail(now: datetime, reply: str = DEAD) -> None:
    claimed = queue.claim_due(now, 100, timedelta(minutes=1))
    outcome = Outcome(Result.FAILED, reply, reply.split()[1], "mx.example.org")
    queue.record([(one, outcome) for one in claimed], now)


def statuses() -> list[str]:
    return [*Recipient.objects.order_by("pk").values_list("status", flat=True)]


def test_an_address_that_fails_hard_twice_within_a_day_gets_no_more_mail(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for moment in (now, now + timedelta(hours=23)):
        submit("Gone@example.org", at=moment)
        fail(moment)
    submit("gone@Example.ORG", "alive@example.org", at=moment)
    assert statuses() == ["failed", "failed", "suppressed", "waiting"]
    row = Recipient.objects.get(status="suppressed")
    assert (row.ended_at, row.next_attempt_at, row.admitted_at) == (moment, None, None)
    entry = Suppression.objects.get()
    assert (entry.account, entry.address, entry.reason) == (
        account,
        "gone@example.org",
        Reason.FAILED,
    )
    assert (entry.until, entry.words) == (moment + LASTS, DEAD)
    totals = AccountTotals.objects.get(account=account)
    assert (totals.accepted, totals.suppressed, totals.failed, totals.bounced) == (4, 1, 2, 2)
    assert len(page(account, Wish(since=now)).rows) == 2, "it is no error"


def test_it_gets_mail_again_when_the_time_is_over(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    suppressions.strike([Blow(account.pk, "a@example.org", Reason.COMPLAINED, "")], now)
    submit("a@example.org", at=now + LASTS - timedelta(seconds=1))
    submit("a@example.org", at=now + LASTS)
    assert statuses() == ["suppressed", "waiting"]
    assert suppressions.prune(now + LASTS) == 1


@pytest.mark.parametrize(
    ("reply", "after"),
    [
        ("552 5.2.2 mailbox full", timedelta()),
        ("550 5.7.1 blocked using zen.spamhaus.org", timedelta()),
        ("550 5.2.1 mailbox disabled", timedelta()),
        (DEAD, STRIKES_WITHIN),
    ],
)
def test_an_address_that_lives_or_failed_long_ago_is_not_suppressed(
    account: HostingAccount,
    submit: Callable[..., str],
    now: datetime,
    reply: str,
    after: timedelta,
) -> None:
    for moment in (now, now + after):
        submit("a@example.org", at=moment)
        fail(moment, reply)
    submit("a@example.org", at=moment)
    assert statuses() == ["failed", "failed", "waiting"]


def test_a_list_is_its_account_s_and_the_house_s_is_everybody_s(
    account: HostingAccount, other: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    suppressions.add(account.pk, ["A@example.org"], "moi", now)
    suppressions.add(None, ["b@example.org"], "admin", now)
    submit("a@example.org", "b@example.org", "c@example.org")
    submit("a@example.org", "b@example.org", "c@example.org", account_id=other.pk)
    assert statuses() == [
        *("suppressed", "suppressed", "waiting"),
        *("waiting", "suppressed", "waiting"),
    ]


def test_the_panel_s_own_letters_go_to_everybody(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    suppressions.add(None, ["a@example.org"], "admin", now)
    submit("a@example.org", account_id=accounts.system(now).pk)
    assert statuses() == ["waiting"]


def test_a_message_to_nobody_else_keeps_no_body(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    suppressions.add(account.pk, ["a@example.org"], "moi", now)
    submit("a@example.org")
    assert not Body.objects.exists()
    submit("a@example.org", "b@example.org")
    assert Body.objects.count() == 1


def test_what_is_suppressed_uses_up_no_quota(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(hourly_quota=1)
    suppressions.add(account.pk, ["a@example.org"], "moi", now)
    submit("a@example.org", "b@example.org", "c@example.org")
    assert statuses() == ["suppressed", "waiting", "held"]


def test_removing_one_lets_mail_be_tried_and_forgets_its_failures(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for _ in range(2):
        submit("a@example.org")
        fail(now)
    assert suppressions.remove(account.pk, ["A@Example.org", "b@example.org"]) == 1
    assert not Strike.objects.exists()
    submit("a@example.org")
    fail(now)
    submit("a@example.org")
    assert statuses()[2:] == ["failed", "waiting"], "one failure is one again"


def test_what_somebody_added_stays_for_ever(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    blow = Blow(account.pk, "a@example.org", Reason.COMPLAINED, "")
    assert suppressions.add(account.pk, ["a@example.org"], "moi", now) == (1, 0)
    suppressions.strike([blow], now)
    assert Suppression.objects.get().until is None
    suppressions.remove(account.pk, ["a@example.org"])
    suppressions.strike([blow], now)
    assert suppressions.add(account.pk, ["a@example.org", "A@example.org"], "moi", now) == (0, 1)
    assert Suppression.objects.get().reason == Reason.ADDED


def test_two_of_one_transaction_are_two_failures(account: HostingAccount, now: datetime) -> None:
    blow = Blow(account.pk, "a@example.org", Reason.FAILED, DEAD)
    assert suppressions.strike([blow, blow], now) == 1


def test_to_ask_costs_the_same_however_long_the_lists_are(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            submit(*(f"n{number}@example.org" for number in range(100)))
        return len(queries)

    before = cost()
    suppressions.add(account.pk, [f"c{number}@example.org" for number in range(3000)], "moi", now)
    assert cost() == before


def test_a_list_is_read_by_the_alphabet_and_searched(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    suppressions.add(account.pk, [f"c{number}@example.org" for number in range(5)], "moi", now)
    suppressions.add(other.pk, ["x@example.org"], "moi", now)
    first = suppressions.listed(account.pk, now, limit=2)
    assert [row.address[:2] for row in first] == ["c0", "c1", "c2"]
    rest = suppressions.listed(account.pk, now, after="c1@example.org", limit=50)
    assert [row.address[:2] for row in rest] == ["c2", "c3", "c4"]
    assert [row.address for row in suppressions.listed(account.pk, now, "C3@")] == [
        "c3@example.org"
    ]
    assert suppressions.number(account.pk, now) == 5
    assert len([*suppressions.everything(account.pk, now)]) == 5
    suppressions.add(None, ["c1@example.org"], "admin", now)
    assert len(suppressions.of_address(account.pk, "C1@example.org", now)) == 2


@pytest.mark.django_db(transaction=True)
def test_the_ledger_balances(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    suppressions.add(account.pk, ["a@example.org"], "moi", now)
    submit("a@example.org", "b@example.org")
    (line,) = ledger.check()
    assert line.is_balanced
    assert line.rows["suppressed"] == 1
