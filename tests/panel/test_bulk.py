"""The list of accounts by state, and blocking or unblocking a selection of it."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.utils import timezone

from mailqueue import accounts, service
from mailqueue.models import HostingAccount, Recipient, StateChange
from panel.models import AuditEntry, Membership, User
from tests.panel.conftest import HTMX, Browse, Submit

LIST = "/web/hosting/"
BLOCK = "/selection/block/"
UNBLOCK = "/selection/unblock/"


def names(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', text)


def states() -> dict[str, str]:
    return dict(HostingAccount.objects.values_list("service_name", "state"))


def make(number: int, now: datetime) -> list[HostingAccount]:
    return [accounts.create(f"site{n:03d}.example", now) for n in range(number)]


def test_the_list_shows_one_state_and_keeps_it_with_search_and_order(
    browse: Browse, administrator: User, now: datetime
) -> None:
    for account in make(60, now):
        if account.pk % 2:
            service.block(account.pk, "x", now)
    client = browse(administrator)
    text = client.get(LIST, {"state": "ko", "q": "site", "sort": "-service_name"}).content.decode()
    assert "30 hébergements" in text
    assert set(re.findall(r"badge state-(\w+)", text)) == {"ko"}
    assert '<option value="ko" selected>' in text
    assert 'href="?q=site&amp;state=ko&amp;sort=-service_name&amp;page=2"' in text
    assert 'href="?q=site&amp;state=ko"' in text, "the heading that turns it round"


def test_a_state_that_there_is_not_is_as_good_as_none(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    for state in ("nonsense", "x" * 999, "<script>"):
        text = browse(administrator).get(LIST, {"state": state}).content.decode()
        assert names(text) == ["boutique.example"]


def test_an_empty_state_says_so(browse: Browse, owner: User) -> None:
    text = browse(owner).get(LIST, {"state": "spam"}).content.decode()
    assert "Aucun hébergement trouvé dans cet état" in text


def test_an_owner_filters_his_own_only(browse: Browse, owner: User, other: HostingAccount) -> None:
    text = browse(owner).get(LIST, {"state": "ok"}, headers=HTMX).content.decode()
    assert names(text) == ["boutique.example"]
    assert "<html" not in text


def test_administrators_alone_have_boxes_and_buttons(
    browse: Browse, administrator: User, owner: User, account: HostingAccount
) -> None:
    text = browse(administrator).get(LIST).content.decode()
    assert f'name="account" value="{account.pk}"' in text
    assert "Bloquer la sélection" in text
    text = browse(owner).get(LIST).content.decode()
    assert 'name="account"' not in text
    assert "la sélection" not in text


@pytest.mark.parametrize("role", ["owner", "reader", "outsider"])
def test_others_may_not(
    browse: Browse, account: HostingAccount, request: pytest.FixtureRequest, role: str
) -> None:
    client = browse(request.getfixturevalue(role))
    assert client.post(BLOCK, {"account": account.pk}).status_code == 403
    assert client.get(BLOCK + "confirm/", {"account": account.pk}).status_code == 403
    refused = client.post(BLOCK, {"account": account.pk}, headers=HTMX)
    assert refused["HX-Retarget"] == "#alerts"
    assert states()["boutique.example"] == "ok"


def test_confirming_names_the_accounts_and_changes_nothing(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    third = accounts.create("troisieme.example", timezone.now())
    service.block(other.pk, "x", timezone.now())
    chosen: dict[str, str | list[int]] = {"account": [account.pk, other.pk, third.pk], "q": "e"}
    response = browse(administrator).get(BLOCK + "confirm/", chosen)
    text = response.content.decode()
    assert response.status_code == 200
    assert "Bloquer l’envoi de 2 hébergements" in text
    assert "ne seront plus distribués" in text
    assert "Valider" in text
    fit, left = text.split("Rien ne changera pour ceux-ci")
    assert "boutique.example" in fit
    assert "troisieme.example" in fit
    assert re.search(r"autre\.example.*L’envoi est déjà arrêté", left)
    assert f'name="account" value="{other.pk}"' not in text
    assert 'href="/web/hosting/?q=e"' in text
    assert states()["boutique.example"] == "ok"


def test_a_selection_is_blocked_with_an_entry_each(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    other: HostingAccount,
    submit: Submit,
) -> None:
    submit(timezone.now())
    chosen = {"account": [account.pk, other.pk], "q": "e", "sort": "-sent"}
    response = browse(administrator).post(BLOCK, chosen, follow=True)
    assert response.redirect_chain == [("/web/hosting/?q=e&sort=-sent", 302)]
    assert "L’envoi de 2 hébergements est bloqué" in response.content.decode()
    assert states() == {"boutique.example": "ko", "autre.example": "ko"}
    assert Recipient.objects.get().status == "held"
    assert {change.actor for change in StateChange.objects.all()} == {"admin"}
    entries = AuditEntry.objects.order_by("account__service_name")
    assert [(row.action, row.account) for row in entries] == [("block", other), ("block", account)]


def test_a_selection_is_unblocked(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(state="bounce")
    HostingAccount.objects.filter(pk=other.pk).update(state="ko")
    response = browse(administrator).post(UNBLOCK, {"account": [account.pk, other.pk]})
    assert response["Location"] == "/web/hosting/"
    assert states() == {"boutique.example": "force", "autre.example": "ok"}
    assert AuditEntry.objects.filter(action="unblock").count() == 2


def test_what_does_not_apply_is_told_one_by_one_and_stops_no_other(
    browse: Browse, administrator: User, now: datetime
) -> None:
    first, second, third = make(3, now)
    HostingAccount.objects.filter(pk=first.pk).update(state="spam")
    HostingAccount.objects.filter(pk=third.pk).update(state="ko")
    chosen = {"account": [first.pk, second.pk, third.pk]}
    response = browse(administrator).post(UNBLOCK, chosen, follow=True)
    text = response.content.decode()
    assert re.search(r"site000\.example\s: rien n’a été changé. Purgez d’abord", text)
    assert re.search(r"site001\.example\s: rien n’a été changé. L’envoi n’est pas bloqué", text)
    assert "L’envoi de 1 hébergement est débloqué" in text
    assert states()["site002.example"] == "ok"
    assert AuditEntry.objects.get().account == third


def test_nothing_chosen_is_said(browse: Browse, administrator: User) -> None:
    client = browse(administrator)
    for chosen in ({}, {"account": ["x"]}, {"account": ["-1"]}, {"account": ["9" * 30]}):
        response = client.get(BLOCK + "confirm/", chosen)
        assert response.status_code == 400
        assert "Choisissez au moins un hébergement" in response.content.decode()
        assert client.post(BLOCK, chosen).status_code == 400
    assert client.post(BLOCK, {"account": ["987654321987654321"]}).status_code == 400


def test_a_selection_to_which_nothing_applies_has_no_button(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    response = browse(administrator).get(UNBLOCK + "confirm/", {"account": account.pk})
    assert response.status_code == 409
    assert "Valider" not in response.content.decode()


def test_all_that_was_found_can_be_chosen(
    browse: Browse, administrator: User, now: datetime
) -> None:
    for account in make(40, now)[:30]:
        service.block(account.pk, "x", now)
    client = browse(administrator)
    assert "Les 30 hébergements trouvés" in client.get(LIST, {"state": "ko"}).content.decode()
    asked = {"everything": "on", "state": "ko", "q": "site"}
    text = client.get(UNBLOCK + "confirm/", asked).content.decode()
    numbers = re.findall(r'name="account" value="(\d+)"', text)
    assert len(numbers) == 30
    client.post(UNBLOCK, {"account": numbers})
    assert set(states().values()) == {"ok"}


def test_two_hundred_at_once_and_no_more(
    browse: Browse, administrator: User, now: datetime
) -> None:
    numbers = [account.pk for account in make(201, now)]
    client = browse(administrator)
    assert client.get(BLOCK + "confirm/", {"account": numbers}).status_code == 400
    response = client.post(BLOCK, {"account": numbers})
    assert response.status_code == 400
    assert "200 hébergements au plus" in response.content.decode()
    assert client.get(BLOCK + "confirm/", {"everything": "on"}).status_code == 400
    assert 'name="everything"' not in client.get(LIST).content.decode()
    assert set(states().values()) == {"ok"}
    assert client.post(BLOCK, {"account": numbers[:200]}).status_code == 302
    assert sorted(states().values()) == ["ko"] * 200 + ["ok"]


def test_system_accounts_cannot_be_chosen(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    HostingAccount.objects.update(is_system=True)
    assert browse(administrator).post(BLOCK, {"account": account.pk}).status_code == 400
    assert states()["boutique.example"] == "ok"


def test_a_purge_of_many_is_no_address(browse: Browse, administrator: User) -> None:
    assert browse(administrator).post("/selection/purge/").status_code == 404


def test_more_accounts_make_no_more_queries_to_confirm(
    browse: Browse,
    administrator: User,
    now: datetime,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    numbers = [account.pk for account in make(30, now)]
    client = browse(administrator)
    few = queries(lambda: client.get(BLOCK + "confirm/", {"account": numbers[:1]}))
    many = queries(lambda: client.get(BLOCK + "confirm/", {"account": numbers}))
    assert many == few


def test_an_owner_of_many_sees_no_box(browse: Browse, owner: User, now: datetime) -> None:
    for account in make(30, now):
        Membership.objects.create(user=owner, account=account)
    assert 'type="checkbox"' not in browse(owner).get(LIST).content.decode()
