"""Engines in the way of a message from its claim to its verdict, by the real worker."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailqueue import accounts, queue
from mailqueue import engines as engine_rows
from mailqueue.engines import Known
from mailqueue.models import EngineState, HostingAccount, Judgement, Message, Recipient, RuleCount
from mailqueue.queue import Submission
from relay.client import Timeouts
from relay.delivery import deliver_due
from relay.engines import Engines
from relay.engines.asking import TOO_SLOW
from relay.tasks import check_engines
from tests.support import engines
from tests.support.engines import letter
from tests.support.house import free_port
from tests.support.loop import run
from tests.support.nameserver import nameserver
from tests.support.remote import Remote, remote

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = Timeouts(*([2.0] * 8))
Address = tuple[str, int]


@pytest.fixture(scope="module")
def clamd() -> Iterator[Address]:
    with engines.clamd() as address:
        yield address


@pytest.fixture(scope="module")
def rspamd() -> Iterator[Address]:
    with nameserver() as names, engines.rspamd(names.address) as address:
        yield address


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now)


@pytest.fixture
def mx(settings: Any) -> Iterator[Remote]:
    with remote() as server:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address
        yield server


def submit(account: HostingAccount, now: datetime, *contents: bytes) -> None:
    queue.accept(
        [
            Submission(
                account_id=account.pk,
                sender="site@boutique.example",
                recipients=(f"client{number}@example.org",),
                content=content,
                size_bytes=len(content),
                subject="hello",
                origin=Message.Origin.SOCKET,
            )
            for number, content in enumerate(contents)
        ],
        now,
    )


def deliver(now: datetime) -> None:
    run(deliver_due(lambda: now, timeouts=QUICK))


def statuses() -> list[tuple[str, str]]:
    return list(Recipient.objects.order_by("pk").values_list("status", "hold_reason"))


HONEST = letter("Voici votre bon de commande.", b"Un bon.\n")
INFECTED = letter("Voici votre bon de commande.", engines.FAKE)
UNWANTED = letter(engines.GTUBE.decode(), b"Un bon.\n")


def test_a_virus_stops_the_site_that_sends_it(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any, clamd: Address
) -> None:
    settings.CLAMD = clamd
    submit(account, now, INFECTED)
    deliver(now)
    assert statuses() == [("held", "spam")]
    assert not mx.messages
    judgement = Judgement.objects.get()
    assert (judgement.is_spam, judgement.has_malware) == (True, True)
    assert judgement.findings[0]["rule"] == "virus"
    assert judgement.findings[0]["details"] == {"what": "Php.Malware.Fake-1.UNOFFICIAL"}
    assert RuleCount.objects.get(rule="virus").convicted == 1
    account.refresh_from_db()
    assert account.state == "spam"


def test_what_rspamd_says_is_noted_and_convicts_nobody_alone(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any, rspamd: Address
) -> None:
    settings.RSPAMD = rspamd
    submit(account, now, HONEST, UNWANTED)
    deliver(now)
    assert statuses() == [("sent", ""), ("sent", "")]
    judgement = Judgement.objects.get()
    assert (judgement.findings[0]["rule"], judgement.findings[0]["score"]) == ("rspamd", 3.5)
    assert not judgement.is_spam


def test_mail_goes_out_while_both_are_away_and_what_was_learned_stays(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any
) -> None:
    settings.RSPAMD, settings.CLAMD = ("127.0.0.1", free_port()), "/nowhere/clamd.sock"
    submit(account, now, *[HONEST] * 12)
    deliver(now)
    assert statuses() == [("sent", "")] * 12
    assert Message.objects.filter(spam_score__isnull=True).count() == 0
    rows = {row.name: row for row in EngineState.objects.all()}
    assert rows.keys() == {"rspamd", "clamav"}
    for row in rows.values():
        assert not row.is_answering
        assert row.since == row.asked_at == now
        assert row.rest_until is not None
        assert row.missed
    assert "No such file" in rows["clamav"].words
    assert "onnect" in rows["rspamd"].words


def test_failures_of_short_runs_add_up(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any
) -> None:
    settings.CLAMD = "/nowhere/clamd.sock"
    for number in range(3):
        assert all(row.is_answering for row in EngineState.objects.all())
        submit(account, now, HONEST)
        deliver(now + timedelta(seconds=number))
    row = EngineState.objects.get()
    assert (row.is_answering, row.rests) == (False, 1)


def test_the_next_run_goes_by_what_the_last_one_learned(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any, clamd: Address
) -> None:
    settings.CLAMD = "/nowhere/clamd.sock"
    submit(account, now, *[HONEST] * 3)
    deliver(now)
    settings.CLAMD = clamd
    submit(account, now, INFECTED)
    deliver(now + timedelta(seconds=1))
    # It rests: nobody asked it.
    assert statuses()[-1] == ("sent", "")
    submit(account, now, INFECTED)
    deliver(now + timedelta(seconds=6))
    assert statuses()[-1] == ("held", "spam")
    row = EngineState.objects.get()
    assert (row.is_answering, row.rests, row.rest_until) == (True, 0, None)
    assert row.since == now + timedelta(seconds=6)
    assert row.answers == 1
    assert row.mean_ms > 0


def test_engines_that_no_message_asks_are_asked_whether_they_are_there(
    settings: Any, clamd: Address, rspamd: Address
) -> None:
    check_engines()
    assert not EngineState.objects.exists()
    settings.CLAMD, settings.RSPAMD = "/nowhere/clamd.sock", rspamd
    check_engines()
    rows = {row.name: row.is_answering for row in EngineState.objects.all()}
    assert rows == {"clamav": False, "rspamd": True}
    settings.CLAMD = clamd
    check_engines()
    row = EngineState.objects.get(name="clamav")
    assert (row.is_answering, row.answers, row.judged_at) == (True, 0, None)


def test_who_is_there_but_answered_no_message_in_time_is_not_back_yet(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any, clamd: Address
) -> None:
    settings.CLAMD = clamd
    rest_until = now + timedelta(minutes=5)
    known = Known(False, now, now, words=TOO_SLOW, rests=7, rest_until=rest_until)
    engine_rows.keep(os.uname().nodename, {"clamav": known})
    later = now + timedelta(minutes=1)
    run(_check(later))
    row = EngineState.objects.get()
    assert (row.is_answering, row.since, row.rests) == (False, now, 7)
    # But the next message may try.
    assert row.rest_until == later
    submit(account, now, INFECTED)
    deliver(later)
    assert statuses() == [("held", "spam")]
    assert EngineState.objects.get().is_answering


def test_what_a_message_was_asked_about_lately_is_not_asked_for_its_own_sake(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any, clamd: Address
) -> None:
    settings.CLAMD = clamd
    submit(account, now, HONEST)
    deliver(now)
    settings.CLAMD = "/nowhere/clamd.sock"
    run(_check(now + timedelta(minutes=1)))
    assert EngineState.objects.get().is_answering
    run(_check(now + timedelta(minutes=2)))
    assert not EngineState.objects.get().is_answering


async def _check(now: datetime) -> None:
    asked = Engines(lambda: now)
    await asked.check()
    await asked.keep()
