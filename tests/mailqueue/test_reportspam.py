"""`manage.py reportspam`, and the stop that it makes."""

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from mailqueue import accounts
from mailqueue.models import Alert, HostingAccount, Recipient, StateChange
from tests.mailqueue.conftest import Submit

pytestmark = pytest.mark.django_db(transaction=True)


def report(*arguments: str) -> str:
    said = StringIO()
    call_command("reportspam", *arguments, stdout=said)
    return said.getvalue()


def test_it_stops_the_account_holds_its_mail_and_tells_why(
    account: HostingAccount, submit: Submit
) -> None:
    submit("victim@example.org")
    assert "boutique.example is stopped" in report("boutique.example", "--reason", "pills")
    [change] = StateChange.objects.all()
    assert (change.event, change.to_state, change.reason) == ("spam_detected", "spam", "pills")
    assert Recipient.objects.get().status == "held"
    assert Alert.objects.get().figures["event"] == "spam_detected"


def test_it_says_when_there_is_nothing_to_stop(account: HostingAccount) -> None:
    report("boutique.example")
    with pytest.raises(CommandError, match="the state is spam"):
        report("boutique.example")
    with pytest.raises(CommandError, match="no account"):
        report("nowhere.example")


def test_the_third_time_in_a_month_a_review_is_required(account: HostingAccount) -> None:
    for number in range(3):
        HostingAccount.objects.update(state="ok")
        report("boutique.example")
        assert HostingAccount.objects.get().review_required == (number == 2)


def test_the_panel_s_own_letters_cannot_be_stopped(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    system = accounts.system(now)
    submit("owner@example.org", account_id=system.pk)
    with pytest.raises(CommandError, match="no account"):
        report(system.service_name)
    assert Recipient.objects.get().status == "waiting"
    assert not Alert.objects.exists()
