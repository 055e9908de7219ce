"""Making accounts: what is nonsense is refused and changes nothing."""

from datetime import datetime

import pytest
from django.core.exceptions import ValidationError

from mailqueue import accounts
from mailqueue.errors import UnknownAccount
from mailqueue.models import AccountTotals, HostingAccount

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_account_begins_enabled_with_its_totals(now: datetime) -> None:
    account = accounts.create("Boutique.Example", now, uid=1001, report_to="a@boutique.example")
    assert (account.service_name, account.state) == ("boutique.example", "ok")
    assert AccountTotals.objects.get(account=account).accepted == 0
    assert accounts.ids_by_uid([1001, 1002]) == {1001: account.pk}
    assert accounts.named("boutique.example") == account


@pytest.mark.parametrize(
    "change",
    [
        {"service_name": "no domain"},
        {"service_name": "-x.example"},
        {"service_name": "../etc"},
        {"service_name": ""},
        {"uid": -1},
        {"uid": 2**32 - 1},
        {"report_to": "nobody"},
        {"report_to": "a@b.example\nBcc: c@d.example"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
    ],
)
def test_nonsense_is_refused(change: dict[str, object], now: datetime) -> None:
    values: dict[str, object] = {"service_name": "boutique.example", "uid": 1001} | change
    with pytest.raises(ValidationError):
        accounts.create(str(values.pop("service_name")), now, **values)  # type: ignore[arg-type]
    assert not HostingAccount.objects.exists()


@pytest.mark.parametrize("values", [("boutique.example", 1002), ("autre.example", 1001)])
def test_a_name_or_uid_that_is_taken_is_refused(values: tuple[str, int], now: datetime) -> None:
    accounts.create("boutique.example", now, uid=1001)
    with pytest.raises(ValidationError):
        accounts.create(values[0], now, uid=values[1])
    assert AccountTotals.objects.count() == 1


def test_an_unknown_name_is_said(db: None) -> None:
    with pytest.raises(UnknownAccount):
        accounts.named("nobody.example")
