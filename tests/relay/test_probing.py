"""What scripts send to a test address is looked at by a worker, and goes nowhere."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from django.db import connections

from mailqueue import accounts, examining, ledger, probes, queue, senders
from mailqueue.models import (
    AccountTotals,
    HostingAccount,
    Judgement,
    Message,
    Probe,
    RuleCount,
    Script,
    StateChange,
)
from relay import intake, probing, tasks
from relay.database import in_database
from relay.intake import Answer, Handover, Letter
from tests.support.letters import attachment, texts
from tests.support.loop import run

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.fromisoformat("2026-03-11T10:30:00+00:00")
UID = 4_000_000_003


def clock() -> datetime:
    return NOW


@pytest.fixture(autouse=True)
def _hung_up(db: None) -> Iterator[None]:
    """Leave no connection open in the thread of the database."""
    yield
    run(in_database(connections.close_all))


@pytest.fixture
def account(db: None) -> HostingAccount:
    return accounts.create("boutique.example", NOW, uid=UID)


@pytest.fixture
def hand_over(account: HostingAccount) -> Iterator[Callable[[bytes], Answer]]:
    """Hands over a message for the test address, as the relay does, beside the other recipients."""
    address = probes.written(probes.make_address(account.pk, NOW)).encode()

    def take(message: bytes) -> Answer:
        words = (b"-i", b"-f", b"site@boutique.example", address)
        letter = intake.read(Handover(UID, words, message, Message.Origin.SOCKET, "", b"/www"), NOW)
        assert isinstance(letter, Letter), letter
        [answer] = intake._accept([letter], NOW)
        return answer

    yield take
    assert all(line.is_balanced for line in ledger.check())


def found() -> examining.Examined:
    return examining.of_row(Probe.objects.get().result)


def test_it_is_judged_as_it_would_go_out(
    hand_over: Callable[[bytes], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer = hand_over(
        b"To: a@example.org\nSubject: FREE VERY CHEAP THINGS\nBcc: b@example.org\n"
        b"X-PHP-Originating-Script: 1000:contact.php\n\nBonjour Marie, voici.\n"
    )
    assert answer.code == 250
    assert not probing.look(clock)
    examined = found()
    assert {finding.rule for finding in examined.findings} == {
        "subject_capitals",
        "subject_opening",
    }
    assert examined.added == ("date", "from", "message-id")
    assert examined.removed == ("bcc",)
    assert examined.author == "<site@boutique.example>"
    probe = Probe.objects.get()
    assert probe.script == "contact.php"
    assert probe.content is None
    assert f"q={probe.queue_id} " in caplog.text
    assert "status=probed" in caplog.text


def test_malware_to_it_is_told_and_strikes_nobody(
    hand_over: Callable[[bytes], Answer], account: HostingAccount
) -> None:
    text = next(one for one in texts("abuse") if one.attached == "disguised")
    for _ in range(6):
        hand_over(text.message())
    probing.look(clock)
    assert [examining.of_row(row.result).has_malware for row in Probe.objects.all()] == [True] * 6
    assert attachment("disguised")[0] in str(Probe.objects.first().result)  # type: ignore[union-attr]
    account.refresh_from_db()
    assert account.state == "ok"
    assert not StateChange.objects.exists()
    assert not Judgement.objects.exists()
    assert not RuleCount.objects.exists()
    assert not Script.objects.exists()
    totals = AccountTotals.objects.get(account=account)
    assert (totals.accepted, totals.spam, totals.sent) == (0, 0, 0)


def test_it_is_judged_by_the_domains_of_its_account(
    hand_over: Callable[[bytes], Answer], account: HostingAccount
) -> None:
    message = (
        b"Subject: Votre commande\n\nBonjour Marie, suivez votre commande ici :\n"
        b"https://boutique.vercel.app/commande\n"
    )
    hand_over(message)
    probing.look(clock)
    assert "link_shared" in {finding.rule for finding in found().findings}
    Probe.objects.all().delete()
    senders.add(account, "boutique.vercel.app", "claire", NOW)
    hand_over(message)
    probing.look(clock)
    assert "link_shared" not in {finding.rule for finding in found().findings}


def test_what_cannot_be_looked_at_is_told_so_and_holds_up_no_other(
    hand_over: Callable[[bytes], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    hand_over(b"Subject: broken\n\nx\n")
    Probe.objects.update(content=b"no zstandard", is_compressed=True)
    hand_over(b"Subject: fine\n\nBonjour.\n")
    assert not probing.look(clock)
    broken, fine = Probe.objects.order_by("pk")
    assert broken.judged_at == fine.judged_at == NOW
    assert broken.result == {}
    assert fine.result["subject"] == "fine"
    assert "probe=broken" in caplog.text


def test_a_run_leaves_off_in_time_and_says_that_more_wait(
    hand_over: Callable[[bytes], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        hand_over(b"Subject: x\n\nx\n")
    monkeypatch.setattr(probing, "SHARE_S", -1.0)
    assert probing.look(clock)
    assert len(probes.waiting(10)) == 2


def test_the_task_that_delivers_looks_first_and_the_sweep_has_it_called(
    hand_over: Callable[[bytes], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    # Nobody takes hints here, and the log tells of each.
    lost = "hint=relay.deliver lost"
    tasks.sweep()
    assert lost not in caplog.text
    hand_over(b"Subject: x\n\nx\n")
    tasks.sweep()
    assert lost in caplog.text
    with tasks.alone() as is_alone:
        # Another run is under way: mail is not sent twice, and nobody waits for its end.
        assert is_alone
        tasks.deliver()
    assert found().subject == "x"
    assert not queue.has_due(NOW)
