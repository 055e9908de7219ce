"""« Tester un e-mail » by a script: the test address, and what came to it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailqueue import examining, probes, queue
from mailqueue.models import HostingAccount, Message, Probe, ProbeAddress
from mailqueue.queue import Submission
from panel import tester
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/tester/address/"
FINE = (
    "From: contact@boutique.example\r\nTo: a@example.org\r\nSubject: {}\r\n\r\nBonjour Marie.\r\n"
)


def text(response: Any) -> str:
    return str(response.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def send(account: HostingAccount, address: str, subject: str = "Votre commande") -> Probe:
    """A message of a script to a test address, as the queue takes it."""
    content = FINE.format(subject).encode()
    submission = Submission(
        account_id=account.pk,
        sender="site@boutique.example",
        recipients=(address,),
        content=content,
        size_bytes=len(content),
        subject=subject,
        origin=Message.Origin.SOCKET,
        script="contact.php",
        folder="/www/shop",
    )
    [receipt] = queue.accept([submission], timezone.now())
    return Probe.objects.get(queue_id=receipt.queue_id)


def judge(probe: Probe, account: HostingAccount) -> None:
    content = queue.unpack(bytes(probe.content or b""), probe.is_compressed)
    found = tester.judge(account, content, timezone.now())
    assert isinstance(found, examining.Examined)
    probes.settle(probe, found.as_row(), timezone.now())


@pytest.fixture
def address(account: HostingAccount) -> str:
    return probes.written(probes.make_address(account.pk, timezone.now()))


def test_an_address_is_made_and_shown(browse: Browse, owner: User, account: HostingAccount) -> None:
    client = browse(owner)
    page = text(client.get(PAGE))
    assert "Créer une adresse de test" in page
    assert probes.DOMAIN not in page
    assert client.post(PAGE)["Location"] == PAGE
    address = probes.written(ProbeAddress.objects.get(account=account))
    assert re.fullmatch(r"test-[a-z0-9]{12}@test\.facteur\.internal", address)
    page = text(client.get(PAGE))
    assert page.count(address) >= 2, "by itself, and in the script"
    assert "Rien pour l’instant." in page
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.target) == ("make_test_address", address)


def test_it_is_made_anew_and_ends(
    browse: Browse, owner: User, account: HostingAccount, address: str
) -> None:
    browse(owner).post(PAGE)
    assert address not in text(browse(owner).get(PAGE))
    ProbeAddress.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Créer une adresse de test" in text(browse(owner).get(PAGE))


def test_what_came_appears_with_its_report(
    browse: Browse, owner: User, account: HostingAccount, address: str
) -> None:
    client = browse(owner)
    [poll] = re.findall(r'hx-get="([^"]+)"', text(client.get(PAGE)))
    assert client.get(poll, headers=HTMX).status_code == 204
    probe = send(account, address, "FREE VERY CHEAP THINGS")
    fragment = text(client.get(poll, headers=HTMX))
    assert "<html" not in fragment
    assert "Examen en cours" in fragment
    assert "verdict-title" not in fragment
    [poll] = re.findall(r'hx-get="([^"]+)"', fragment)
    judge(probe, account)
    fragment = text(client.get(poll, headers=HTMX))
    assert "FREE VERY CHEAP THINGS" in fragment
    assert "Cet e-mail part" in fragment
    assert "Trois mots ou plus en majuscules" in fragment
    assert "contact.php" in fragment
    assert "/www/shop" in fragment
    [poll] = re.findall(r'hx-get="([^"]+)"', fragment)
    assert client.get(poll, headers=HTMX).status_code == 204


def test_each_result_has_a_page_for_a_day(
    browse: Browse, owner: User, account: HostingAccount, address: str
) -> None:
    client = browse(owner)
    probe = send(account, address)
    page = PAGE.replace("address/", f"{probe.queue_id}/")
    assert "va être examiné" in text(client.get(page))
    judge(probe, account)
    assert "Cet e-mail part" in text(client.get(page))
    Probe.objects.update(result={})
    assert "par une erreur de ce serveur" in text(client.get(page))
    assert "Non examiné" in text(client.get(PAGE))
    Probe.objects.update(accepted_at=timezone.now() - probes.KEPT)
    assert client.get(page).status_code == 404


def test_nobody_sees_the_results_of_others(
    browse: Browse, owner: User, administrator: User, other: HostingAccount, address: str
) -> None:
    account = HostingAccount.objects.get(service_name="boutique.example")
    probe = send(account, address)
    page = PAGE.replace("address/", f"{probe.queue_id}/")
    assert browse(administrator).get(page).status_code == 200
    assert browse(administrator).get(page.replace("boutique", "autre")).status_code == 404
    assert address not in text(browse(administrator).get(PAGE.replace("boutique", "autre")))


def test_what_was_too_much_is_said(
    browse: Browse, owner: User, account: HostingAccount, address: str
) -> None:
    ProbeAddress.objects.update(taken=60, passed_over=7, hour_from=timezone.now())
    assert "7 e-mails n’ont pas été examinés" in text(browse(owner).get(PAGE))
    ProbeAddress.objects.update(hour_from=timezone.now() - probes.HOUR)
    assert "n’ont pas été examinés" not in text(browse(owner).get(PAGE))


def test_many_results_cost_no_more_queries(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    address: str,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    judge(send(account, address), account)
    once = queries(lambda: client.get(PAGE))
    for _ in range(12):
        judge(send(account, address), account)
    assert queries(lambda: client.get(PAGE)) == once
