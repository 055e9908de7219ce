"""Making, changing and closing accounts: what is nonsense is refused and changes nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from mailqueue import accounts
from mailqueue.errors import UnknownAccount
from mailqueue.models import AccountTotals, HostingAccount, Recipient

pytestmark = pytest.mark.django_db(transaction=True)


def ids_by_uid(uids: list[int]) -> dict[int, int]:
    """The account for each of these Unix users that has one which takes mail."""
    found = accounts.by_uid(uids).items()
    return {uid: owned.account_id for uid, owned in found if not owned.is_closed}


def test_an_account_begins_enabled_with_its_totals(now: datetime) -> None:
    account = accounts.create("Boutique.Example", now, uid=1001, report_to="a@boutique.example")
    assert (account.service_name, account.state) == ("boutique.example", "ok")
    assert AccountTotals.objects.get(account=account).accepted == 0
    assert ids_by_uid([1001, 1002]) == {1001: account.pk}
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


def test_a_language_that_the_panel_does_not_speak_is_refused(now: datetime) -> None:
    with pytest.raises(ValidationError):
        accounts.create("boutique.example", now, language="tlh")
    assert not HostingAccount.objects.exists()


def test_all_that_is_wrong_is_told_by_field(account: HostingAccount) -> None:
    with pytest.raises(ValidationError) as raised:
        accounts.change(account.pk, uid=-1, report_to="x", time_zone="x", hourly_quota=-1)
    assert raised.value.message_dict.keys() == {"uid", "report_to", "time_zone", "hourly_quota"}


def test_a_change_returns_what_became_different_and_leaves_the_rest(
    account: HostingAccount,
) -> None:
    HostingAccount.objects.update(state="spam")
    changed = accounts.change(account.pk, uid=1001, report_to="", hourly_quota=0, daily_quota=None)
    assert changed == {"report_to": ("moi@boutique.example", ""), "hourly_quota": (None, 0)}
    account.refresh_from_db()
    assert (account.state, account.uid, account.hourly_quota) == ("spam", 1001, 0)
    assert (account.report_to, account.daily_quota) == ("", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, bounds[0] - 1) for name, bounds in accounts.BOUNDS.items()),
        *((name, bounds[1] + 1) for name, bounds in accounts.BOUNDS.items()),
        ("uid", 1002),
        ("uid", 2**63),
        ("language", ""),
        ("time_zone", ""),
    ],
)
def test_a_change_to_nonsense_changes_nothing(
    name: str, value: object, account: HostingAccount, other: HostingAccount
) -> None:
    changes: dict[str, Any] = {"report_to": "", name: value}
    with pytest.raises(ValidationError) as raised:
        accounts.change(account.pk, **changes)
    assert raised.value.message_dict.keys() == {name}
    account.refresh_from_db()
    assert account.report_to == "moi@boutique.example"


@pytest.mark.parametrize(("name", "bounds"), accounts.BOUNDS.items())
def test_a_limit_may_be_at_either_bound(
    name: str, bounds: tuple[int, int], account: HostingAccount
) -> None:
    for value in bounds:
        changes: dict[str, Any] = {name: value}
        accounts.change(account.pk, **changes)
        account.refresh_from_db()
        assert getattr(account, name) == value


def test_the_uid_of_a_closed_account_is_told_with_its_name(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    accounts.close(other.pk, "admin", now)
    with pytest.raises(ValidationError, match=r"autre\.example"):
        accounts.change(account.pk, uid=1002)
    accounts.change(other.pk, uid=None)
    accounts.change(account.pk, uid=1002)
    assert ids_by_uid([1002]) == {1002: account.pk}


def test_a_closed_account_takes_no_mail_and_what_it_has_is_held(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit()
    accounts.close(account.pk, "admin", now)
    account.refresh_from_db()
    assert (account.closed_at, account.state) == (now, "ko")
    assert Recipient.objects.get().status == "held"
    assert account.changes.get().actor == "admin"
    assert ids_by_uid([1001]) == {}
    assert accounts.by_uid([1001]) == {1001: accounts.Owned(account.pk, is_closed=True)}


def test_a_blocked_account_keeps_its_state_when_it_is_closed(
    account: HostingAccount, now: datetime
) -> None:
    HostingAccount.objects.update(state="spam")
    accounts.close(account.pk, "admin", now)
    account.refresh_from_db()
    assert (account.state, account.changes.count()) == ("spam", 0)


def test_an_account_is_not_closed_while_a_purge_runs_nor_twice(
    account: HostingAccount, now: datetime
) -> None:
    HostingAccount.objects.update(state="purging")
    with pytest.raises(ValidationError):
        accounts.close(account.pk, "admin", now)
    assert ids_by_uid([1001]) == {1001: account.pk}
    HostingAccount.objects.update(state="ok")
    accounts.close(account.pk, "admin", now)
    with pytest.raises(ValidationError):
        accounts.close(account.pk, "admin", now)


def test_a_reopened_account_takes_mail_and_stays_blocked(
    account: HostingAccount, now: datetime
) -> None:
    with pytest.raises(ValidationError):
        accounts.reopen(account.pk)
    accounts.close(account.pk, "admin", now)
    accounts.reopen(account.pk)
    account.refresh_from_db()
    assert (account.closed_at, account.state) == (None, "ko")
    assert ids_by_uid([1001]) == {1001: account.pk}


def test_the_panels_own_account_is_nobodys_to_change(now: datetime) -> None:
    system = accounts.system(now)
    for act in (
        lambda: accounts.change(system.pk, uid=5),
        lambda: accounts.close(system.pk, "admin", now),
        lambda: accounts.reopen(system.pk),
    ):
        with pytest.raises(UnknownAccount):
            act()
