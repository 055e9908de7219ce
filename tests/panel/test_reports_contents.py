"""What the daily report tells: errors by cause, delays, what is held, and changes of state."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial

import pytest
from django.test.utils import override_settings

from mailqueue import queue, service
from mailqueue.models import AccountTotals, HostingAccount, Message, QuarterCount, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from panel import reports
from panel.models import DailyReport

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 5, tzinfo=UTC)  # 06:00 in Paris
DAY = timedelta(days=1)
UNKNOWN = Outcome(Result.FAILED, "550 5.1.1 User unknown", "5.1.1", "mx.example.org")
FULL = Outcome(Result.FAILED, "552 5.2.2 Mailbox full", "5.2.2", "mx.example.org")
GREYLISTED = Outcome(Result.DEFERRED, "451 4.7.1 Greylisted", "4.7.1", "mx.example.org")
SENT = Outcome(Result.DELIVERED, "250 ok", "2.0.0", "mx.example.org")
Try = Callable[..., None]


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


@pytest.fixture
def accept(account: HostingAccount) -> Try:
    """Puts e-mails into the queue."""

    def make(moment: datetime, *addresses: str) -> None:
        content = b"Subject: x\r\n\r\nx\r\n"
        for address in addresses:
            submission = Submission(
                account_id=account.pk,
                sender="",
                recipients=(address,),
                content=content,
                size_bytes=len(content),
                subject="Votre commande",
                origin=Message.Origin.SOCKET,
            )
            queue.accept([submission], moment)

    return make


@pytest.fixture
def end(accept: Try) -> Try:
    """Puts e-mails into the queue and tries them at once, with this outcome."""

    def make(moment: datetime, outcome: Outcome, *addresses: str) -> None:
        accept(moment, *addresses)
        claimed = queue.claim_due(moment, 1000, timedelta(seconds=60))
        queue.record([(item, outcome) for item in claimed], moment)

    return make


def text() -> str:
    """The only report that was sent, with ordinary blanks."""
    return DailyReport.objects.get().text.replace("\N{NO-BREAK SPACE}", " ")


def html() -> str:
    row = Recipient.objects.get(account__is_system=True)
    parsed = message_from_bytes(queue.content_of(row.message_id) or b"", policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    found = parsed.get_body(preferencelist=("html",))
    assert found is not None
    written: str = found.get_content()
    return written


def test_causes_come_with_counts_words_and_advice_the_most_frequent_first(
    account: HostingAccount, end: Try
) -> None:
    end(NOON, FULL, "paul@example.org")
    end(NOON, UNKNOWN, "zoe@example.org", "ana@example.org")
    end(NOON, SENT, "lise@example.org")
    assert reports.send_due(MORNING) == 1
    written = text()
    assert written.index("Adresse inconnue (2)") < written.index("Boîte pleine (1)")
    assert "Retirez ou corrigez l’adresse" in written
    assert "- zoe@example.org\n  550 5.1.1 User unknown" in written
    assert "En erreur : 3" in written
    # What is 0 as usual is not told.
    assert "Purgés" not in written
    assert "Retenus" not in written
    assert "E-mails retardés" not in written


def test_what_waits_after_a_try_is_told_as_delayed(account: HostingAccount, end: Try) -> None:
    end(NOON, GREYLISTED, "due@example.org", "late@example.org")
    again = MORNING + timedelta(hours=1)
    Recipient.objects.filter(address="late@example.org").update(next_attempt_at=again)
    assert reports.send_due(MORNING) == 1
    assert "e-mails non distribués le 2 mars 2026" in DailyReport.objects.get().subject.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "Retardés, nouvelles tentatives en cours : 2" in text()
    assert "- late@example.org (prochaine tentative aujourd’hui à 07:00)" in text()
    assert "- due@example.org\n" in text()
    assert "451 4.7.1 Greylisted" in text()
    assert "late@example.org" in html()


def test_what_came_this_morning_is_not_late(account: HostingAccount, end: Try) -> None:
    end(MORNING - timedelta(minutes=1), GREYLISTED, "late@example.org")
    assert reports.send_due(MORNING) == 0


def test_what_is_held_is_told_with_its_reason(
    account: HostingAccount, accept: Try, end: Try
) -> None:
    end(NOON, UNKNOWN, "zoe@example.org")
    service.block(account.pk, "claire", NOON + timedelta(hours=1))
    accept(NOON + timedelta(hours=2), "a@example.org", "b@example.org", "c@example.org")
    AccountTotals.objects.filter(account=account).update(overflow=1)
    reports.send_due(MORNING)
    written = text()
    assert "Retenus en ce moment, le service est bloqué : 2" in written
    assert "Retenus en ce moment, au-delà du quota : 1" in written
    assert "État du service : Désactivé" in written


def test_changes_of_state_of_that_day_are_told(account: HostingAccount, end: Try) -> None:
    end(NOON, UNKNOWN, "zoe@example.org")
    service.block(account.pk, "claire<b>", NOON + timedelta(hours=1))
    service.unblock(account.pk, "claire<b>", NOON + timedelta(hours=2))
    service.block(account.pk, "later", MORNING - timedelta(minutes=1))
    reports.send_due(MORNING)
    assert "- 13:00 : Envoi bloqué (claire<b>), état Désactivé" in text()
    assert "- 14:00 : Envoi débloqué (claire<b>), état Activé" in text()
    assert "later" not in text()
    assert "claire&lt;b&gt;" in html()


@pytest.mark.parametrize(
    ("counted", "words"),
    [
        ("expired", "Expirés dans la file d’attente : 4"),
        ("suppressed", "Non envoyés, car l’adresse est exclue : 4"),
    ],
)
def test_what_ended_without_a_try_is_told(
    account: HostingAccount, counted: str, words: str
) -> None:
    QuarterCount.objects.create(account=account, start=NOON, **{counted: 4})
    assert reports.send_due(MORNING) == 1
    assert words in text()


def test_what_is_held_now_stands_in_the_newest_report_only(
    account: HostingAccount, accept: Try, end: Try
) -> None:
    for days in range(3):
        end(NOON + days * DAY, UNKNOWN, f"a{days}@example.org")
    service.block(account.pk, "claire", NOON + 2 * DAY + timedelta(hours=1))
    accept(NOON + 2 * DAY + timedelta(hours=2), "held@example.org")
    assert reports.send_due(MORNING + 2 * DAY) == 3
    found = [row.day for row in DailyReport.objects.all() if "Retenus" in row.text]
    assert found == [date(2026, 3, 4)]


def test_hostile_replies_cannot_pass_for_a_part_of_the_report(
    account: HostingAccount, end: Try
) -> None:
    evil = "550 no\r\n\r\nÉtat du service : Activé\r\n\x1b[31m\u202e<img src=x>"
    for result in (Result.FAILED, Result.DEFERRED):
        end(NOON, Outcome(result, evil, "5.0.0", "mx"), f"{result}@example.org")
    reports.send_due(MORNING)
    states = [line for line in text().splitlines() if line.startswith("État du service")]
    assert len(states) == 1
    for written in (text(), html()):
        assert not {"\x1b", "\u202e"} & set(written)
    assert "<img" not in html()


def test_queries_do_not_grow_with_the_failures(
    account: HostingAccount, end: Try, queries: Callable[[Callable[[], object]], int]
) -> None:
    numbers = []
    for days, failures in ((0, 1), (1, 70)):
        moment = NOON + days * DAY
        end(moment, UNKNOWN, *(f"a{number}@example.org" for number in range(failures)))
        end(moment, GREYLISTED, *(f"b{number}@example.org" for number in range(failures)))
        day = date(2026, 3, 2) + timedelta(days=days)
        now = MORNING + days * DAY
        numbers.append(queries(partial(reports.send, account.pk, day, now)))
    assert DailyReport.objects.count() == 2
    # The first one makes the system account, and its own row of progress.
    assert numbers[1] <= numbers[0]
