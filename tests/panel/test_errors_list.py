"""The page « Emails en erreur » and its export."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from mailqueue import queue
from mailqueue.models import HostingAccount, Message
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from panel.models import User
from tests.panel.conftest import HTMX, Browse

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/errors/"
UNKNOWN = "550 5.1.1 User unknown"
Fail = Callable[..., None]


@pytest.fixture
def fail(account: HostingAccount) -> Fail:
    """Makes one e-mail in error, of this moment."""

    def make(address: str, reply: str = UNKNOWN, subject: str = "Votre commande") -> None:
        now = datetime.now(UTC)
        content = b"Subject: x\r\n\r\nx\r\n"
        submission = Submission(
            account_id=account.pk,
            sender="",
            recipients=(address,),
            content=content,
            size_bytes=len(content),
            subject=subject,
            origin=Message.Origin.SOCKET,
        )
        queue.accept([submission], now)
        claimed = queue.claim_due(now, 10, timedelta(seconds=60))
        outcome = Outcome(Result.FAILED, reply, "5.1.1", "mx.example.org")
        queue.record([(item, outcome) for item in claimed], now)

    return make


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_tells_who_what_happened_and_what_to_do(browse: Browse, owner: User, fail: Fail) -> None:
    fail("zoe@example.org")
    page = text(browse(owner).get(PAGE))
    assert "zoe@example.org" in page
    assert "Adresse inconnue" in page
    assert UNKNOWN in page
    assert "Votre commande" in page


def test_readers_may_look(browse: Browse, reader: User, fail: Fail) -> None:
    fail("zoe@example.org")
    assert "zoe@example.org" in text(browse(reader).get(PAGE))


def test_without_errors_it_says_so(browse: Browse, owner: User) -> None:
    assert "Aucun e-mail en erreur" in text(browse(owner).get(PAGE))


def test_filters_narrow_the_list_and_nonsense_does_not(
    browse: Browse, owner: User, fail: Fail
) -> None:
    fail("zoe@example.org")
    fail("paul@example.org", "552 5.2.2 Mailbox full")
    client = browse(owner)
    assert "paul" not in text(client.get(PAGE, {"q": "zoe"}))
    assert "zoe" not in text(client.get(PAGE, {"category": "mailbox_full"}))
    both = text(client.get(PAGE, {"category": "no such", "days": "-1", "before": "'; --"}))
    assert "zoe@example.org" in both
    assert "paul@example.org" in both


def test_htmx_gets_the_list_alone(browse: Browse, owner: User, fail: Fail) -> None:
    fail("zoe@example.org")
    fragment = text(browse(owner).get(PAGE, headers=HTMX))
    assert "zoe@example.org" in fragment
    assert "<html" not in fragment


def test_hostile_text_is_shown_as_text(browse: Browse, owner: User, fail: Fail) -> None:
    fail("a@example.org", "550 <script>alert(1)</script>", "<img src=x onerror=alert(1)>")
    page = text(browse(owner).get(PAGE, {"q": "<script>"}))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_export_has_every_row_and_no_formula(browse: Browse, owner: User, fail: Fail) -> None:
    fail("a@example.org", subject='=HYPERLINK("http://evil.example")')
    fail("+41@example.org", '550 5.1.1 -1+1,"x"\r\nnext')
    response: Any = browse(owner).get(PAGE + "export/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="emails-en-erreur-boutique.example-' in response["Content-Disposition"]
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(StringIO(content)))
    assert rows[0][:2] == ["Date", "Destinataire"]
    assert [row[1] for row in rows[1:]] == ["'+41@example.org", "a@example.org"]
    assert rows[2][2].startswith("'=HYPERLINK")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_page_of_the_account_leads_here(browse: Browse, owner: User, fail: Fail) -> None:
    fail("zoe@example.org")
    page = text(browse(owner).get("/web/hosting/boutique.example/scripts-emails/"))
    assert f'href="{PAGE}"' in page
    assert "E-mails en erreur" in page or "Emails en erreur" in page


def test_an_erased_address_is_told_in_words(
    browse: Browse, owner: User, account: HostingAccount, fail: Fail
) -> None:
    fail("zoe@example.org")
    assert queue.erase(account.pk, "zoe@example.org") == 1
    page = text(browse(owner).get(PAGE))
    assert "(adresse effacée)" in page
    assert "@invalid" not in page
