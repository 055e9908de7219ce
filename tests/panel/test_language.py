"""Choosing the language."""

import pytest

from panel.models import User
from tests.panel.conftest import Browse

pytestmark = pytest.mark.django_db


def test_the_browsers_wish_counts_first(browse: Browse) -> None:
    client = browse(None)
    assert "Se connecter" in client.get("/login/").content.decode()
    english = client.get("/login/", headers={"Accept-Language": "en-GB,en"})
    assert "Sign in" in english.content.decode()
    assert english["Content-Language"] == "en"
    other = client.get("/login/", headers={"Accept-Language": "fi"})
    assert "Se connecter" in other.content.decode()


def test_a_stranger_chooses_for_his_browser(browse: Browse) -> None:
    client = browse(None)
    response = client.post("/language/", {"language": "en"}, headers={"Referer": "/login/"})
    assert response.status_code == 302
    assert "Sign in" in client.get("/login/").content.decode()


def test_a_user_takes_it_along(browse: Browse, owner: User) -> None:
    browse(owner).post("/language/", {"language": "en"})
    elsewhere = browse(owner).get("/web/hosting/")
    assert "Hosting plans" in elsewhere.content.decode()
    assert '<html lang="en">' in elsewhere.content.decode()
    assert elsewhere["Content-Language"] == "en"


def test_it_ignores_a_language_that_there_is_not(browse: Browse, owner: User) -> None:
    browse(owner).post("/language/", {"language": "tlh"})
    owner.refresh_from_db()
    assert owner.language == ""


def test_it_leads_back_to_our_own_pages_only(browse: Browse) -> None:
    response = browse(None).post("/language/", {"language": "en", "next": "https://evil.example/"})
    assert response["Location"] == "/"
