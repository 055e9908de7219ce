"""A new password by e-mail: for whoever reads the mailbox, and nobody learns who that is."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from mailqueue import queue
from mailqueue.models import Message, Recipient
from panel.models import User
from tests.panel.conftest import PASSWORD, Browse

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "/password/reset/"
SENT = "/password/reset/sent/"
NEW = "another horse, another staple"


@pytest.fixture(autouse=True)
def _real_letters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """pytest-django puts a backend of its own before ours. The wait has a test of its own."""
    monkeypatch.setattr("panel.password_reset.ANSWER_S", 0)
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        yield


def ask(client: Client, address: str, **headers: str) -> int:
    response = client.post(FORM, {"email": address}, headers=headers or None)
    if response.status_code == 302:
        assert response["Location"] == SENT
    return response.status_code


def letter() -> str:
    """The newest letter, its soft line breaks undone."""
    row = Recipient.objects.order_by("-pk")[0]
    content = queue.content_of(row.message_id)
    assert content is not None
    return content.decode().replace("=\r\n", "").replace("=3D", "=")


def link() -> str:
    found = re.search(re.escape(settings.PUBLIC_URL) + r"(/password/reset/\S+)", letter())
    assert found
    return found[1]


def open_link(client: Client, address: str) -> tuple[str, str]:
    """Where a link leads in the end, and what stands there."""
    response = client.get(address, follow=True)
    return (response.redirect_chain[-1][0] if response.redirect_chain else address), (
        response.content.decode()
    )


def test_the_link_of_the_letter_sets_a_new_password(browse: Browse, owner: User) -> None:
    client = browse(None)
    assert 'href="/password/reset/"' in client.get("/login/").content.decode()
    assert ask(client, "claire@boutique.example") == 302
    row = Recipient.objects.get()
    assert (row.address, row.account.is_system) == ("claire@boutique.example", True)
    assert Message.objects.get().subject == "Choisissez un nouveau mot de passe pour Facteur"

    page, text = open_link(client, link())
    # The token is out of the address, and so out of what a browser tells others.
    assert page.endswith("-set-password/")
    assert 'value="claire"' in text
    response = client.post(page, {"password1": NEW, "password2": NEW}, follow=True)
    assert "Le mot de passe a été changé." in response.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    # It takes the password to get in: whoever reads over a shoulder has only seen a link.
    assert client.get("/web/hosting/").status_code == 302
    assert client.post("/login/", {"login": "claire", "password": NEW}).status_code == 302


def test_sessions_that_were_open_are_closed(browse: Browse, owner: User) -> None:
    inside = browse(owner)
    assert inside.get("/web/hosting/").status_code == 200
    client = browse(None)
    ask(client, owner.email)
    page, _ = open_link(client, link())
    client.post(page, {"password1": NEW, "password2": NEW})
    assert inside.get("/web/hosting/").status_code == 302


def test_a_link_works_once_and_for_its_time(browse: Browse, owner: User) -> None:
    ask(browse(None), owner.email)
    address = link()
    first = browse(None)
    page, _ = open_link(first, address)
    first.post(page, {"password1": NEW, "password2": NEW})
    assert "Ce lien n’est plus valable" in open_link(browse(None), address)[1]

    ask(browse(None), owner.email)
    with override_settings(PASSWORD_RESET_TIMEOUT=-1):
        assert "Ce lien n’est plus valable" in open_link(browse(None), link())[1]


def test_a_link_ends_when_its_owner_has_logged_in(browse: Browse, owner: User) -> None:
    ask(browse(None), owner.email)
    User.objects.update(last_login=timezone.now() + timedelta(minutes=1))
    assert "Ce lien n’est plus valable" in open_link(browse(None), link())[1]


@pytest.mark.parametrize(
    "address", ["1-x", "1-set-password", "zzzzzzzzzzzzz-abc-def", "1-" + "a" * 128]
)
def test_a_forged_link_is_refused(browse: Browse, owner: User, address: str) -> None:
    client = browse(None)
    for response in (
        client.get(f"/password/reset/{address}/"),
        client.post(f"/password/reset/{address}/", {"password1": NEW, "password2": NEW}),
    ):
        assert "Ce lien n’est plus valable" in response.content.decode()
        assert 'href="/password/reset/"' in response.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_request_to_a_strange_host_is_refused(browse: Browse, owner: User, host: str) -> None:
    with override_settings(ALLOWED_HOSTS=["panel.example"]):
        assert ask(browse(None), owner.email, Host=host) == 400
    assert not Recipient.objects.exists()


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_the_link_leads_to_our_own_address_whatever_the_host(
    browse: Browse, owner: User, host: str
) -> None:
    # As careless as an operator can be.
    with override_settings(ALLOWED_HOSTS=["*"], PUBLIC_URL="https://panel.example"):
        forwarded = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        assert ask(browse(None), owner.email, Host=host, **forwarded) == 302
        text = letter()
    assert re.findall(r"https?://[^/\s]+", text) == ["https://panel.example"]
    assert host not in text


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "Choose a new password for Facteur", "If it was not you, do nothing"),
        ("fr", "Choisissez un nouveau mot de passe pour Facteur", "reste valable 4 heures"),
        ("", "Choisissez un nouveau mot de passe pour Facteur", "pour le compte claire"),
    ],
)
def test_the_letter_speaks_the_language_of_its_reader(
    browse: Browse, owner: User, language: str, subject: str, words: str
) -> None:
    User.objects.update(language=language)
    ask(browse(None), owner.email)
    assert Message.objects.get().subject == subject
    assert words in letter()


def test_nobody_learns_whether_an_address_is_known(browse: Browse, owner: User) -> None:
    pages = []
    for address in ("claire@boutique.example", "nobody@boutique.example"):
        client = browse(None)
        assert ask(client, address) == 302
        pages.append(client.get(SENT).content.decode())
        assert address not in pages[-1]
    assert re.sub(r'value="\w{64}"', "", pages[0]) == re.sub(r'value="\w{64}"', "", pages[1])
    assert [row.address for row in Recipient.objects.all()] == ["claire@boutique.example"]


def test_the_answer_takes_its_time_for_everybody(
    browse: Browse, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("panel.password_reset.ANSWER_S", 0.3)
    for address in (owner.email, "nobody@boutique.example"):
        began = time.monotonic()
        ask(browse(None), address)
        assert time.monotonic() - began >= 0.3


def test_the_case_of_an_address_is_no_matter(browse: Browse, owner: User) -> None:
    User.objects.update(email="Claire@Boutique.example")
    ask(browse(None), "CLAIRE@boutique.example")
    # To the address as we know it.
    assert Recipient.objects.get().address.lower() == "claire@boutique.example"


def test_a_closed_user_gets_no_letter(browse: Browse, owner: User) -> None:
    User.objects.update(is_active=False)
    assert ask(browse(None), owner.email) == 302
    assert not Recipient.objects.exists()


@pytest.mark.parametrize("address", ["", "claire", "a@b.example\nBcc: c@d.example", "\0@b.example"])
def test_what_is_no_address_is_said(browse: Browse, owner: User, address: str) -> None:
    response = browse(None).post(FORM, {"email": address})
    assert response.status_code == 200
    assert "aria-invalid" in response.content.decode()
    assert not Recipient.objects.exists()


def test_letters_are_throttled_by_address_known_or_not(browse: Browse, owner: User) -> None:
    for address in (owner.email, "nobody@boutique.example"):
        statuses = [ask(browse(None), address) for _ in range(6)]
        assert statuses == [302] * 5 + [429]
    assert Recipient.objects.count() == 5
    response = browse(None).post(FORM, {"email": owner.email})
    assert "Trop d’essais" in response.content.decode()


def test_asking_is_throttled_by_machine(browse: Browse, db: None) -> None:
    statuses = [ask(browse(None), f"a{number}@boutique.example") for number in range(21)]
    assert statuses == [302] * 20 + [429]


@pytest.mark.parametrize(("first", "second"), [("short", "short"), (NEW, NEW + "x")])
def test_a_password_that_will_not_do_changes_nothing(
    browse: Browse, owner: User, first: str, second: str
) -> None:
    client = browse(None)
    ask(client, owner.email)
    page, _ = open_link(client, link())
    response = client.post(page, {"password1": first, "password2": second})
    assert 'class="errors"' in response.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_it_refuses_a_form_without_token(owner: User) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "fr"})
    assert client.post(FORM, {"email": owner.email}).status_code == 403
    assert not Recipient.objects.exists()
