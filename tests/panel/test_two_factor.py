"""Two-factor sign-in: set up, asked for, throttled, and nothing leads around it."""

import re
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.test.utils import override_settings

from mailqueue.models import Recipient
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, PASSWORD, Browse
from tests.panel.test_password_reset import link, open_link

pytestmark = pytest.mark.django_db(transaction=True)

HOME = "/web/hosting/"
NEW = "another horse, another staple"


def code(secret: str, step: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step)))


def text(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def set_up(client: Client) -> str:
    """Switch the second factor on as a person does; the secret of it."""
    page = text(client.get("/2fa/on/", follow=True))
    if 'name="password"' in page:
        form = {"password": PASSWORD, "next": "/2fa/on/"}
        page = text(client.post("/reauthenticate/", form, follow=True))
    secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page)[0]
    page = text(client.post("/2fa/on/", {"code": code(secret, -1)}, follow=True))
    assert "La double authentification est activée." in page
    return str(secret)


def sign_in(client: Client, login: str = "claire") -> str:
    response = client.post("/login/", {"login": login, "password": PASSWORD})
    assert response.status_code == 302
    return str(response["Location"])


Start = Callable[[], tuple[Client, str, list[str]]]


@pytest.fixture
def protected(browse: Browse, owner: User) -> Start:
    """The owner's second factor is on: a stranger's browser, the secret, the recovery codes."""

    def start() -> tuple[Client, str, list[str]]:
        client = browse(owner)
        secret = set_up(client)
        codes = re.findall(r"<li><code>([0-9]{8})</code>", text(client.get("/2fa/recovery/")))
        assert len(codes) == 10
        return browse(None), secret, codes

    return start


def test_the_page_to_set_it_up_shows_a_picture_that_our_policy_allows(
    browse: Browse, owner: User
) -> None:
    client = browse(owner)
    response = client.get("/2fa/on/", follow=True)
    assert "saisissez à nouveau votre mot de passe" in text(response)
    page = text(
        client.post("/reauthenticate/", {"password": PASSWORD, "next": "/2fa/on/"}, follow=True)
    )
    assert 'src="data:image/svg+xml;base64,' in page
    assert "style=" not in page
    assert "Code incorrect" not in page
    wrong = client.post("/2fa/on/", {"code": "000000"})
    assert "Le code est incorrect" in text(wrong)
    assert not Authenticator.objects.exists()


def test_signing_in_asks_for_the_code(protected: Start) -> None:
    client, secret, _ = protected()
    assert sign_in(client) == "/2fa/code/"
    assert client.get(HOME).status_code == 302, "the password alone opens nothing"
    assert "Le code est incorrect" in text(client.post("/2fa/code/", {"code": "000000"}))
    assert client.get(HOME).status_code == 302
    assert client.post("/2fa/code/", {"code": code(secret)})["Location"] == HOME
    assert client.get(HOME).status_code == 200


def test_a_code_counts_once(protected: Start, browse: Browse) -> None:
    client, secret, _ = protected()
    used = code(secret)
    sign_in(client)
    assert client.post("/2fa/code/", {"code": used}).status_code == 302
    other = browse(None)
    sign_in(other)
    # allauth's own memory of it ends after 30 seconds, the code's life after 90.
    cache.delete(f"allauth.mfa.totp.used?user={User.objects.get().pk}&code={used}")
    assert "a déjà servi" in text(other.post("/2fa/code/", {"code": used}))
    assert other.get(HOME).status_code == 302


def test_a_recovery_code_lets_in_once(protected: Start, browse: Browse) -> None:
    client, _, codes = protected()
    sign_in(client)
    assert client.post("/2fa/code/", {"code": codes[0]})["Location"] == HOME
    other = browse(None)
    sign_in(other)
    assert "Le code est incorrect" in text(other.post("/2fa/code/", {"code": codes[0]}))


def test_new_recovery_codes_replace_the_old_ones(browse: Browse, owner: User) -> None:
    client = browse(owner)
    set_up(client)
    old = re.findall(r"<li><code>([0-9]{8})</code>", text(client.get("/2fa/recovery/")))
    page = text(client.post("/2fa/recovery/new/", follow=True))
    new = re.findall(r"<li><code>([0-9]{8})</code>", page)
    assert len(new) == 10
    assert not set(old) & set(new)
    download = client.get("/2fa/recovery/download/")
    assert download["Content-Disposition"].startswith("attachment")
    assert download.content.decode().split() == new


def test_codes_are_not_guessed(protected: Start, browse: Browse) -> None:
    client, secret, _ = protected()
    sign_in(client)
    for number in range(5):
        client.post("/2fa/code/", {"code": f"00000{number}"})
    # The right one too, and from another browser: it is the user who is throttled.
    assert "Trop d’essais" in text(client.post("/2fa/code/", {"code": code(secret)}))
    other = browse(None)
    sign_in(other)
    assert "Trop d’essais" in text(other.post("/2fa/code/", {"code": code(secret)}))
    assert other.get(HOME).status_code == 302


def test_the_password_is_not_guessed_by_whoever_found_an_open_session(
    browse: Browse, owner: User
) -> None:
    client = browse(owner)
    form = {"password": "wrong", "next": "/2fa/on/"}
    statuses = [client.post("/reauthenticate/", form).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


def test_a_new_password_does_not_lead_around_it(protected: Start, browse: Browse) -> None:
    client, _, _ = protected()
    with override_settings(EMAIL_BACKEND="panel.mail.QueueBackend"):
        client.post("/password/reset/", {"email": "claire@boutique.example"})
    assert Recipient.objects.count() == 1
    page, _ = open_link(client, link())
    client.post(page, {"password1": NEW, "password2": NEW})
    assert client.get(HOME).status_code == 302
    response = client.post("/login/", {"login": "claire", "password": NEW})
    assert response["Location"] == "/2fa/code/"
    assert client.get(HOME).status_code == 302


def test_switching_it_off_takes_the_person(protected: Start, browse: Browse, owner: User) -> None:
    protected()
    client = browse(owner)
    response = client.post("/2fa/off/")
    assert response["Location"].startswith("/reauthenticate/")
    assert Authenticator.objects.count() == 2
    # What was asked for is done once the password is right.
    form = {"password": PASSWORD, "next": "/2fa/off/"}
    page = text(client.post("/reauthenticate/", form, follow=True))
    assert "La double authentification est désactivée." in page
    assert not Authenticator.objects.exists()


def test_it_all_stands_in_the_journal(protected: Start) -> None:
    client, secret, _ = protected()
    sign_in(client)
    client.post("/2fa/code/", {"code": "000000"})
    client.post("/2fa/code/", {"code": code(secret)})
    call_command("disabletwofactor", "claire", stdout=StringIO())
    found = AuditEntry.objects.order_by("pk").values_list("actor", "action", "target")
    assert list(found) == [
        ("claire", "add_second_factor", ""),
        ("", "login_failed", "claire"),
        ("claire", "login", ""),
        ("manage.py", "remove_second_factor", "claire"),
    ]


def test_who_lost_the_device_gets_in_by_the_command(protected: Start) -> None:
    client, _, _ = protected()
    call_command("disabletwofactor", "claire", stdout=StringIO())
    assert sign_in(client) == HOME
    with pytest.raises(CommandError, match="no second factor"):
        call_command("disabletwofactor", "claire")
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("disabletwofactor", "nobody")


def test_secrets_are_unreadable_in_the_database(protected: Start) -> None:
    client, secret, codes = protected()
    kept = str(list(Authenticator.objects.values()))
    assert secret not in kept
    assert codes[0] not in kept
    sign_in(client)
    fallbacks = [settings.SECRET_KEY]
    # After a change of the secret key, old ones still open them; without, no code is right.
    with override_settings(SECRET_KEY="y" * 50):
        assert "Le code est incorrect" in text(_late(client, secret))
    with override_settings(SECRET_KEY="y" * 50, SECRET_KEY_FALLBACKS=fallbacks):
        assert _late(client, secret).status_code == 302


def _late(client: Client, secret: str) -> Any:
    """Sign in anew: sessions end with the secret key that signed them."""
    sign_in(client)
    return client.post("/2fa/code/", {"code": code(secret)})


@pytest.mark.parametrize(
    ("who", "asked"), [("none", set()), ("administrators", {"admin"}), ("all", {"admin", "claire"})]
)
def test_it_can_be_required(
    browse: Browse, owner: User, administrator: User, who: str, asked: set[str]
) -> None:
    with override_settings(REQUIRE_2FA=who):
        for user in (owner, administrator):
            client = browse(user)
            response = client.get(HOME)
            if user.username not in asked:
                assert response.status_code == 200
                continue
            assert response["Location"] == "/2fa/on/"
            assert client.get(HOME, headers=HTMX)["HX-Redirect"] == "/2fa/on/"
            block = client.post("/web/hosting/boutique.example/scripts-emails/block/")
            assert block["Location"] == "/2fa/on/"
            assert client.get("/2fa/")["Location"] == "/2fa/on/"
            assert client.get("/logout/").status_code == 200
            set_up(client)
            assert client.get(HOME).status_code == 200
    assert not AuditEntry.objects.filter(action="block").exists()


def test_it_is_led_to_from_every_page(browse: Browse, owner: User) -> None:
    page = text(browse(owner).get(HOME))
    assert '<a href="/2fa/">Double authentification</a>' in page
    assert "est désactivée" in text(browse(owner).get("/2fa/"))
