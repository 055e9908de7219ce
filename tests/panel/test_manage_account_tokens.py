"""Administrators make tokens, see each once, and revoke them."""

import html
import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from mailqueue import tokens
from mailqueue.models import AccountToken, HostingAccount
from panel.models import AuditEntry, User
from tests.panel.conftest import HTMX, Browse

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/tokens/"


@pytest.fixture
def token(account: HostingAccount) -> AccountToken:
    return tokens.make(account.pk, "Blog", "admin", timezone.now(), uid=33)[0]


def revoke(token: AccountToken) -> str:
    return f"{PAGE}{token.pk}/revoke/"


def test_a_token_is_shown_once_with_its_line(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    response = client.post(PAGE, {"name": "Blog", "uid": "100033"})
    text = response.content.decode()
    plain = re.findall(r"<code>(fct_[\w-]{32})</code>", text)[0]
    assert f'sendmail_path = "{settings.SENDMAIL} --token={plain} -t -i"' in text
    assert "utilisateur Unix 100033" in text
    assert "no-store" in response["Cache-Control"]
    row = AccountToken.objects.get()
    assert (row.account, row.uid, row.created_by) == (account, 100033, "admin")
    assert row.digest == tokens.digest(plain.encode())

    for again in (client.get(PAGE), client.get("/web/hosting/boutique.example/")):
        assert plain not in again.content.decode()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.details) == ("make_token", "Blog", {"uid": 100033})
    assert plain not in str(vars(entry))


def test_without_a_user_there_is_no_line_for_sendmail(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    text = browse(administrator).post(PAGE, {"name": "SMTP", "uid": ""}).content.decode()
    assert re.search(r"<code>fct_", text)
    assert "--token=" not in text
    assert "il n’est pas accepté par la commande sendmail" in text


def test_a_token_bound_to_networks_tells_them(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    values = {"name": "SMTP", "networks": "10.0.0.0/8 2001:db8::/48"}
    text = client.post(PAGE, values).content.decode()
    assert (
        "Il n’est accepté que depuis ces réseaux\N{NO-BREAK SPACE}: 10.0.0.0/8, 2001:db8::/48"
        in text
    )
    assert '<td data-label="Réseaux d’origine">10.0.0.0/8 2001:db8::/48</td>' in text
    details = AuditEntry.objects.get().details
    assert details == {"uid": None, "networks": "10.0.0.0/8 2001:db8::/48"}
    text = client.post(PAGE, {"name": "SMTP", "networks": "10.0.0.5/24"}).content.decode()
    assert "Écrivez 10.0.0.0/24" in text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "Blog", "networks": "everywhere"}, "networks"),
        ({"name": "Blog", "networks": "10.0.0.0/8\0"}, "networks"),
        ({"name": "Blog", "uid": "33", "networks": "10.0.0.0/8"}, "networks"),
        ({"name": "", "uid": "33"}, "name"),
        ({"name": "x" * 101, "uid": "33"}, "name"),
        ({"name": "a\nb", "uid": "33"}, "name"),
        ({"name": "a\0b", "uid": "33"}, "name"),
        ({"name": "Blog", "uid": "-1"}, "uid"),
        ({"name": "Blog", "uid": "4294967295"}, "uid"),
        ({"name": "Blog", "uid": "x"}, "uid"),
    ],
)
def test_nonsense_makes_no_token(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    values: dict[str, str],
    field: str,
) -> None:
    response = browse(administrator).post(PAGE, values)
    assert response.status_code == 400
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not AccountToken.objects.exists()
    assert not AuditEntry.objects.exists()


def test_too_many_tokens_are_refused(
    browse: Browse,
    administrator: User,
    token: AccountToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "MOST_LIVE", 1)
    response = browse(administrator).post(PAGE, {"name": "Blog", "uid": "33"})
    assert response.status_code == 400
    assert "trop de jetons" in response.content.decode()
    assert AccountToken.objects.count() == 1


def test_the_list_tells_what_is_known_of_each(
    browse: Browse, administrator: User, token: AccountToken, account: HostingAccount
) -> None:
    old, _ = tokens.make(account.pk, "<b>vieux</b>", "admin", timezone.now())
    tokens.revoke(old, timezone.now())
    text = browse(administrator).get(PAGE).content.decode()
    assert "&lt;b&gt;vieux&lt;/b&gt;" in text
    assert "<b>vieux" not in text
    assert text.index("Blog") < text.index("vieux")
    assert text.count(">Révoquer<") == 1
    assert '<span class="hint">jamais</span>' in text
    AccountToken.objects.update(last_used_at=timezone.now())
    assert ">jamais<" not in browse(administrator).get(PAGE).content.decode()


def test_revoking_is_confirmed_and_noted_once(
    browse: Browse, administrator: User, token: AccountToken
) -> None:
    client = browse(administrator)
    assert "Révoquer le jeton" in client.get(revoke(token)).content.decode()
    token.refresh_from_db()
    assert token.revoked_at is None
    response = client.post(revoke(token), follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert "est révoqué" in response.content.decode()
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert client.get(revoke(token)).status_code == 409
    assert client.post(revoke(token)).status_code == 409
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target) == ("revoke_token", "Blog")


def test_a_token_of_another_account_is_none_here(
    browse: Browse, administrator: User, account: HostingAccount, other: HostingAccount
) -> None:
    foreign, _ = tokens.make(other.pk, "x", "admin", timezone.now())
    assert browse(administrator).post(revoke(foreign)).status_code == 404
    assert browse(administrator).get(f"{PAGE}999999/revoke/").status_code == 404
    assert browse(administrator).get("/web/hosting/nobody.example/tokens/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.revoked_at is None


def test_who_is_no_administrator_makes_and_revokes_none(
    browse: Browse, owner: User, reader: User, outsider: User, token: AccountToken
) -> None:
    for user in (owner, reader, outsider):
        client = browse(user)
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, {"name": "x", "uid": "33"}).status_code == 403
        assert client.post(revoke(token)).status_code == 403
    assert browse(None).post(PAGE, {"name": "x"}).status_code == 302
    assert browse(None).post(revoke(token)).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is None
    assert AccountToken.objects.count() == 1


def test_other_methods_are_refused(
    browse: Browse, administrator: User, token: AccountToken
) -> None:
    for address in (PAGE, revoke(token)):
        assert browse(administrator).delete(address).status_code == 405


def test_htmx_gets_the_same_pages(browse: Browse, administrator: User, token: AccountToken) -> None:
    for address in (PAGE, revoke(token)):
        response = browse(administrator).get(address, headers=HTMX)
        assert response.status_code == 200
        assert "<main" in response.content.decode()


def test_more_tokens_make_no_more_queries(
    browse: Browse,
    administrator: User,
    token: AccountToken,
    account: HostingAccount,
    queries: Callable[[Callable[[], object]], int],
) -> None:
    client = browse(administrator)
    few = queries(lambda: client.get(PAGE))
    for number in range(20):
        tokens.make(account.pk, f"t{number}", "admin", timezone.now())
    assert queries(lambda: client.get(PAGE)) == few


@pytest.mark.parametrize(
    ("listeners", "certificate", "host", "secure", "port"),
    [
        ([("0.0.0.0", 587, False), ("0.0.0.0", 465, True)], "c", "web3.example", "ssl", 465),
        ([("::", 1587, False)], "c", "web3.example", "tls", 1587),
        ([("192.168.1.2", 587, False)], "c", "web3.example", "tls", 587),
        ([("172.18.0.1", 587, False)], "", "172.18.0.1", "", 587),
        ([("127.0.0.1", 587, False)], "c", "127.0.0.1", "tls", 587),
        ([("smtp.example", 465, True)], "c", "smtp.example", "ssl", 465),
    ],
)
def test_a_token_for_smtp_is_shown_with_the_settings_of_a_script(
    browse: Browse,
    administrator: User,
    account: HostingAccount,
    settings: Settings,
    listeners: list[tuple[str, int, bool]],
    certificate: str,
    host: str,
    secure: str,
    port: int,
) -> None:
    settings.SUBMISSION_LISTEN = listeners
    settings.SUBMISSION_CERTIFICATE = certificate
    settings.HOSTNAME = "web3.example"
    client = browse(administrator)
    page = html.unescape(client.post(PAGE, {"name": "SMTP", "uid": ""}).content.decode())
    plain = re.findall(r"<code>(fct_[\w-]{32})</code>", page)[0]
    assert (
        f"""$mail->Host = "{host}";
$mail->SMTPAuth = true;
$mail->SMTPSecure = "{secure}";
$mail->Port = {port};
$mail->Username = "boutique.example";
$mail->Password = "{plain}";</code>"""
        in page
    )
    assert plain not in client.get(PAGE).content.decode()
    assert "$mail" not in client.post(PAGE, {"name": "Blog", "uid": "33"}).content.decode()


def test_it_says_that_smtp_is_off(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    assert "l’envoi par SMTP n’est pas activé ici" in client.get(PAGE).content.decode()
    text = client.post(PAGE, {"name": "SMTP", "uid": ""}).content.decode()
    assert "$mail" not in text
    assert "ce jeton n’est accepté nulle part" in text
