"""Logging in and out."""

import pytest
from django.test import Client

from panel.models import User
from tests.panel.conftest import PASSWORD, Browse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("login", ["claire", "claire@boutique.example", "Claire@Boutique.example"])
def test_it_takes_the_user_name_and_the_address(browse: Browse, owner: User, login: str) -> None:
    client = browse(None)
    response = client.post("/login/", {"login": login, "password": PASSWORD})
    assert response["Location"] == "/web/hosting/"
    assert client.get("/web/hosting/").status_code == 200


def test_it_leads_back_to_the_page_that_was_asked_for(browse: Browse, owner: User) -> None:
    client = browse(None)
    page = "/web/hosting/boutique.example/scripts-emails/"
    text = client.get("/login/", {"next": page}).content.decode()
    assert f'name="next" value="{page}"' in text
    response = client.post("/login/", {"login": "claire", "password": PASSWORD, "next": page})
    assert response["Location"] == page


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example/", "javascript:x"])
def test_it_never_leads_elsewhere(browse: Browse, owner: User, place: str) -> None:
    response = browse(None).post(
        "/login/", {"login": "claire", "password": PASSWORD, "next": place}
    )
    assert response["Location"] == "/web/hosting/"


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("claire", "L’identifiant ou le mot de passe est incorrect."),
        ("nobody", "L’identifiant ou le mot de passe est incorrect."),
        ("nobody@example.org", "L’adresse e-mail ou le mot de passe est incorrect."),
        ("x\0y", ""),
        ("", ""),
    ],
)
def test_it_refuses_what_is_wrong(browse: Browse, owner: User, login: str, words: str) -> None:
    response = browse(None).post("/login/", {"login": login, "password": "wrong"})
    assert response.status_code == 200
    assert words in response.content.decode()
    assert 'autocomplete="current-password"' in response.content.decode()


def test_it_shows_hostile_text_escaped(browse: Browse) -> None:
    text = browse(None).post("/login/", {"login": "<b>x", "password": "y"}).content.decode()
    assert 'value="&lt;b&gt;x"' in text
    assert "<b>x" not in text


def test_it_slows_down_whoever_guesses(browse: Browse, owner: User) -> None:
    client = browse(None)
    for _ in range(5):
        client.post("/login/", {"login": "claire", "password": "wrong"})
    response = client.post("/login/", {"login": "claire", "password": PASSWORD})
    assert response.status_code == 200
    assert "Trop d’essais infructueux" in response.content.decode()


def test_it_answers_429_in_our_words_to_a_flood(browse: Browse) -> None:
    client = browse(None)
    responses = [client.post("/login/", {"login": str(n), "password": "x"}) for n in range(31)]
    assert responses[-1].status_code == 429
    assert "Trop d’essais" in responses[-1].content.decode()


def test_it_refuses_a_form_without_token(owner: User) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "fr"})
    response = client.post("/login/", {"login": "claire", "password": PASSWORD})
    assert response.status_code == 403
    assert "Ce formulaire n’est plus valable" in response.content.decode()


def test_signing_out_takes_a_click(browse: Browse, owner: User) -> None:
    client = browse(owner)
    assert "Voulez-vous vous déconnecter" in client.get("/logout/").content.decode()
    assert client.get("/web/hosting/").status_code == 200
    client.post("/logout/")
    assert client.get("/web/hosting/").status_code == 302


def test_nobody_signs_up(browse: Browse) -> None:
    data = {"username": "eve", "email": "eve@example.org", "password1": PASSWORD}
    for response in (browse(None).get("/signup/"), browse(None).post("/signup/", data)):
        assert "Les inscriptions sont fermées" in response.content.decode()
    assert not User.objects.exists()


def test_the_password_can_be_changed(browse: Browse, owner: User) -> None:
    client = browse(owner)
    new = "another horse, another staple"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    response = client.post("/password/", form, follow=True)
    assert "Le mot de passe a été changé." in response.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_a_wrong_or_short_password_changes_nothing(browse: Browse, owner: User) -> None:
    client = browse(owner)
    for old, new in (("wrong", "another horse, another staple"), (PASSWORD, "short")):
        form = {"oldpassword": old, "password1": new, "password2": new}
        assert 'class="errors"' in client.post("/password/", form).content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
