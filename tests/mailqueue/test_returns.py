"""What came back: each recipient is in error once, whoever says what how often."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mailqueue import copies, counters, failures, ledger, queue, returns, service, tasks
from mailqueue.bounces import Category
from mailqueue.failures import Wish
from mailqueue.models import (
    AccountTotals,
    HostingAccount,
    Message,
    Recipient,
    Returned,
    Review,
    StateChange,
    Strike,
    Suppression,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.return_tokens import Purpose, Token
from mailqueue.returns import KEPT_BYTES, MOST_OF_ONE, Arrival
from mailqueue.states import State
from tests.support.reports import report, sample

LEASE = timedelta(minutes=1)
Kind = Returned.Outcome


def send(now: datetime, result: Result = Result.DELIVERED, reply: str = "250 2.0.0 Ok") -> None:
    claimed = queue.claim_due(now, 1000, LEASE)
    queue.record(
        [(one, Outcome(result, reply, reply.split()[1], "mx.test")) for one in claimed], now
    )


def arrive(number: int, content: bytes, now: datetime, sender: str = "") -> bool:
    token = Token(Purpose.RETURN, number, now)
    return returns.store([Arrival(token, sender, "192.0.2.1", content, len(content))], now)[0]


def handle(now: datetime) -> list[str]:
    return [one.outcome.value for one in returns.handle(now) or ()]


def only() -> Recipient:
    return Recipient.objects.get()


def totals(account: HostingAccount) -> tuple[int, int, int, int]:
    row = AccountTotals.objects.get(account=account)
    return row.sent, row.returned, row.bounced, row.complaints


def test_a_recipient_that_came_back_is_in_error_and_stays_sent(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    send(now)
    later = now + timedelta(hours=1)
    assert arrive(only().pk, report("ana@example.org"), later)
    assert handle(later) == [Kind.FAILURE]
    row = only()
    assert (row.status, row.category, row.returned_at) == ("sent", "user_unknown", later)
    assert row.reply == "550 5.1.1 User unknown"
    assert totals(account) == (1, 1, 1, 0)
    window = counters.trailing({account.pk: later - LEASE}, later)[account.pk]
    assert (window.sent, window.returned, window.bounced) == (0, 1, 1)
    (found,) = failures.page(account, Wish(since=now)).rows
    assert found.has_come_back
    assert (found.ended_at, found.category) == (later, Category.USER_UNKNOWN)
    assert failures.numbers(account, Wish(since=now)) == {Category.USER_UNKNOWN: 1}


@pytest.mark.django_db(transaction=True)
def test_the_ledger_balances(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org", "bob@example.org")
    send(now)
    arrive(Recipient.objects.get(address="ana@example.org").pk, report("ana@example.org"), now)
    handle(now)
    (line,) = ledger.check()
    assert line.is_balanced
    assert line.rows["sent"] == 2


def test_a_replayed_report_changes_nothing(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    send(now)
    for _ in range(3):
        arrive(only().pk, report("ana@example.org"), now)
    assert handle(now) == [Kind.FAILURE, Kind.KNOWN, Kind.KNOWN]
    arrive(only().pk, report("ana@example.org"), now)
    assert handle(now) == [Kind.KNOWN]
    assert totals(account) == (1, 1, 1, 0)
    assert returns.handle(now) is None


@given(st.lists(st.integers(0, 2), max_size=12), st.integers(1, 5))
@hypothesis_settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_however_reports_come_each_recipient_counts_once(
    account: HostingAccount,
    submit: Callable[..., str],
    now: datetime,
    which: list[int],
    at_once: int,
) -> None:
    Recipient.objects.all().delete()
    AccountTotals.objects.update(accepted=0, sent=0, returned=0, bounced=0)
    submit("a@example.org", "b@example.org", "c@example.org")
    send(now)
    rows = list(Recipient.objects.order_by("pk"))
    for place in which:
        arrive(rows[place].pk, report(rows[place].address, "552 5.2.2 full"), now)
    while returns.handle(now, at_once) is not None:
        pass
    assert totals(account)[1] == len(set(which))
    back = Recipient.objects.filter(returned_at__isnull=False).values_list("pk", flat=True)
    assert set(back) == {rows[place].pk for place in which}


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (sample("holiday.eml"), Kind.AUTO_REPLY),
        (sample("success.eml"), Kind.SUCCESS),
        (sample("postfix-delayed.eml"), Kind.DELAY),
        (sample("ordinary.eml"), Kind.MAIL),
        (sample("arf-not-spam.eml"), Kind.MAIL),
        (b"", Kind.MAIL),
        (b"\0\xff\r\n" * 99, Kind.MAIL),
    ],
)
def test_what_is_no_failure_changes_nothing(
    account: HostingAccount,
    submit: Callable[..., str],
    now: datetime,
    content: bytes,
    outcome: Kind,
) -> None:
    submit("ana@example.org")
    send(now)
    before = Recipient.objects.values().get()
    arrive(only().pk, content, now, sender="ana@example.org")
    assert handle(now) == [outcome]
    assert Recipient.objects.values().get() == before
    assert totals(account) == (1, 0, 0, 0)


def test_a_report_about_somebody_else_is_about_the_recipient_of_its_token(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("list@example.org", "ana@example.org")
    send(now)
    of_list = Recipient.objects.get(address="list@example.org")
    arrive(of_list.pk, report("ana@example.org"), now)
    handle(now)
    assert Recipient.objects.get(returned_at__isnull=False) == of_list


def test_one_that_failed_or_was_purged_is_not_in_error_twice(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    send(now, Result.FAILED, "550 5.1.1 unknown")
    arrive(only().pk, report("ana@example.org"), now)
    assert handle(now) == [Kind.KNOWN]
    assert totals(account) == (0, 0, 1, 0)


def test_a_report_that_comes_before_its_outcome_waits_for_it(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    claimed = queue.claim_due(now, 1, LEASE)
    arrive(only().pk, report("ana@example.org"), now)
    assert handle(now) == []
    assert totals(account) == (0, 0, 0, 0)
    queue.record([(claimed[0], Outcome(Result.DELIVERED, "250 ok", "2.0.0"))], now)
    assert returns.handle(now) is None, "not at once"
    later = now + timedelta(minutes=1)
    assert handle(later) == [Kind.FAILURE]
    assert totals(account) == (1, 1, 1, 0)


def test_a_report_that_waits_long_is_looked_at_less_and_less(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    arrive(only().pk, report("ana@example.org"), now)
    looks = 0
    for minute in range(24 * 60):
        looks += returns.handle(now + timedelta(minutes=minute)) is not None
    assert looks == 12
    assert not Returned.objects.get().outcome


def test_one_that_cannot_be_read_stands_in_nobodys_way(db: None, now: datetime) -> None:
    arrive(7, report("ana@example.org"), now)
    Returned.objects.update(content=b"broken")
    arrive(8, report("bob@example.org"), now)
    assert handle(now) == [Kind.GONE]
    assert returns.handle(now) is None


def test_a_report_about_rows_that_are_gone_breaks_nothing(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    arrive(2**62, report("ana@example.org"), now)
    arrive(2**62, sample("arf-abuse.eml"), now)
    assert handle(now) == [Kind.GONE, Kind.GONE]


def test_so_much_is_kept_of_a_message_and_so_many_of_a_token(db: None, now: datetime) -> None:
    content = report("ana@example.org") + b"x" * (10 * KEPT_BYTES)
    assert [arrive(7, content, now) for _ in range(MOST_OF_ONE + 2)] == [True] * MOST_OF_ONE + [
        False,
        False,
    ]
    assert all(len(returns.content_of(row)) == KEPT_BYTES for row in Returned.objects.all())
    assert arrive(8, content, now)


def test_what_came_back_weighs_like_what_was_refused(
    account: HostingAccount, submit: Callable[..., str], now: datetime, settings: Any
) -> None:
    settings.BOUNCE_PERCENT = 25
    for _ in range(40):
        submit()
    send(now)
    rows = list(Recipient.objects.order_by("pk"))
    for row in rows[:9]:
        arrive(row.pk, report(row.address), now)
    for row in rows[9:20]:
        # Our own poor name is no fault of the site.
        arrive(row.pk, report(row.address, "550 5.7.1 blocked using zen.spamhaus.org"), now)
    handled = returns.handle(now)
    assert handled
    tasks._follow(handled, now)
    account.refresh_from_db()
    assert account.state == State.OK
    arrive(rows[20].pk, report(rows[20].address, "552 5.2.2 mailbox full"), now)
    handled = returns.handle(now)
    assert handled
    tasks._follow(handled, now)
    account.refresh_from_db()
    assert account.state == State.BOUNCE
    stop = StateChange.objects.get()
    assert (stop.figures["number"], stop.figures["sent"]) == (10, 40)
    assert len(stop.figures["samples"]) == 3


def test_enough_complaints_are_spam_each_counted_once(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for _ in range(20):
        submit()
    send(now)
    rows = list(Recipient.objects.order_by("pk"))
    for row in (*rows[:4], rows[0]):
        arrive(row.pk, sample("arf-abuse.eml"), now)
    handled = returns.handle(now)
    assert handled
    tasks._follow(handled, now)
    assert totals(account) == (20, 0, 0, 4)
    account.refresh_from_db()
    assert account.state == State.OK
    arrive(rows[5].pk, sample("arf-abuse.eml"), now)
    handled = returns.handle(now)
    assert handled
    tasks._follow(handled, now)
    account.refresh_from_db()
    assert account.state == State.SPAM
    assert StateChange.objects.get().figures["complaints"] == 5


def test_an_author_gets_a_copy_where_the_account_wants_it(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    send(now)
    arrive(only().pk, report("ana@example.org"), now)
    handle(now)
    assert copies.send(now) == []
    HostingAccount.objects.filter(pk=account.pk).update(copies_returns=True)
    arrive(only().pk, sample("holiday.eml"), now)
    handle(now)
    assert len(copies.send(now)) == 1
    assert copies.send(now) == []
    copy = Message.objects.get(account__is_system=True)
    assert (copy.sender, copy.account.is_system) == ("", True)
    assert copy.recipients.get().address == "site@boutique.example"
    content = queue.content_of(copy.pk)
    assert content is not None
    assert sample("holiday.eml").strip() in content


def test_mail_of_the_null_sender_has_nobody_for_a_copy(
    account: HostingAccount, submission: Callable[..., Any], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(copies_returns=True)
    letter = submission("ana@example.org")
    object.__setattr__(letter, "sender", "")
    queue.accept([letter], now)
    send(now)
    arrive(only().pk, report("ana@example.org"), now)
    handle(now)
    assert copies.send(now) == []


def stop(account: HostingAccount, now: datetime, *, needs_review: bool) -> StateChange:
    change = service.report_spam(account.pk, "complaints", now)
    HostingAccount.objects.filter(pk=account.pk).update(review_required=needs_review)
    return change


def answer(change: StateChange, content: bytes, now: datetime, sender: str = "moi@x.test") -> None:
    token = Token(Purpose.CASE, change.pk, now)
    returns.store([Arrival(token, sender, "192.0.2.1", content, len(content))], now)


ANSWER = """\
From: =?utf-8?q?Cl=C3=A9a?= <clea@boutique.example>
Subject: Re: Abus
Content-Type: text/plain; charset=utf-8

Bonjour,

le formulaire a maintenant un captcha.

Le mer. 11 mars 2026 à 10:30, Facteur <facteur@house.test>
a écrit :
> Sending was stopped.
> https://house.test/
""".replace("\n", "\r\n").encode()


def test_an_answer_to_the_letter_is_the_owner_s_statement(
    account: HostingAccount, now: datetime
) -> None:
    answer(stop(account, now, needs_review=True), ANSWER, now)
    assert handle(now) == [Kind.ANSWER]
    review = Review.objects.get()
    assert review.account == account
    assert review.author == "Cléa <clea@boutique.example>"
    assert review.statement == "Bonjour,\n\nle formulaire a maintenant un captcha."


def test_an_answer_that_nobody_asked_for_is_none(account: HostingAccount, now: datetime) -> None:
    change = stop(account, now, needs_review=False)
    answer(change, ANSWER, now)
    answer(StateChange(pk=change.pk + 99), ANSWER, now)
    answer(change, sample("holiday.eml"), now)
    answer(change, ANSWER, now, sender="")
    assert handle(now) == [Kind.UNASKED, Kind.UNASKED, Kind.AUTO_REPLY, Kind.AUTO_REPLY]
    assert not Review.objects.exists()


def test_a_return_path_is_no_case(account: HostingAccount, now: datetime) -> None:
    change = stop(account, now, needs_review=True)
    arrive(change.pk, ANSWER, now, sender="moi@x.test")
    assert handle(now) == [Kind.MAIL]
    assert not Review.objects.exists()


def test_old_messages_go(db: None, now: datetime) -> None:
    arrive(7, report("ana@example.org"), now)
    assert returns.prune(now + timedelta(days=89)) == 0
    assert returns.prune(now + timedelta(days=90)) == 1


def test_a_list_of_both_kinds_is_walked_in_order(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for number in range(6):
        submit(f"c{number}@example.org")
        moment = now + timedelta(minutes=number)
        if number % 2:
            send(moment, Result.FAILED, "550 5.1.1 unknown")
        else:
            send(moment)
            row = Recipient.objects.get(address=f"c{number}@example.org")
            arrive(row.pk, report(row.address), moment)
            handle(moment)
    wish = Wish(since=now)
    seen: list[str] = []
    page = failures.page(account, wish, limit=2)
    seen += [row.address for row in page.rows]
    while page.before:
        page = failures.page(account, wish, page.before, limit=2)
        seen += [row.address for row in page.rows]
    assert seen == [f"c{number}@example.org" for number in reversed(range(6))]
    assert [row.address for row in failures.everything(account, wish)] == seen


def test_what_came_back_goes_with_the_data_of_its_address(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    send(now)
    arrive(only().pk, report("ana@example.org"), now)
    handle(now)
    assert queue.erase(account.pk, "Ana@example.org") == 1
    assert not Returned.objects.exists()
    assert not Strike.objects.exists()


def test_what_comes_back_of_an_erased_address_is_not_kept(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("ana@example.org")
    send(now)
    assert queue.erase(account.pk, "ana@example.org") == 1
    arrive(only().pk, report("ana@example.org"), now)
    arrive(only().pk, b"Auto-Submitted: auto-replied\n\nana@example.org is away\n", now)
    assert handle(now) == [Kind.GONE, Kind.GONE]
    assert not Returned.objects.exists()
    assert (only().returned_at, only().reply) == (None, "")
    assert not Strike.objects.exists()
    assert totals(account) == (1, 0, 0, 0)


def test_the_words_about_an_erased_address_go_and_its_exclusion_stays(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for _ in range(2):
        submit("ana@example.org")
        send(now, Result.FAILED, "550 5.1.1 <ana@example.org> unknown")
    assert "ana@" in Suppression.objects.get().words
    assert queue.erase(account.pk, "ANA@example.org") == 2
    assert Suppression.objects.get().words == ""
