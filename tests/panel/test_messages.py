"""The page of one message, its HTML, its download, and who may look."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.test.utils import override_settings

from mailqueue import queue
from mailqueue.models import Body, HostingAccount, Message
from mailqueue.outcomes import Outcome, Result
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse, Submit

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/web/hosting/boutique.example/scripts-emails/messages/"


@pytest.fixture
def letter() -> bytes:
    message = EmailMessage()
    message["From"] = "Boutique <site@boutique.example>"
    message["To"] = '"<script>alert(1)</script>" <zoe@example.org>'
    message["Subject"] = "Votre commande"
    message.set_content("Bonjour <b>Zoé</b>")
    message.add_alternative(
        '<p>Bonjour</p><img src="https://evil.example/x.png"><a href="https://evil.example">x</a>',
        subtype="html",
    )
    message.add_attachment(b"x" * 10, "image", "png", filename="<img src=x>.png")
    return message.as_bytes().replace(b"\n", b"\r\n")


@pytest.fixture
def address(account: HostingAccount, submit: Submit, letter: bytes) -> str:
    """The page of a message that waits in the queue."""
    submit(
        datetime.now(UTC),
        content=letter,
        size_bytes=len(letter),
        recipients=("zoe@example.org", "paul@example.org"),
        folder="/home/www",
    )
    return f"{BASE}{Message.objects.get().queue_id}/"


def text(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_it_shows_what_the_message_says_and_to_whom(
    browse: Browse, owner: User, address: str
) -> None:
    page = text(browse(owner).get(address))
    assert "Bonjour &lt;b&gt;Zoé&lt;/b&gt;" in page
    assert "zoe@example.org" in page
    assert "paul@example.org" in page
    assert "commande.php" in page
    assert "/home/www" in page
    assert "le script l’indique lui-même" in page
    assert "&lt;img src=x&gt;.png" in page
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert f'src="{address}html/"' in page
    assert "evil.example" not in page


def test_it_tells_the_last_reply_of_each_recipient(
    browse: Browse, owner: User, address: str
) -> None:
    now = datetime.now(UTC)
    first, second = queue.claim_due(now, 2, timedelta(seconds=60))
    refused = Outcome(Result.FAILED, "550 5.1.1 <b>User unknown", "5.1.1", "mx.example.org")
    queue.record([(first, refused), (second, Outcome(Result.DELIVERED, "250 Ok", "2.0.0"))], now)
    page = text(browse(owner).get(address))
    assert "550 5.1.1 &lt;b&gt;User unknown" in page
    assert "En échec" in page
    assert "Envoyé" in page


def test_the_html_stands_in_a_document_that_can_do_nothing(
    browse: Browse, owner: User, address: str
) -> None:
    response = browse(owner).get(address + "html/")
    assert response["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "frame-ancestors 'self'"
    )
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "<p>Bonjour</p>" in text(response)
    assert "<a" not in text(response)


def test_the_page_itself_keeps_the_strict_policy(browse: Browse, owner: User, address: str) -> None:
    response = browse(owner).get(address)
    assert "sandbox" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_a_message_without_html_has_no_document(
    browse: Browse, owner: User, submit: Submit
) -> None:
    submit(datetime.now(UTC))
    address = f"{BASE}{Message.objects.get().queue_id}/"
    assert "<iframe" not in text(browse(owner).get(address))
    assert browse(owner).get(address + "html/").status_code == 404


def test_the_download_is_the_message_as_it_went_out(
    browse: Browse, owner: User, address: str, letter: bytes
) -> None:
    response = browse(owner).get(address + "download/")
    assert response.content == letter
    queue_id = Message.objects.get().queue_id
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == f'attachment; filename="{queue_id}.eml"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_it_says_that_the_content_is_gone(browse: Browse, owner: User, address: str) -> None:
    Body.objects.all().delete()
    page = text(browse(owner).get(address))
    assert "n’est plus conservé" in page
    assert "zoe@example.org" in page
    assert browse(owner).get(address + "html/").status_code == 404
    assert browse(owner).get(address + "download/").status_code == 404
    assert not AuditEntry.objects.exists(), "nobody saw anything"


def test_each_look_and_each_download_stands_in_the_journal(
    browse: Browse, reader: User, administrator: User, account: HostingAccount, address: str
) -> None:
    client = browse(reader)
    client.get(address)
    client.get(address + "html/")
    client.get(address + "download/")
    browse(administrator).get(address + "html/")
    queue_id = Message.objects.get().queue_id
    client.get(address, {"after": 1})
    assert list(
        AuditEntry.objects.order_by("pk").values_list("actor", "action", "account", "target")
    ) == [
        ("lise", "preview", account.pk, queue_id),
        ("lise", "download", account.pk, queue_id),
        ("admin", "preview", account.pk, queue_id),
    ]
    assert AuditEntry.objects.filter(address="127.0.0.1").count() == 3


@pytest.mark.parametrize("place", ["", "html/", "download/"])
def test_it_is_for_those_of_the_account(
    browse: Browse, outsider: User, owner: User, reader: User, address: str, place: str
) -> None:
    assert browse(None).get(address + place).status_code == 302
    assert browse(outsider).get(address + place).status_code == 404
    for user in (owner, reader):
        assert browse(user).get(address + place).status_code == 200
    assert browse(owner).post(address + place).status_code == 405


@pytest.mark.parametrize("place", ["", "html/", "download/"])
def test_administrators_can_be_kept_out(
    browse: Browse, administrator: User, owner: User, address: str, place: str
) -> None:
    with override_settings(ADMIN_PREVIEWS=False):
        response = browse(administrator).get(address + place)
        assert response.status_code == 403
        assert "les administrateurs ne consultent pas" in response.content.decode()
        assert browse(owner).get(address + place).status_code == 200
    assert browse(administrator).get(address + place).status_code == 200


@pytest.mark.parametrize("queue_id", ["ABCDEFGHIJKL", "x", "A" * 17, "%00"])
def test_what_does_not_exist_is_not_found(browse: Browse, owner: User, queue_id: str) -> None:
    assert browse(owner).get(f"{BASE}{queue_id}/").status_code == 404


def test_the_message_of_another_account_is_not_found(
    browse: Browse, owner: User, other: HostingAccount, submit: Submit
) -> None:
    submit(datetime.now(UTC), account_id=other.pk)
    assert browse(owner).get(f"{BASE}{Message.objects.get().queue_id}/").status_code == 404


def test_many_recipients_come_in_pages(
    browse: Browse, owner: User, submit: Submit, queries: Callable[..., int]
) -> None:
    submit(datetime.now(UTC), recipients=tuple(f"r{n:03}@example.org" for n in range(120)))
    address = f"{BASE}{Message.objects.get().queue_id}/"
    client = browse(owner)
    seen = text(client.get(address))
    assert "r049@" in seen
    assert "r050@" not in seen
    place = seen.split('href="?after=')[1].split('"')[0]
    assert "r050@" in text(client.get(address, {"after": place}))
    assert "r000@" in text(client.get(address, {"after": "nonsense"}))
    assert "Il n’y a rien de plus" in text(client.get(address, {"after": 10**9}))
    assert queries(lambda: client.get(address)) <= 12


def test_an_htmx_request_gets_the_page_too(browse: Browse, owner: User, address: str) -> None:
    assert "zoe@example.org" in text(browse(owner).get(address, headers=HTMX))


def test_the_errors_list_leads_there(browse: Browse, owner: User, address: str) -> None:
    now = datetime.now(UTC)
    claimed = queue.claim_due(now, 2, timedelta(seconds=60))
    queue.record([(item, Outcome(Result.FAILED, "550 no", "5.0.0")) for item in claimed], now)
    page = text(browse(owner).get("/web/hosting/boutique.example/scripts-emails/errors/"))
    assert f'href="{address}"' in page
