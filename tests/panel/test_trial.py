"""« Envoyer un e-mail de test », and what became of it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from mailqueue import ledger, queue, service, suppressions
from mailqueue.models import AccountTotals, HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse, Submit

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/test/"
TO = {"address": "moi@example.org"}


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def text(response: Any) -> str:
    return str(response.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def _attempt(result: Result, reply: str) -> None:
    now = timezone.now()
    claimed = queue.claim_due(now, 10, timedelta(minutes=1))
    outcome = Outcome(result, reply, reply[4:9], "mx.example.org")
    queue.record([(item, outcome) for item in claimed], now)


def test_it_proposes_an_address(browse: Browse, owner: User, account: HostingAccount) -> None:
    assert 'value="claire@boutique.example"' in text(browse(owner).get(PAGE))
    User.objects.update(email="")
    assert 'value="contact@boutique.example"' in text(browse(owner).get(PAGE))


def test_a_true_message_of_the_account_goes_the_usual_way(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    response = browse(owner).post(PAGE, TO, follow=True)
    message = Message.objects.get()
    assert response.redirect_chain == [(f"{PAGE}{message.queue_id}/", 302)]
    assert message.account == account
    assert message.origin == "panel"
    assert message.script == "facteur-test"
    assert message.sender == "contact@boutique.example"
    content = queue.content_of(message.pk)
    assert content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert message.size_bytes == len(content)
    letter = message_from_bytes(content, policy=policy.default)
    assert letter["From"] == "contact@boutique.example"
    assert letter["To"] == "moi@example.org"
    assert letter["Subject"] == "E-mail de test de boutique.example"
    assert letter["Message-ID"]
    assert letter["Date"]
    assert AccountTotals.objects.get(account=account).accepted == 1
    row = Recipient.objects.get()
    assert (row.address, row.status) == ("moi@example.org", "waiting")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target) == ("send_test", "moi@example.org")
    assert entry.details == {"queue_id": message.queue_id}


def test_htmx_gets_a_dialog_and_is_led_to_the_result(browse: Browse, owner: User) -> None:
    client = browse(owner)
    dialog = text(client.get(PAGE, headers=HTMX))
    assert "<html" not in dialog
    assert 'id="dialog-title"' in dialog
    response = client.post(PAGE, {"address": "x"}, headers=HTMX)
    assert response.status_code == 400
    assert 'aria-invalid="true"' in text(response)
    assert "<html" not in text(response)
    response = client.post(PAGE, TO, headers=HTMX)
    assert response["HX-Redirect"] == f"{PAGE}{Message.objects.get().queue_id}/"


@pytest.mark.parametrize("address", ["", "x", "a@b", "a@x.example\nBcc: b@x.example", "\0"])
def test_what_is_no_address_is_refused(browse: Browse, owner: User, address: str) -> None:
    assert browse(owner).post(PAGE, {"address": address}).status_code == 400
    assert not Message.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_while_the_service_is_blocked_it_refuses_and_says_why(
    browse: Browse, owner: User, account: HostingAccount, now: datetime, method: str
) -> None:
    service.block(account.pk, "claire", now)
    response = getattr(browse(owner), method)(PAGE, TO)
    assert response.status_code == 409
    assert "L’envoi est bloqué" in text(response)
    assert not Message.objects.exists()
    page = text(browse(owner).get("/web/hosting/boutique.example/scripts-emails/"))
    assert re.search(r'id="action-test"[^>]* disabled', page)


def test_a_closed_account_sends_no_test(
    browse: Browse, owner: User, administrator: User, now: datetime
) -> None:
    HostingAccount.objects.update(closed_at=now)
    assert browse(owner).post(PAGE, TO).status_code == 403
    assert browse(administrator).post(PAGE, TO).status_code == 409
    assert not Message.objects.exists()


def test_five_an_hour_are_the_most(browse: Browse, owner: User, reader: User) -> None:
    client = browse(owner)
    assert [client.post(PAGE, TO).status_code for _ in range(6)] == [302] * 5 + [429]
    assert "5 tests au plus" in text(client.post(PAGE, TO))
    assert Message.objects.count() == AuditEntry.objects.count() == 5


def test_readers_send_nothing_and_may_look(browse: Browse, owner: User, reader: User) -> None:
    assert browse(reader).post(PAGE, TO).status_code == 403
    address = browse(owner).post(PAGE, TO)["Location"]
    assert "moi@example.org" in text(browse(reader).get(address))


@pytest.mark.parametrize(
    ("result", "reply", "words"),
    [
        (Result.DELIVERED, "250 2.0.0 taken", ("Livré.", "la boîte du simulateur")),
        (Result.FAILED, "550 5.1.1 User unknown", ("Refusé : adresse inconnue.",)),
        (Result.DEFERRED, "451 4.7.1 later", ("Prochain essai", "Remis à plus tard")),
    ],
)
def test_it_tells_what_became_of_it(
    browse: Browse, owner: User, result: Result, reply: str, words: tuple[str, ...]
) -> None:
    client = browse(owner)
    address = client.post(PAGE, TO)["Location"]
    page = text(client.get(address))
    assert "Il est sur le départ." in page
    assert "Pas encore de réponse." in page
    _attempt(result, reply)
    page = text(client.get(address))
    for word in (*words, reply):
        assert word in page
    assert ("hx-trigger" in page) == (result is Result.DEFERRED), "the end needs no news"


def test_it_tells_what_came_back_later(browse: Browse, owner: User, now: datetime) -> None:
    client = browse(owner)
    address = client.post(PAGE, TO)["Location"]
    _attempt(Result.DELIVERED, "250 2.0.0 taken")
    Recipient.objects.update(complained_at=now)
    page = text(client.get(address))
    assert "Livré, puis signalé comme SPAM." in page
    Recipient.objects.update(
        returned_at=now, category="user_unknown", reply="550 5.1.1 User unknown"
    )
    page = text(client.get(address))
    assert "Accepté, puis revenu : adresse inconnue." in page
    assert "550 5.1.1 User unknown" in page
    assert "Livré" not in page


def test_a_test_to_an_excluded_address_says_so(
    browse: Browse, owner: User, account: HostingAccount, now: datetime
) -> None:
    suppressions.add(account.pk, [TO["address"]], "claire", now)
    page = text(browse(owner).post(PAGE, TO, follow=True))
    assert "Non envoyé : l’adresse est exclue." in page


@override_settings(ROUTE="smarthost")
def test_what_left_the_machine_may_lie_among_spam(browse: Browse, owner: User) -> None:
    address = browse(owner).post(PAGE, TO)["Location"]
    _attempt(Result.DELIVERED, "250 2.0.0 taken")
    assert "dossier des indésirables" in text(browse(owner).get(address))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "held", "hold_reason": "blocked"}, "bloqué entre-temps"),
        ({"status": "held", "hold_reason": "overflow"}, "le quota est épuisé"),
    ],
)
def test_a_test_that_is_held_says_why(
    browse: Browse, owner: User, change: dict[str, str], words: str
) -> None:
    client = browse(owner)
    address = client.post(PAGE, TO)["Location"]
    Recipient.objects.update(**change, next_attempt_at=None)
    AccountTotals.objects.update(held=1)
    assert words in text(client.get(address))


def test_it_says_so_when_it_is_being_sent_and_when_it_was_purged(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    client = browse(owner)
    address = client.post(PAGE, TO)["Location"]
    [claimed] = queue.claim_due(timezone.now(), 1, timedelta(minutes=1))
    page = text(client.get(address))
    assert "Il part en ce moment vers le serveur de ce domaine" in page
    queue.give_back([claimed], timezone.now())
    queue.purge_chosen(account.pk, [claimed.recipient_id], timezone.now())
    assert "retiré de la file d’attente sans être envoyé" in text(client.get(address))


def test_htmx_gets_the_steps_only_when_they_are_new(browse: Browse, owner: User) -> None:
    client = browse(owner)
    address = client.post(PAGE, TO)["Location"]
    fragment = text(client.get(address, headers=HTMX))
    assert "<html" not in fragment
    [poll] = re.findall(r'hx-get="([^"]+)"', fragment)
    assert client.get(poll, headers=HTMX).status_code == 204
    _attempt(Result.DELIVERED, "250 2.0.0 taken")
    assert "Livré." in text(client.get(poll, headers=HTMX))


def test_only_tests_of_this_account_are_shown(
    browse: Browse, owner: User, administrator: User, submit: Submit, now: datetime
) -> None:
    submit(now)
    assert browse(owner).get(f"{PAGE}{Message.objects.get().queue_id}/").status_code == 404
    submit(now, script="facteur-test")
    made_up = Message.objects.get(script="facteur-test")
    assert browse(owner).get(f"{PAGE}{made_up.queue_id}/").status_code == 404
    address = browse(owner).post(PAGE, TO)["Location"]
    assert browse(administrator).get(address).status_code == 200
    assert browse(administrator).get(address.replace("boutique", "autre")).status_code == 404
    assert browse(owner).get(PAGE + "x" * 300 + "/").status_code == 404
