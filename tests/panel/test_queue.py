"""The page of the queue, and what is done with chosen e-mails."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from mailqueue import ledger, queue, queue_view, service
from mailqueue.models import HostingAccount, Message, Recipient
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse, Submit

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/scripts-emails/queue/"
RELEASE, PURGE = PAGE + "release/", PAGE + "purge/"


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def held(account: HostingAccount, submit: Submit, now: datetime) -> list[int]:
    """Three e-mails that are held because somebody blocked the service."""
    service.block(account.pk, "claire", now)
    for _ in range(3):
        submit(now - timedelta(hours=2))
    return numbers()


def numbers() -> list[int]:
    return list(Recipient.objects.order_by("pk").values_list("pk", flat=True))


def statuses() -> list[str]:
    return list(Recipient.objects.order_by("pk").values_list("status", flat=True))


def text(response: Any) -> str:
    return str(response.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def told(response: Any) -> str:
    """The alerts of an answer."""
    return " ".join(re.findall(r'class="alert[^>]*><p>(.*?)</p>', text(response)))


def test_a_row_tells_all_there_is_to_know(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now - timedelta(hours=1, minutes=9), size_bytes=4096)
    Recipient.objects.update(
        tries=2, reply="451 4.7.1 later", next_attempt_at=now + timedelta(days=1)
    )
    page = text(browse(owner).get(PAGE))
    for words in (
        "Commande 1",
        "client1@example.org",
        "commande.php",
        "Prochain essai",
        "après 2 essais",
        "451 4.7.1 later",
        "1 h 09",
        "70 h 50",
        "4,0 Ko",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Retenu : service bloqué"),
        ({"hold_reason": "overflow"}, "Retenu : au-delà du quota"),
    ],
)
def test_it_says_why_mail_is_held(
    browse: Browse, owner: User, held: list[int], change: dict[str, str], words: str
) -> None:
    if change:
        Recipient.objects.update(**change)
    rows = text(browse(owner).get(PAGE)).partition("<tbody>")[2]
    assert words in rows


def test_the_page_of_the_account_leads_here(browse: Browse, owner: User, held: list[int]) -> None:
    page = text(browse(owner).get("/web/hosting/boutique.example/scripts-emails/"))
    assert f'href="{PAGE}">Tout voir</a>' in page


def test_an_empty_queue_says_so(browse: Browse, owner: User) -> None:
    assert "La file d’attente est vide." in text(browse(owner).get(PAGE))


def test_it_is_searched_and_narrowed(browse: Browse, owner: User, held: list[int]) -> None:
    client = browse(owner)
    found = text(client.get(PAGE, {"q": "commande 2"}))
    assert "client2@example.org" in found
    assert "client1@example.org" not in found
    assert "client1@example.org" in text(client.get(PAGE, {"standing": "blocked"}))
    assert "Aucun e-mail de la file" in text(client.get(PAGE, {"standing": "waiting"}))
    nonsense = {"standing": "x", "show": "7", "after": "-1", "before": "\0", "q": "\0"}
    assert "client1@example.org" in text(client.get(PAGE, nonsense))


def test_pages_lead_both_ways_and_keep_the_search(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now, recipients=tuple(f"r{number}@example.org" for number in range(120)))
    client = browse(owner)
    seen = []
    address = PAGE + "?q=example"
    while address:
        page = text(client.get(address))
        seen += re.findall(r"r\d+@example\.org", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        address = found[1].replace("&amp;", "&") if found else ""
    assert seen == [f"r{number}@example.org" for number in range(120)]
    back = re.search(r'rel="prev" href="([^"]+)"', page)
    assert back
    assert "q=example" in back[1]
    page = text(client.get(back[1].replace("&amp;", "&")))
    assert re.findall(r"r\d+@example\.org", page) == seen[50:100]


def test_a_search_that_ends_before_the_queue_does_says_so(
    browse: Browse,
    owner: User,
    held: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_view, "LOOKED_AT", 2)
    client = browse(owner)
    page = text(client.get(PAGE, {"q": "client3"}))
    assert "Rien n’a été trouvé jusqu’ici." in page
    assert "2 e-mails ont été parcourus" in page
    [link] = re.findall(r'rel="next" href="([^"]+)">Continuer la recherche', page)
    assert "client3@example.org" in text(client.get(link.replace("&amp;", "&")))


def test_a_page_takes_as_many_queries_for_many_rows(
    browse: Browse,
    owner: User,
    submit: Submit,
    now: datetime,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(owner)
    submit(now)
    few = queries(lambda: client.get(PAGE))
    for _ in range(60):
        submit(now)
    assert queries(lambda: client.get(PAGE)) == few


def test_readers_look_and_choose_nothing(browse: Browse, reader: User, held: list[int]) -> None:
    client = browse(reader)
    page = text(client.get(PAGE))
    assert "client1@example.org" in page
    assert 'name="chosen"' not in page
    for address in (RELEASE, PURGE, RELEASE + "confirm/", PURGE + "confirm/"):
        assert client.post(address, {"chosen": held}).status_code == 403
    assert set(statuses()) == {"held"}


def test_htmx_gets_the_list_alone(browse: Browse, owner: User, held: list[int]) -> None:
    fragment = text(browse(owner).get(PAGE, headers=HTMX))
    assert "client1@example.org" in fragment
    assert "<html" not in fragment


def _walk_through(client: Client, address: str, ids: list[int], **fields: Any) -> Any:
    """From the list to the end by the forms alone, as without script."""
    page = text(client.post(address + "confirm/", {"chosen": ids, **fields}))
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    data: dict[str, list[str]] = {}
    for name, value in hidden:
        data.setdefault(name, []).append(value)
    return client.post(address, data, follow=True)


def test_chosen_mail_is_let_go_in_two_steps(
    browse: Browse, owner: User, held: list[int], account: HostingAccount
) -> None:
    client = browse(owner)
    asked = text(client.post(RELEASE + "confirm/", {"chosen": held[:2]}))
    assert "2 e-mails seront remis en distribution tout de suite" in asked
    assert "Commande 1" in asked
    assert "Valider" in asked
    assert set(statuses()) == {"held"}
    response = _walk_through(client, RELEASE, held[:2], q="client")
    assert response.redirect_chain == [(PAGE + "?q=client", 302)]
    assert "2 e-mails sont remis en distribution." in told(response)
    assert statuses() == ["waiting", "waiting", "held"]
    account.refresh_from_db()
    assert account.state == "ko"
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.account) == ("claire", "release_chosen", account)
    assert entry.details == {"number": 2, "of": 2}
    ids = Message.objects.order_by("pk").values_list("queue_id", flat=True)[:2]
    assert entry.target == " ".join(ids)


def test_chosen_mail_is_purged_in_two_steps(browse: Browse, owner: User, held: list[int]) -> None:
    response = _walk_through(browse(owner), PURGE, held[1:])
    assert "2 e-mails ont été effacés." in told(response)
    assert statuses() == ["held", "purged", "purged"]
    assert AuditEntry.objects.get().action == "purge_chosen"


def test_all_that_is_shown_can_be_chosen_without_script(
    browse: Browse, owner: User, held: list[int]
) -> None:
    data = {"all": "on", "shown": held[:2], "chosen": held}
    page = text(browse(owner).post(PURGE + "confirm/", data))
    assert "2 e-mails seront effacés définitivement." in page


def test_what_is_being_sent_is_left_alone_and_told(
    browse: Browse, owner: User, submit: Submit, now: datetime
) -> None:
    submit(now)
    submit(now)
    queue.claim_due(now, 1, timedelta(hours=1))
    client = browse(owner)
    asked = text(client.post(PURGE + "confirm/", {"chosen": numbers()}))
    assert "1 e-mail sera effacé définitivement." in asked
    assert "1 e-mail n’est pas concerné" in asked
    # Both are sent on, though one has left the waiting meanwhile.
    response = client.post(PURGE, {"chosen": numbers()}, follow=True)
    assert "1 e-mail a été effacé. 1 e-mail n’est pas concerné" in told(response)
    assert statuses() == ["sending", "purged"]
    response = client.post(PURGE, {"chosen": numbers()[:1]})
    assert response.status_code == 409
    assert "1 e-mail n’est pas concerné" in told(response)


@pytest.mark.parametrize(
    ("state", "review", "why"),
    [
        ("ok", False, "L’envoi n’est pas bloqué."),
        ("spam", False, "Après un blocage pour spam"),
        ("ko", True, "Un administrateur doit encore"),
        ("purging", False, "Une purge est en cours."),
    ],
)
def test_an_owner_is_told_why_nothing_is_let_go(
    browse: Browse, owner: User, held: list[int], state: str, review: bool, why: str
) -> None:
    HostingAccount.objects.update(state=state, review_required=review)
    client = browse(owner)
    assert re.search(r'id="choose-release"[^>]* disabled', text(client.get(PAGE)))
    for address in (RELEASE, RELEASE + "confirm/"):
        response = client.post(address, {"chosen": held})
        assert response.status_code == 409
        assert why in text(response)
    assert set(statuses()) == {"held"}


def test_an_administrator_lets_go_after_spam_and_over_the_quota(
    browse: Browse, administrator: User, held: list[int]
) -> None:
    HostingAccount.objects.update(state="spam", review_required=True)
    assert "3 e-mails sont remis en distribution." in told(
        _walk_through(browse(administrator), RELEASE, held)
    )
    assert set(statuses()) == {"waiting"}


def test_an_owner_leaves_alone_what_is_over_the_quota(
    browse: Browse, owner: User, held: list[int]
) -> None:
    Recipient.objects.filter(pk=held[0]).update(hold_reason="overflow")
    response = browse(owner).post(RELEASE, {"chosen": held}, follow=True)
    assert "2 e-mails sont remis en distribution. 1 e-mail n’est pas concerné" in told(response)
    assert statuses() == ["held", "waiting", "waiting"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Aucun e-mail n’est choisi."),
        ({"chosen": ["x", "-1", "1" * 30]}, "Aucun e-mail n’est choisi."),
        ({"chosen": list(range(201))}, "200 e-mails au plus"),
    ],
)
@pytest.mark.parametrize("address", [PURGE, PURGE + "confirm/"])
def test_a_choice_of_nothing_or_too_much_is_refused(
    browse: Browse, owner: User, address: str, data: dict[str, list[Any]], words: str
) -> None:
    response = browse(owner).post(address, data)
    assert response.status_code == 400
    assert words in text(response)


def test_mail_of_others_cannot_be_chosen(
    browse: Browse, owner: User, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(now, account_id=other.pk)
    assert browse(owner).post(PURGE, {"chosen": numbers()}).status_code == 409
    assert statuses() == ["waiting"]
    theirs = PURGE.replace("boutique", "autre")
    assert browse(owner).post(theirs, {"chosen": numbers()}).status_code == 404
    assert not AuditEntry.objects.exists()


def test_htmx_gets_a_dialog_and_then_the_list_with_the_alert(
    browse: Browse, owner: User, held: list[int]
) -> None:
    client = browse(owner)
    dialog = text(client.post(PURGE + "confirm/", {"chosen": held[:1]}, headers=HTMX))
    assert 'id="dialog-form"' in dialog
    assert "<html" not in dialog
    fragment = text(client.post(PURGE, {"chosen": held[:1]}, headers=HTMX))
    assert "<html" not in fragment
    assert "client1@example.org" not in fragment
    assert "client2@example.org" in fragment
    assert 'id="alerts" hx-swap-oob' in fragment
    assert "1 e-mail a été effacé." in fragment
