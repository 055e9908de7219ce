"""A message to a test address is kept to be looked at, and is in no queue and in no count."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, ledger, probes, queue, service
from mailqueue.headers import Changes
from mailqueue.models import (
    AccountTotals,
    HostingAccount,
    Message,
    MinuteCount,
    Probe,
    ProbeAddress,
    Recipient,
)
from mailqueue.queue import Submission
from tests.mailqueue.conftest import Submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def address(account: HostingAccount, now: datetime) -> str:
    return probes.written(probes.make_address(account.pk, now))


def counts(account: HostingAccount) -> dict[str, object]:
    return model_to_dict(AccountTotals.objects.get(account=account))


def submission(account: HostingAccount, *recipients: str, handover_id: str = "") -> Submission:
    return Submission(
        account_id=account.pk,
        sender="site@boutique.example",
        recipients=recipients,
        content=b"Subject: x\r\n\r\n" + b"Bonjour. " * 300 + b"\r\n",
        size_bytes=3000,
        subject="x",
        origin=Message.Origin.SOCKET,
        handover_id=handover_id,
        script="contact.php",
        folder="/srv/x",
        changes=Changes(("date",), ("bcc",)),
    )


def test_it_is_kept_and_counts_for_nothing(
    account: HostingAccount, address: str, now: datetime
) -> None:
    before = counts(account)
    [receipt] = queue.accept([submission(account, address)], now)
    assert receipt.queue_id
    assert not receipt.is_refused
    assert not Message.objects.exists()
    assert not Recipient.objects.exists()
    assert counts(account) == before
    assert not MinuteCount.objects.exists()
    [probe] = probes.waiting(10)
    assert probe.queue_id == receipt.queue_id
    assert (probe.script, probe.folder, probe.origin) == ("contact.php", "/srv/x", "socket")
    assert probe.changes == {"added": ["date"], "removed": ["bcc"]}
    content = queue.unpack(bytes(probe.content or b""), probe.is_compressed)
    assert content == submission(account, address).content
    assert probe.is_compressed


def test_nothing_of_it_is_ever_claimed(
    account: HostingAccount, address: str, now: datetime
) -> None:
    queue.accept([submission(account, address)], now)
    assert queue.claim_due(now, 10, timedelta(minutes=1)) == []
    assert not queue.has_due(now)


@pytest.mark.parametrize("stop", ["block", "spam", "purge", "quota"])
def test_it_comes_whatever_the_state_and_the_quota_are(
    account: HostingAccount, address: str, submit: Submit, now: datetime, stop: str
) -> None:
    if stop == "quota":
        HostingAccount.objects.update(hourly_quota=1, hold_limit=1)
        for _ in range(2):
            submit()
    else:
        service.block(account.pk, "claire", now)
        if stop == "spam":
            service.report_spam(account.pk, "x", now)
        if stop == "purge":
            HostingAccount.objects.update(state="purging")
    before = counts(account)
    [receipt] = queue.accept([submission(account, address)], now)
    assert not receipt.is_refused
    assert counts(account) == before
    assert len(probes.waiting(10)) == 1


def test_its_other_recipients_go_the_usual_way(
    account: HostingAccount, address: str, now: datetime
) -> None:
    [receipt] = queue.accept([submission(account, "a@example.org", address)], now)
    message = Message.objects.get(queue_id=receipt.queue_id)
    assert [row.address for row in message.recipients.all()] == ["a@example.org"]
    assert AccountTotals.objects.get(account=account).accepted == 1
    assert len(probes.waiting(10)) == 1


def test_what_is_refused_is_not_looked_at_either(
    account: HostingAccount, address: str, now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    HostingAccount.objects.update(hold_limit=1)
    queue.accept([submission(account, "a@example.org")], now)
    [receipt] = queue.accept([submission(account, "a@example.org", address)], now)
    assert receipt.is_refused
    assert probes.waiting(10) == []


@pytest.mark.parametrize("why", ["made up", "expired", "renewed", "of another account"])
def test_where_nobody_is_it_ends_at_once_and_never_goes_out(
    account: HostingAccount, address: str, now: datetime, why: str
) -> None:
    later = now
    if why == "made up":
        address = f"test-nobody@{probes.DOMAIN}"
    elif why == "expired":
        later = now + probes.ADDRESS_LASTS
    elif why == "renewed":
        probes.make_address(account.pk, now)
    else:
        account = accounts.create("autre.example", now)
    [receipt] = queue.accept([submission(account, address, "a@example.org")], later)
    message = Message.objects.get(queue_id=receipt.queue_id)
    found = {row.address: row.status for row in message.recipients.all()}
    assert found == {address: "suppressed", "a@example.org": "waiting"}
    assert probes.waiting(10) == []
    [claimed] = queue.claim_due(later, 10, timedelta(minutes=1))
    assert claimed.address == "a@example.org"


def test_a_hand_over_that_comes_twice_is_kept_once(
    account: HostingAccount, address: str, now: datetime
) -> None:
    same = submission(account, address, handover_id="abc")
    first, second = queue.accept([same, same], now)
    [third] = queue.accept([same], now)
    assert first.queue_id == second.queue_id == third.queue_id
    assert len(probes.waiting(10)) == 1
    mixed = replace(same, recipients=("a@example.org", address), handover_id="def")
    queue.accept([mixed], now)
    [again] = queue.accept([mixed], now)
    assert again.is_duplicate
    assert len(probes.waiting(10)) == 2


def test_the_newest_twenty_are_kept(account: HostingAccount, address: str, now: datetime) -> None:
    receipts = queue.accept([submission(account, address) for _ in range(25)], now)
    assert Probe.objects.count() == probes.MOST_KEPT
    newest = [probe.queue_id for probe in probes.newest(account.pk, now)]
    assert newest == [receipt.queue_id for receipt in receipts[:4:-1]]


def test_a_flood_is_passed_over_and_says_so(
    account: HostingAccount, address: str, now: datetime
) -> None:
    flood = [submission(account, address) for _ in range(probes.MOST_AN_HOUR + 5)]
    assert not any(receipt.is_refused for receipt in queue.accept(flood, now))
    row = ProbeAddress.objects.get(account=account)
    assert (row.taken, row.passed_over) == (probes.MOST_AN_HOUR, 5)
    last = probes.newest(account.pk, now)[0].queue_id
    queue.accept([submission(account, address)], now + timedelta(minutes=59))
    assert probes.newest(account.pk, now)[0].queue_id == last
    # A new address gets no more of them.
    renewed = probes.written(probes.make_address(account.pk, now))
    queue.accept([submission(account, renewed)], now)
    assert probes.newest(account.pk, now)[0].queue_id == last
    queue.accept([submission(account, renewed)], now + timedelta(hours=1))
    assert probes.newest(account.pk, now)[0].queue_id != last
    row.refresh_from_db()
    assert (row.taken, row.passed_over) == (1, 0)


def test_what_was_found_is_kept_without_the_content_and_for_a_day(
    account: HostingAccount, address: str, now: datetime
) -> None:
    [receipt] = queue.accept([submission(account, address)], now)
    [probe] = probes.waiting(10)
    probes.settle(probe, {"score": 1.0}, now)
    assert probes.waiting(10) == []
    assert Probe.objects.get().content is None
    later = now + probes.KEPT - timedelta(seconds=1)
    found = probes.find(account.pk, receipt.queue_id, later)
    assert found is not None
    assert found.result == {"score": 1.0}
    assert probes.find(account.pk + 1, receipt.queue_id, later) is None
    assert probes.prune(later) == 0
    assert probes.find(account.pk, receipt.queue_id, now + probes.KEPT) is None
    assert probes.newest(account.pk, now + probes.KEPT) == []
    assert probes.prune(now + probes.KEPT) == 1


def test_usual_mail_asks_the_database_for_nothing_more(
    account: HostingAccount, address: str, now: datetime
) -> None:
    with CaptureQueriesContext(connection) as captured:
        queue.accept([submission(account, "a@example.org")], now)
    assert not any("probe" in query["sql"] for query in captured)
