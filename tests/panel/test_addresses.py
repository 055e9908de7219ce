"""« Données d'une adresse »: what is kept about somebody, as a file, and erased on his wish."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mailqueue import ledger, queue, refusals, senders, service
from mailqueue.models import (
    CaseSample,
    ForeignSender,
    HostingAccount,
    LastRefusal,
    Message,
    Recipient,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from mailqueue.senders import Seen
from panel.models import AuditEntry, DailyReport, User
from panel.views import addresses
from tests.panel.conftest import HTMX, Browse, Submit
from tests.support import judged

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/addresses/"
ZOE = "zoe@example.org"


@pytest.fixture
def ended(submit: Submit, account: HostingAccount) -> None:
    """Two e-mails to her that failed."""
    now = datetime.now(UTC)
    submit(now, recipients=(ZOE,), subject='"Commande"')
    submit(now, recipients=("ZOE@example.org", "paul@example.org"))
    claimed = queue.claim_due(now, 10, timedelta(seconds=60))
    outcome = Outcome(Result.FAILED, f"550 <{ZOE}> unknown", "5.1.1", "mx.example.org")
    queue.record([(item, outcome) for item in claimed], now)


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


@pytest.mark.usefixtures("ended")
def test_it_tells_how_much_there_is(browse: Browse, owner: User) -> None:
    client = browse(owner)
    assert "Données d’une adresse" in text(client.get(PAGE))
    page = text(client.post(PAGE, {"address": f" {ZOE} "}))
    assert "<dd>2</dd>" in page
    assert "<dd>0</dd>" in page
    assert "Rien n’est conservé" in text(client.post(PAGE, {"address": "x@example.org"}))
    assert ZOE in text(client.post(PAGE, {"address": ZOE}, headers=HTMX))


@pytest.mark.usefixtures("ended")
def test_the_file_has_every_email(browse: Browse, owner: User, account: HostingAccount) -> None:
    response: Any = browse(owner).post(PAGE + "export/", {"address": ZOE})
    assert response["Content-Disposition"].startswith('attachment; filename="adresse-boutique')
    told = json.loads(b"".join(response.streaming_content))
    assert (told["account"], told["address"]) == ("boutique.example", ZOE)
    assert [row["recipient"] for row in told["emails"]] == [ZOE, "ZOE@example.org"]
    first = told["emails"][0]
    assert (first["subject"], first["status"]) == ('"Commande"', "failed")
    assert first["reply"] == f"550 <{ZOE}> unknown"
    assert datetime.fromisoformat(first["ended_at"]) >= datetime.fromisoformat(first["accepted_at"])
    nothing: Any = browse(owner).post(PAGE + "export/", {"address": "x@example.org"})
    assert json.loads(b"".join(nothing.streaming_content))["emails"] == []


@pytest.mark.usefixtures("ended")
def test_erasing_asks_once_more_and_leaves_no_trace(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    DailyReport.objects.create(
        account=account,
        day=date(2026, 3, 2),
        sent_at=datetime(2026, 3, 3, 5, tzinfo=UTC),
        sent_to="contact@boutique.example",
        subject="x",
        text=f"À Zoe@example.org ; à jo{ZOE} ; à {ZOE}.",
    )
    now = datetime(2026, 3, 3, 5, tzinfo=UTC)
    senders.note_foreign({account.pk: Seen(1, "Zoe@example.org", "")}, now)
    refusals.note_last(account.pk, 77, f"not in the name of '{ZOE}'", now)
    client = browse(owner)
    assert "pour de bon" in text(client.post(PAGE + "erase/", {"address": ZOE}))
    assert Recipient.objects.filter(address=ZOE).exists()
    response = client.post(PAGE + "erase/", {"address": ZOE, "confirmed": "on"}, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert "2 e-mails ont été effacés." in text(response)
    assert not Recipient.objects.filter(address__icontains="zoe").exists()
    report = DailyReport.objects.get().text
    assert report == f"À erased@invalid ; à jo{ZOE} ; à erased@invalid."
    assert not ForeignSender.objects.exists()
    assert not LastRefusal.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.account_id) == ("erase_address", account.pk)
    assert ZOE not in str(AuditEntry.objects.values())
    assert len(entry.target) == 16
    assert all(line.is_balanced for line in ledger.check())


def test_copies_in_cases_are_told_given_out_and_erased(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    now = datetime.now(UTC)
    content = b"Subject: x\r\nTo: anna@example.org\r\nCc: Zoe@example.org\r\n\r\nBuy pills.\r\n"
    judged.send(account, content, now, "anna@example.org", subject="Pills")
    service.report_spam(account.pk, "", now)
    # Their rows are long gone: the case has its copy for a year.
    Message.objects.all().delete()
    client = browse(owner)
    page = text(client.post(PAGE, {"address": ZOE}))
    assert "Copies d’e-mails dans les dossiers d’abus</dt><dd>1</dd>" in page
    response: Any = client.post(PAGE + "export/", {"address": ZOE})
    [told] = json.loads(b"".join(response.streaming_content))["evidence"]
    assert (told["recipient"], told["subject"]) == ("anna@example.org", "Pills")
    client.post(PAGE + "erase/", {"address": ZOE, "confirmed": "on"})
    sample = CaseSample.objects.get()
    assert (sample.subject, sample.content) == ("", None)
    assert "Rien n’est conservé" in text(client.post(PAGE, {"address": ZOE}))


@pytest.mark.usefixtures("ended")
def test_what_is_in_the_queue_must_end_first(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    submit(datetime.now(UTC), recipients=(ZOE,))
    client = browse(owner)
    assert "encore dans la file" in text(client.post(PAGE, {"address": ZOE}))
    page = text(client.post(PAGE + "erase/", {"address": ZOE, "confirmed": "on"}), 409)
    assert "encore dans la file" in page
    assert Recipient.objects.filter(address=ZOE).count() == 2
    assert not AuditEntry.objects.exists()


def test_what_takes_too_long_goes_on_with_another_click(
    browse: Browse, owner: User, monkeypatch: pytest.MonkeyPatch, account: HostingAccount
) -> None:
    monkeypatch.setattr(addresses, "SHARE_S", -1.0)
    now = datetime.now(UTC)
    content = b"Subject: x\r\n\r\nx\r\n"
    one = Submission(account.pk, "", (ZOE,), content, len(content), "x", Message.Origin.SOCKET)
    queue.accept([one] * 501, now)
    claimed = queue.claim_due(now, 501, timedelta(seconds=60))
    queue.record([(item, Outcome(Result.DELIVERED, "250 Ok", "2.0.0")) for item in claimed], now)
    client = browse(owner)
    form = {"address": ZOE, "confirmed": "on"}
    assert "Il en reste" in text(client.post(PAGE + "erase/", form))
    assert Recipient.objects.filter(address=ZOE).count() == 1
    assert client.post(PAGE + "erase/", form).status_code == 302
    assert not Recipient.objects.filter(address=ZOE).exists()


@pytest.mark.parametrize("place", ["", "export/", "erase/"])
@pytest.mark.parametrize("address", ["", "zoe", "\0@example.org", "x" * 400 + "@b.example"])
def test_what_is_no_address_is_said(browse: Browse, owner: User, place: str, address: str) -> None:
    assert "aria-invalid" in text(browse(owner).post(PAGE + place, {"address": address}), 400)


def test_a_hostile_address_is_shown_as_text(browse: Browse, owner: User) -> None:
    page = text(browse(owner).post(PAGE, {"address": "<script>x</script>@b.example"}))
    assert "<script>x" not in page


@pytest.mark.parametrize("place", ["", "export/", "erase/"])
def test_it_is_for_owners_and_administrators(
    browse: Browse, reader: User, outsider: User, administrator: User, place: str
) -> None:
    form = {"address": ZOE}
    assert browse(None).post(PAGE + place, form).status_code == 302
    assert browse(outsider).post(PAGE + place, form).status_code == 404
    assert browse(reader).post(PAGE + place, form).status_code == 403
    assert browse(administrator).post(PAGE + place, form).status_code == 200
