"""Reviews of a stop on the page: who states, who answers, who lifts."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from mailqueue import service
from mailqueue.models import Alert, HostingAccount, Recipient, Review, StateChange
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse, Submit

PAGE = "/web/hosting/boutique.example/scripts-emails/"
REVIEW = PAGE + "review/"


@pytest.fixture
def _stopped(account: HostingAccount) -> None:
    service.block(account.pk, "admin", timezone.now(), by_administrator=True)


def _read(account: HostingAccount) -> tuple[str, bool]:
    row = HostingAccount.objects.get(pk=account.pk)
    return row.state, row.review_required


@pytest.mark.usefixtures("_stopped")
def test_an_owner_cannot_unblock_and_is_told_what_to_do(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    client = browse(owner)
    text = client.get(PAGE).content.decode()
    assert "Un administrateur doit d’abord examiner la situation" in text
    assert f'href="{REVIEW}"' in text
    assert "Lever le blocage" not in text
    response = client.post(PAGE + "unblock/")
    assert response.status_code == 409
    assert "Un administrateur doit d’abord examiner la situation" in response.content.decode()
    assert _read(account) == ("ko", True)


@pytest.mark.usefixtures("_stopped")
def test_an_owner_states_what_was_done_and_an_administrator_lifts(
    browse: Browse,
    owner: User,
    administrator: User,
    account: HostingAccount,
    submit: Submit,
) -> None:
    submit(timezone.now())
    said = "<b>Captcha</b> ajouté"
    response = browse(owner).post(REVIEW, {"statement": said}, follow=True)
    text = response.content.decode()
    assert "Votre déclaration est envoyée." in text
    assert "&lt;b&gt;Captcha&lt;/b&gt; ajouté" in text
    assert "Un administrateur n’a pas encore répondu." in text
    assert AuditEntry.objects.get(action="state_review").actor == "claire"
    assert Alert.objects.get().kind == "stated"

    seen = browse(administrator).get(PAGE).content.decode()
    assert "Lever le blocage" in seen
    assert "&lt;b&gt;Captcha&lt;/b&gt; ajouté" in browse(administrator).get(REVIEW).content.decode()
    browse(administrator).post(PAGE + "lift/", {"word": "Merci."})
    assert _read(account) == ("ok", False)
    assert Recipient.objects.get().status == "waiting"
    review = Review.objects.get()
    assert (review.is_lifted, review.answered_by, review.answer) == (True, "admin", "Merci.")
    change = StateChange.objects.order_by("-pk").first()
    assert change
    assert (change.event, change.actor, change.reason) == ("lift", "admin", "Merci.")


@pytest.mark.usefixtures("_stopped")
def test_a_refusal_is_shown_to_the_owner(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    browse(owner).post(REVIEW, {"statement": "Fait."})
    browse(administrator).post(REVIEW + "refuse/", {"word": "Le formulaire est encore ouvert."})
    text = browse(owner).get(PAGE).content.decode()
    assert "Le formulaire est encore ouvert." in text
    assert _read(account) == ("ko", True)
    assert AuditEntry.objects.filter(action="refuse_review").count() == 1


@pytest.mark.usefixtures("_stopped")
def test_a_refusal_says_why_or_changes_nothing(
    browse: Browse, owner: User, administrator: User
) -> None:
    browse(owner).post(REVIEW, {"statement": "Fait."})
    response = browse(administrator).post(REVIEW + "refuse/", {"word": " "}, follow=True)
    assert "Rien n’a été changé" in response.content.decode()
    assert Review.objects.get().answered_at is None


@pytest.mark.usefixtures("_stopped")
def test_an_empty_statement_is_none(browse: Browse, owner: User) -> None:
    response = browse(owner).post(REVIEW, {"statement": "  "})
    assert response.status_code == 200
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Review.objects.exists()


def test_where_no_review_is_required_none_is_taken(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    response = browse(owner).post(REVIEW, {"statement": "Fait."})
    assert response.status_code == 409
    assert not Review.objects.exists()
    response = browse(administrator).post(REVIEW + "refuse/", {"word": "x"}, follow=True)
    assert "Rien n’a été changé" in response.content.decode()


@pytest.mark.usefixtures("_stopped")
def test_an_administrator_who_unblocks_has_looked(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    browse(administrator).post(PAGE + "unblock/", headers=HTMX)
    assert _read(account) == ("ok", False)


@pytest.mark.usefixtures("_stopped")
def test_readers_see_it_and_change_nothing(browse: Browse, reader: User) -> None:
    assert browse(reader).get(PAGE).status_code == 200
    assert browse(reader).post(REVIEW, {"statement": "x"}).status_code == 403
    assert browse(reader).post(PAGE + "lift/").status_code == 403


def test_the_block_of_an_owner_asks_for_no_review(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    browse(owner).post(PAGE + "block/")
    assert _read(account) == ("ko", False)


@pytest.mark.usefixtures("_stopped")
def test_each_reads_what_is_theirs_to_do(browse: Browse, owner: User, administrator: User) -> None:
    ask = "Dites ce que vous avez fait"
    seen = browse(administrator).get(PAGE).content.decode()
    assert "Le propriétaire n’a pas encore dit ce qu’il a fait" in seen
    assert ask not in seen
    assert ask in browse(owner).get(PAGE).content.decode()

    browse(owner).post(REVIEW, {"statement": "Fait."})
    seen = browse(owner).get(PAGE).content.decode()
    assert "Un administrateur examine ce que vous avez fait" in seen
    assert ask not in seen
    seen = browse(administrator).get(PAGE).content.decode()
    assert "Lisez ce que le propriétaire a fait" in seen

    browse(administrator).post(REVIEW + "refuse/", {"word": "Encore ouvert."})
    assert ask in browse(owner).get(PAGE).content.decode()


@pytest.mark.usefixtures("_stopped")
def test_a_statement_is_dated_in_the_time_of_the_account(
    browse: Browse, owner: User, administrator: User, account: HostingAccount
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(time_zone="Asia/Tokyo")
    browse(owner).post(REVIEW, {"statement": "Fait."})
    Review.objects.update(stated_at=datetime(2026, 2, 3, 20, 30, tzinfo=UTC))
    seen = browse(administrator).get(REVIEW).content.decode()
    assert "4 février 2026 05:30" in seen
    assert '<h2 id="review-title">Examen</h2>' in seen
