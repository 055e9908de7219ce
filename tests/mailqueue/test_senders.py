"""In whose name an account may write."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from mailqueue import accounts, senders
from mailqueue.models import ForeignSender, HostingAccount, SenderPolicy
from mailqueue.senders import Seen

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_name_of_an_account_is_its_domain_without_www(now: datetime) -> None:
    account = accounts.create("www.Café.example", now)
    assert senders.domains_of([account]) == {account.pk: {"xn--caf-dma.example"}}


def test_domains_can_be_added_and_taken_away(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    senders.add(account, "Été.Example.", "admin", now)
    assert senders.domains_of([account, other]) == {
        account.pk: {"boutique.example", "xn--t-9fab.example"},
        other.pk: {"autre.example"},
    }
    assert [row.domain for row in senders.added(account.pk)] == ["xn--t-9fab.example"]
    assert senders.remove(account, "xn--t-9fab.example")
    assert not senders.remove(account, "xn--t-9fab.example")
    assert senders.added(account.pk) == []


@pytest.mark.parametrize(
    "name", ["", "example", "a b.example", "x" * 64 + ".example", "a@b.example", "\0.example"]
)
def test_no_nonsense_can_be_added(account: HostingAccount, now: datetime, name: str) -> None:
    with pytest.raises(ValidationError):
        senders.add(account, name, "admin", now)


def test_nothing_is_added_twice_or_without_end(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "MOST_DOMAINS", 1)
    with pytest.raises(ValidationError):
        senders.add(account, "BOUTIQUE.example", "admin", now)
    senders.add(account, "b.example", "admin", now)
    with pytest.raises(ValidationError):
        senders.add(account, "b.example", "admin", now)
    with pytest.raises(ValidationError):
        senders.add(account, "c.example", "admin", now)


def test_only_accounts_that_are_bound_have_rules(
    account: HostingAccount, other: HostingAccount, now: datetime, settings: Any
) -> None:
    system = accounts.system(now)
    everybody = {account.pk, other.pk, system.pk}
    assert senders.rules_of(everybody) == {}
    senders.set_policy(other.pk, "refuse")
    assert {pk: rule.policy for pk, rule in senders.rules_of(everybody).items()} == {
        other.pk: SenderPolicy.REFUSE
    }
    settings.SENDER_POLICY = "warn"
    assert {pk: rule.policy for pk, rule in senders.rules_of(everybody).items()} == {
        account.pk: SenderPolicy.WARN,
        other.pk: SenderPolicy.REFUSE,
    }
    senders.set_policy(account.pk, "allow")
    assert senders.rules_of(everybody).keys() == {other.pk}
    with pytest.raises(ValidationError):
        senders.set_policy(account.pk, "burn")


def test_the_house_writes_as_its_host_and_its_own_sender(now: datetime, settings: Any) -> None:
    settings.HOSTNAME = "Mail.Hoster.example"
    settings.DEFAULT_FROM_EMAIL = "Facteur <facteur@hoster.example>"
    system = accounts.system(now)
    assert senders.domains_of([system]) == {system.pk: {"mail.hoster.example", "hoster.example"}}


def test_strangers_are_counted_for_a_week_after_the_last(
    account: HostingAccount, now: datetime
) -> None:
    senders.set_policy(account.pk, "warn")
    account.refresh_from_db()
    assert senders.foreign_of(account, now) is None
    senders.note_foreign({account.pk: Seen(2, "ceo@bank.example", "a.php")}, now)
    later = now + timedelta(days=6)
    senders.note_foreign({account.pk: Seen(1, "x" * 400, "s" * 300)}, later)
    found = senders.foreign_of(account, later)
    assert found
    assert (found.number, found.since, found.last_at) == (3, now, later)
    assert len(found.author) == 320
    much_later = later + timedelta(days=8)
    assert senders.foreign_of(account, much_later) is None
    senders.note_foreign({account.pk: Seen(1, "b@bank.example", "")}, much_later)
    row = ForeignSender.objects.get()
    assert (row.number, row.since) == (1, much_later)
    senders.set_policy(account.pk, "refuse")
    account.refresh_from_db()
    assert senders.foreign_of(account, much_later) is None


def test_an_address_that_was_seen_is_forgotten_on_demand_and_in_the_end(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    for pk in (account.pk, other.pk):
        senders.note_foreign({pk: Seen(1, "Ceo@bank.example", "")}, now)
    assert senders.forget(account.pk, "eo@bank.example") == 0
    assert senders.forget(account.pk, "ceo@bank.example") == 1
    assert senders.prune(now + timedelta(days=7)) == 0
    assert senders.prune(now + timedelta(days=7, seconds=1)) == 1
    assert not ForeignSender.objects.exists()
