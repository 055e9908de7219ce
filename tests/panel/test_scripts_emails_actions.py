"""The buttons of « Scripts emails »: the confirm step, the click, and what is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mailqueue import overview, service
from mailqueue.models import HostingAccount, Recipient, StateChange
from panel import wording
from panel.models import User
from tests.panel.conftest import HTMX, Browse, Submit
from tests.support import judged
from tests.support.spam import SPAM

PAGE = "/web/hosting/boutique.example/scripts-emails/"
NBSP = "\N{NO-BREAK SPACE}"


def _state(account: HostingAccount) -> str:
    return HostingAccount.objects.get(pk=account.pk).state


def test_blocking_holds_the_queue_and_says_so(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    submit(timezone.now())
    response = browse(owner).post(PAGE + "block/", follow=True)
    text = response.content.decode()
    assert response.redirect_chain == [(PAGE, 302)]
    assert "L’envoi est bloqué. Les e-mails de vos scripts attendent désormais" in text
    assert _state(account) == "ko"
    assert Recipient.objects.get().status == "held"
    assert StateChange.objects.get().actor == "claire"


def test_unblocking_lets_the_queue_go(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    service.block(account.pk, "x", timezone.now())
    submit(timezone.now())
    text = browse(owner).post(PAGE + "unblock/", follow=True).content.decode()
    assert "L’envoi est débloqué." in text
    assert _state(account) == "ok"
    assert Recipient.objects.get().status == "waiting"


def test_before_it_unblocks_it_tells_what_stays_held(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    submit: Submit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    for number in range(2):
        judged.send(account, SPAM, now, f"victim{number}@example.org")
    judged.judge(account, now)
    service.block(account.pk, "x", now)
    submit(now)
    confirm = PAGE + "unblock/confirm/"
    text = browse(owner).get(confirm).content.decode()
    assert "1 e-mail de la file d’attente sera remis" in text
    assert "2 e-mails restent retenus" in text
    assert "1 e-mail repart" in browse(owner).get(PAGE).content.decode()
    monkeypatch.setattr(overview, "MOST_STAYING", 1)
    monkeypatch.setattr(wording, "MOST_STAYING", 1)
    text = browse(owner).get(confirm).content.decode()
    assert "plus de 1 e-mails restent retenus" in text
    assert "au plus 1 e-mail" in text
    service.purge(account.pk, "x", now)
    service.block(account.pk, "x", now)
    assert "restent retenus" not in browse(owner).get(confirm).content.decode()


def test_purging_empties_the_queue_and_unblocks(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    service.block(account.pk, "x", timezone.now())
    submit(timezone.now())
    text = browse(owner).post(PAGE + "purge/", follow=True).content.decode()
    assert "La file d’attente est purgée et l’envoi est débloqué." in text
    assert "La file d’attente est vide." in text
    assert _state(account) == "ok"
    assert Recipient.objects.get().status == "purged"


def test_only_an_administrator_keeps_it_blocked_after_a_purge(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    for user, after in ((administrator, "ko"), (owner, "ok")):
        HostingAccount.objects.update(state="ko", review_required=False)
        offered = "stay_blocked" in browse(user).get(PAGE + "purge/confirm/").content.decode()
        assert offered == user.is_staff
        browse(user).post(PAGE + "purge/", {"stay_blocked": "on"})
        assert _state(account) == after


def test_htmx_gets_the_changed_page_and_the_word(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    response = browse(owner).post(PAGE + "block/", headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 200
    assert 'id="alerts" hx-swap-oob="innerHTML"' in text
    assert "L’envoi est bloqué." in text
    assert "Désactivé" in text
    # Said once: the next page is silent.
    assert "alert-success" not in browse(owner).get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("state", "action", "why"),
    [
        ("ok", "unblock", "L’envoi n’est pas bloqué"),
        ("ok", "purge", "L’envoi n’est pas bloqué"),
        ("ko", "block", "L’envoi est déjà arrêté"),
        ("spam", "unblock", "Purgez d’abord les e-mails"),
        ("purging", "purge", "Une purge est en cours"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_what_the_state_does_not_allow_is_a_conflict(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    state: str,
    action: str,
    why: str,
    headers: dict[str, str],
) -> None:
    HostingAccount.objects.update(state=state)
    client = browse(owner)
    confirm = client.get(f"{PAGE}{action}/confirm/", headers=headers)
    click = client.post(f"{PAGE}{action}/", headers=headers)
    for response in (confirm, click):
        assert response.status_code == 409
        assert f"Rien n’a été changé. {why}." in response.content.decode()
        assert ("<html" in response.content.decode()) == (not headers)
    assert "Valider" not in confirm.content.decode()
    assert _state(account) == state
    assert not StateChange.objects.exists()


def test_the_confirm_step_says_what_will_happen(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    HostingAccount.objects.update(state="bounce")
    for _ in range(3):
        submit(timezone.now())
    client = browse(owner)
    unblock = client.get(PAGE + "unblock/confirm/").content.decode()
    assert "3 e-mails de la file d’attente seront remis en distribution." in unblock
    assert f"L’état du service passera en «{NBSP}Force{NBSP}»." in unblock
    purge = client.get(PAGE + "purge/confirm/").content.decode()
    assert "3 e-mails de la file d’attente seront effacés définitivement." in purge
    assert f"passera en «{NBSP}Activé{NBSP}»{NBSP}: l’envoi sera débloqué." in purge
    HostingAccount.objects.update(state="spam", review_required=True)
    purge = client.get(PAGE + "purge/confirm/").content.decode()
    assert f"passera en «{NBSP}SPAM{NBSP}»{NBSP}: l’envoi restera arrêté." in purge


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_the_confirm_step_offers_to_go_on_or_back(
    browse: Browse, owner: User, headers: dict[str, str]
) -> None:
    text = browse(owner).get(PAGE + "block/confirm/", headers=headers).content.decode()
    assert f'method="post" action="{PAGE}block/"' in text
    assert "Valider" in text
    assert "Annuler" in text
    assert "csrfmiddlewaretoken" in text
    assert ('<html lang="fr">' in text) == (not headers)


@pytest.mark.parametrize("action", ["purged", "recovered", "nothing", "BLOCK"])
def test_there_are_three_buttons_and_no_more(
    browse: Browse, owner: User, account: HostingAccount, action: str
) -> None:
    assert browse(owner).post(f"{PAGE}{action}/").status_code == 404
    assert browse(owner).get(f"{PAGE}{action}/confirm/").status_code == 404


def test_a_second_click_finds_it_done_and_changes_nothing(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    client = browse(owner)
    client.post(PAGE + "block/")
    since = HostingAccount.objects.get(pk=account.pk).state_changed_at
    assert client.post(PAGE + "block/").status_code == 409
    assert HostingAccount.objects.get(pk=account.pk).state_changed_at == since


def test_a_long_purge_goes_on_by_itself(
    browse: Browse, owner: User, account: HostingAccount, submit: Submit
) -> None:
    now = timezone.now() - timedelta(minutes=5)
    service.block(account.pk, "x", now)
    submit(now, recipients=tuple(f"r{n}@example.org" for n in range(service.SLICE + 100)))
    text = browse(owner).post(PAGE + "purge/", follow=True).content.decode()
    assert "La purge a commencé. Elle se poursuit d’elle-même." in text
    assert "<progress" in text
    assert _state(account) == "purging"
