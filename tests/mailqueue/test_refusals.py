"""The newest refusal of an account: kept once a second at most."""

from datetime import datetime, timedelta

import pytest

from mailqueue import refusals
from mailqueue.models import HostingAccount, LastRefusal

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_newest_refusal_is_kept_and_no_other(account: HostingAccount, now: datetime) -> None:
    assert refusals.note_last(account.pk, 65, "x" * 300, now) is True
    later = now + timedelta(seconds=1)
    assert refusals.note_last(account.pk, 64, "no recipients", later) is True
    row = LastRefusal.objects.get()
    assert (row.account_id, row.exit_code, row.text) == (account.pk, 64, "no recipients")
    assert row.refused_at == later


def test_within_a_second_nothing_is_written(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    refusals.note_last(account.pk, 65, "first", now)
    moment = now + timedelta(milliseconds=999)
    assert refusals.note_last(account.pk, 65, "second", moment) is False
    assert LastRefusal.objects.get().text == "first"
    assert refusals.note_last(other.pk, 65, "of another", moment) is True
