"""`manage.py filldatabase`: much, quickly, and honest."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Sum

from mailqueue import ledger, queue
from mailqueue.models import (
    AccountTotals,
    Body,
    HostingAccount,
    Message,
    QuarterCount,
    Recipient,
)

pytestmark = pytest.mark.django_db(transaction=True)


def fill(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("filldatabase", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


SMALL = ("--accounts", "20", "--recipients", "5000", "--held", "700")


def test_its_ledger_balances() -> None:
    out, err = fill(*SMALL)
    assert "20 accounts and 5,000 e-mails, 700 of them held" in out
    assert "5,000 of 5,000 e-mails" in err
    assert HostingAccount.objects.count() == 20
    assert Recipient.objects.count() == Message.objects.count() == 5000
    assert all(line.is_balanced for line in ledger.check())
    statuses = dict(Recipient.objects.values_list("status").annotate(Count("pk")))
    assert statuses.keys() == {"sent", "failed", "purged", "held"}
    assert statuses["held"] == 700
    assert 0.02 < statuses["failed"] / 4300 < 0.04


def test_its_counts_are_those_of_its_rows() -> None:
    fill(*SMALL)
    for name in ("accepted", "sent", "failed", "purged", "admitted", "bounced"):
        totals = dict(AccountTotals.objects.values_list("account_id", name))
        quarters = dict(QuarterCount.objects.values_list("account_id").annotate(Sum(name)))
        assert totals == quarters
    failed = Recipient.objects.filter(status="failed")
    bounced = failed.filter(category__in=["user_unknown", "mailbox_full"]).count()
    assert AccountTotals.objects.aggregate(all=Sum("bounced"))["all"] == bounced
    held = AccountTotals.objects.get(held__gt=0)
    rows = Recipient.objects.filter(status="held")
    assert held.held_bytes == rows.aggregate(all=Sum("message__size_bytes"))["all"]
    assert {row.account_id for row in rows} == {held.account_id}
    # Numbers follow time, as those of real mail do.
    assert not Recipient.objects.filter(ended_at__lte=F("accepted_at")).exists()
    times = list(Recipient.objects.order_by("pk").values_list("accepted_at", flat=True))
    assert times == sorted(times)


def test_nothing_of_it_is_sent_and_what_is_held_can_be_looked_at() -> None:
    fill(*SMALL)
    assert not Recipient.objects.filter(status__in=["waiting", "sending"]).exists()
    assert Body.objects.count() == 700
    held = Recipient.objects.filter(status="held").earliest("pk")
    assert held.account.state == "ko"
    assert (queue.content_of(held.message_id) or b"").endswith(b"\r\n")


def test_it_refuses_where_there_are_accounts_unless_told() -> None:
    fill("--accounts", "2", "--recipients", "10", "--held", "3")
    with pytest.raises(CommandError, match="--add"):
        fill(*SMALL)
    assert Recipient.objects.count() == 10
    fill("--accounts", "2", "--recipients", "10", "--held", "3", "--add")
    assert HostingAccount.objects.count() == 4
    assert all(line.is_balanced for line in ledger.check())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--accounts", "0", "--recipients", "10"),
        ("--accounts", "2", "--recipients", "10", "--held", "11"),
        ("--accounts", "2", "--recipients", "10", "--held", "-1"),
    ],
)
def test_nonsense_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        fill(*arguments)
    assert not HostingAccount.objects.exists()


def test_one_account_without_mail_is_enough() -> None:
    fill("--accounts", "1", "--recipients", "0")
    assert HostingAccount.objects.get().state == "ok"
