"""The daily error report: once, at six in the morning of the account, if there is one to make."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test.utils import override_settings

from mailqueue import queue
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from panel import reports
from panel.models import DailyReport, User
from tests.panel.conftest import Browse

pytestmark = pytest.mark.django_db(transaction=True)

# In Paris: 2 March is an ordinary day, one hour before UTC.
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 5, tzinfo=UTC)  # 06:00 in Paris
BASE = "/web/hosting/boutique.example/scripts-emails/"
UNKNOWN = "550 5.1.1 User unknown"
End = Callable[..., None]


@pytest.fixture(autouse=True)
def _real_letters() -> Iterator[None]:
    """pytest-django puts a backend of its own before ours."""
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


@pytest.fixture
def end(account: HostingAccount) -> End:
    """Ends one e-mail at a moment, refused unless told otherwise."""

    def make(
        moment: datetime, address: str, reply: str = UNKNOWN, result: Result = Result.FAILED
    ) -> None:
        content = b"Subject: x\r\n\r\nx\r\n"
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
        claimed = queue.claim_due(moment, 10, timedelta(seconds=60))
        outcome = Outcome(result, reply, "5.1.1", "mx.example.org")
        queue.record([(item, outcome) for item in claimed], moment)

    return make


def letters() -> list[str]:
    """The panel's letters in the queue, decoded."""
    rows = Recipient.objects.filter(account__is_system=True).order_by("pk")
    contents = [queue.content_of(row.message_id) for row in rows]
    return [content.decode() for content in contents if content is not None]


def test_the_day_before_is_reported_at_six(account: HostingAccount, end: End) -> None:
    end(NOON, "zoe@example.org")
    end(NOON, "paul@example.org", "552 5.2.2 Mailbox full")
    end(NOON, "lise@example.org", "250 ok", Result.DELIVERED)
    assert reports.send_due(MORNING - timedelta(seconds=1)) == 0
    assert reports.send_due(MORNING) == 1
    [letter] = letters()
    assert "To: contact@boutique.example" in letter
    assert "zoe@example.org" in letter
    assert "lise@example.org" not in letter
    kept = DailyReport.objects.get()
    assert (kept.day, kept.sent_to) == (date(2026, 3, 2), "contact@boutique.example")
    assert "2 e-mails en erreur" in kept.subject
    assert "Adresse inconnue (1)" in kept.text
    assert "Boîte pleine (1)" in kept.text
    assert "E-mails envoyés : 3" in kept.text.replace("\N{NO-BREAK SPACE}", " ")


def test_twice_the_task_is_one_letter(account: HostingAccount, end: End) -> None:
    end(NOON, "zoe@example.org")
    assert reports.send_due(MORNING) == 1
    assert reports.send_due(MORNING) == 0
    assert reports.send(account.pk, date(2026, 3, 2), MORNING) is False
    assert len(letters()) == 1


def test_nothing_is_sent_when_there_was_nothing(account: HostingAccount, end: End) -> None:
    end(NOON, "lise@example.org", "250 ok", Result.DELIVERED)
    assert reports.send_due(MORNING) == 0
    assert letters() == []


def test_nothing_is_sent_to_nobody(account: HostingAccount, end: End) -> None:
    HostingAccount.objects.update(report_to="")
    end(NOON, "zoe@example.org")
    assert reports.send_due(MORNING) == 0


def test_missed_days_are_caught_up_for_a_week(account: HostingAccount, end: End) -> None:
    for days in range(12):
        end(NOON + timedelta(days=days), f"a{days}@example.org")
    late = MORNING + timedelta(days=11)
    assert reports.send_due(late) == 7
    days_reported = list(DailyReport.objects.order_by("day").values_list("day", flat=True))
    assert days_reported == [date(2026, 3, 7) + timedelta(days=number) for number in range(7)]
    assert reports.send_due(late + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        # 6 in the morning of 3 March there, in UTC.
        ("Asia/Kathmandu", datetime(2026, 3, 3, 0, 15, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 3, 2, 17, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 3, 3, 14, tzinfo=UTC)),
    ],
)
def test_the_morning_is_the_accounts(
    zone: str, moment: datetime, account: HostingAccount, end: End
) -> None:
    HostingAccount.objects.update(time_zone=zone)
    end(moment - timedelta(hours=12), "zoe@example.org")
    assert reports.send_due(moment - timedelta(minutes=1)) == 0
    assert reports.send_due(moment) == 1
    assert DailyReport.objects.get().day == date(2026, 3, 2)


def test_an_english_account_reads_english(account: HostingAccount, end: End) -> None:
    HostingAccount.objects.update(language="en")
    end(NOON, "zoe@example.org")
    reports.send_due(MORNING)
    kept = DailyReport.objects.get()
    assert "1 e-mail in error" in kept.subject
    assert "Unknown address (1)" in kept.text


def test_hostile_words_stay_words(account: HostingAccount, end: End) -> None:
    end(NOON, "zoe@example.org", "550 <script>alert(1)</script>\r\nBcc: victim@example.org")
    reports.send_due(MORNING)
    [letter] = letters()
    head, _, body = letter.partition("\r\n\r\n")
    assert "victim" not in head
    assert "<script>" not in body.partition("text/html")[2]


def test_many_failures_are_counted_and_some_are_listed(account: HostingAccount, end: End) -> None:
    for number in range(53):
        end(NOON, f"a{number}@example.org")
    reports.send_due(MORNING)
    kept = DailyReport.objects.get()
    assert "Adresse inconnue (53)" in kept.text
    assert "et 3 autres" in kept.text


def test_a_letter_that_cannot_be_sent_is_due_again_and_holds_up_nobody(
    account: HostingAccount, other: HostingAccount, end: End
) -> None:
    end(NOON, "zoe@example.org")
    HostingAccount.objects.update(report_to="nobody")
    assert reports.send_due(MORNING) == 0
    HostingAccount.objects.update(report_to="contact@boutique.example")
    assert reports.send_due(MORNING) == 1


def test_reports_are_listed_and_shown_as_they_were_sent(
    account: HostingAccount, end: End, browse: Browse, owner: User, outsider: User
) -> None:
    end(NOON, "zoe@example.org", "550 <script>alert(1)</script>")
    reports.send_due(MORNING)
    client = browse(owner)
    page = client.get(f"{BASE}errors/").content.decode()
    assert f"{BASE}reports/2026-03-02/" in page
    shown = client.get(f"{BASE}reports/2026-03-02/").content.decode()
    assert "zoe@example.org" in shown
    assert "<script>alert" not in shown
    assert client.get(f"{BASE}reports/2026-03-01/").status_code == 404
    assert client.get(f"{BASE}reports/2026-02-30/").status_code == 404
    assert browse(outsider).get(f"{BASE}reports/2026-03-02/").status_code == 404


def test_reports_are_kept_for_a_year(account: HostingAccount, now: datetime) -> None:
    for days in (400, 364):
        DailyReport.objects.create(
            account=account,
            day=(now - timedelta(days=days)).date(),
            sent_at=now - timedelta(days=days),
            sent_to="x@example.org",
            subject="x",
            text="x",
        )
    assert reports.prune(now) == 1
    assert reports.prune(now) == 0
    assert DailyReport.objects.get().sent_at == now - timedelta(days=364)
