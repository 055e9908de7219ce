"""The command that checks the ledger, and the one that shows the queue."""

import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from mailqueue import service
from mailqueue.models import AccountTotals, HostingAccount, Recipient

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]


def test_a_balanced_ledger_is_told_in_words_and_in_json(
    account: HostingAccount, submit: Submit
) -> None:
    submit("a@x.example", "b@x.example")
    out = StringIO()
    call_command("ledger", stdout=out)
    assert "boutique.example accepted=2 waiting=2" in out.getvalue()
    assert out.getvalue().rstrip().endswith("balanced")
    out = StringIO()
    call_command("ledger", "--json", stdout=out)
    [line] = json.loads(out.getvalue())
    assert (line["accepted"], line["waiting"], line["balanced"]) == (2, 2, True)


def test_a_lost_row_is_a_mismatch(account: HostingAccount, submit: Submit) -> None:
    submit("a@x.example", "b@x.example")
    Recipient.objects.filter(address="a@x.example").delete()
    with pytest.raises(CommandError, match="1 of 1"):
        call_command("ledger", stdout=StringIO())


def test_a_wrong_count_is_a_mismatch(account: HostingAccount, submit: Submit) -> None:
    submit("a@x.example")
    AccountTotals.objects.update(held=1)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("ledger", stdout=out)
    assert "held is 1, but 0 rows are held" in out.getvalue()


def test_a_row_in_the_wrong_state_is_a_mismatch(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@x.example")
    Recipient.objects.update(status="sent", next_attempt_at=None, ended_at=now)
    with pytest.raises(CommandError):
        call_command("ledger", stdout=StringIO())


def test_showqueue_tells_each_recipient(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "admin", now)
    queue_id = submit("a@x.example")
    submit("b@x.example", account_id=other.pk)
    out = StringIO()
    call_command("showqueue", stdout=out)
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["autre.example", "boutique.example"]
    assert f"{queue_id} held a@x.example tries=0 hold=blocked" in lines[1]
    out = StringIO()
    call_command("showqueue", "autre.example", "--json", stdout=out)
    assert json.loads(out.getvalue())["recipient"] == "b@x.example"


def test_showqueue_says_when_there_is_more(account: HostingAccount, submit: Submit) -> None:
    submit(*(f"{number}@x.example" for number in range(3)))
    out, err = StringIO(), StringIO()
    call_command("showqueue", "--limit", "2", stdout=out, stderr=err)
    assert len(out.getvalue().splitlines()) == 2
    assert "first 2" in err.getvalue()


def test_showqueue_refuses_an_unknown_account(db: None) -> None:
    with pytest.raises(CommandError, match=r"nobody\.example"):
        call_command("showqueue", "nobody.example")
