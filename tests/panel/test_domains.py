"""« Domaines et signatures »: members look at domains, rule and records; administrators change."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from mailqueue import accounts, senders, signing_keys
from mailqueue.models import AccountDomain, HostingAccount, SigningKey
from mailqueue.senders import Seen
from panel.models import AuditEntry, User
from panel.views import signing
from tests.panel.conftest import Browse
from tests.support.nameserver import Nameserver, nameserver

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/web/hosting/boutique.example/domains/"
DOMAIN = PAGE + "boutique.example/"
SCRIPTS_EMAILS = "/web/hosting/boutique.example/scripts-emails/"
RSA, ED25519 = SigningKey.Algorithm.RSA, SigningKey.Algorithm.ED25519


@pytest.fixture
def server(settings: Any) -> Iterator[Nameserver]:
    with nameserver() as new:
        settings.RESOLVERS = [new.address]
        yield new


@pytest.fixture
def key(account: HostingAccount) -> SigningKey:
    return signing_keys.make("boutique.example", ED25519, "admin", timezone.now())


def publish(server: Nameserver, key: SigningKey) -> None:
    server.records[(signing_keys.record_name(key), "TXT")] = [signing_keys.record_value(key)]


def noted() -> list[tuple[str, str, dict[str, Any]]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "target", "details"))


def test_an_administrator_adds_a_domain_and_takes_it_away(
    browse: Browse, administrator: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    response = client.post(PAGE + "add/", {"domain": "Été.example"}, follow=True)
    assert "Le domaine xn--t-9fab.example est ajouté." in response.content.decode()
    assert AccountDomain.objects.get().added_by == "admin"
    away = PAGE + "xn--t-9fab.example/remove/"
    assert "Supprimer le domaine" in client.get(away).content.decode()
    assert "est supprimé" in client.post(away, follow=True).content.decode()
    assert not AccountDomain.objects.exists()
    assert client.post(away).status_code == 404
    assert noted() == [
        ("add_domain", "xn--t-9fab.example", {}),
        ("remove_domain", "xn--t-9fab.example", {}),
    ]


@pytest.mark.parametrize("name", ["", "x", "a b.example", "boutique.example", "\0", "x" * 300])
def test_no_nonsense_is_added(
    browse: Browse, administrator: User, account: HostingAccount, name: str
) -> None:
    response = browse(administrator).post(PAGE + "add/", {"domain": name})
    assert response.status_code == 400
    assert 'id="id_domain_error"' in response.content.decode()
    assert not AccountDomain.objects.exists()
    assert noted() == []


def test_the_rule_is_chosen_and_told(
    browse: Browse, administrator: User, owner: User, account: HostingAccount
) -> None:
    client = browse(administrator)
    for policy in ("refuse", "refuse", ""):
        assert client.post(PAGE + "senders/", {"policy": policy}).status_code == 302
    assert client.post(PAGE + "senders/", {"policy": "burn"}).status_code == 400
    assert noted() == [
        ("change_senders", "boutique.example", {"before": "house", "after": "refuse"}),
        ("change_senders", "boutique.example", {"before": "refuse", "after": "house"}),
    ]
    journal = client.get("/web/hosting/boutique.example/journal/").content.decode()
    assert "la règle par défaut du serveur" in journal
    senders.set_policy(account.pk, "refuse")
    text = browse(owner).get(PAGE).content.decode()
    assert "<strong>Refuser l’e-mail</strong>" in text
    assert "<form" not in text.partition("<main")[2].partition("</main>")[0]


def test_an_account_that_is_warned_sees_it_on_its_page(
    browse: Browse, owner: User, account: HostingAccount
) -> None:
    now = timezone.now()
    senders.note_foreign({account.pk: Seen(3, "<b>@bank.example", "contact.php")}, now)
    assert "bank.example" not in browse(owner).get(SCRIPTS_EMAILS).content.decode()
    for policy, words in (
        ("warn", "3 e-mails avaient un expéditeur"),
        ("rewrite", "a été remplacé"),
    ):
        senders.set_policy(account.pk, policy)
        for address in (PAGE, SCRIPTS_EMAILS):
            text = browse(owner).get(address).content.decode()
            assert "&lt;b&gt;@bank.example" in text
            assert "contact.php" in text
            assert address == PAGE or words in text
    senders.set_policy(account.pk, "allow")
    assert "bank.example" not in browse(owner).get(SCRIPTS_EMAILS).content.decode()


def test_keys_are_made_published_checked_and_activated(
    browse: Browse, administrator: User, account: HostingAccount, server: Nameserver
) -> None:
    client = browse(administrator)
    response = client.post(DOMAIN + "keys/", {"algorithm": "both"}, follow=True)
    text = response.content.decode()
    keys = list(SigningKey.objects.order_by("pk"))
    assert [key.algorithm for key in keys] == ["rsa", "ed25519"]
    for key in keys:
        assert signing_keys.record_name(key) in text
        assert signing_keys.record_value(key) in text
        assert key.private_key not in text
    assert "Trouvé" not in text
    assert server.asked == []

    text = client.get(DOMAIN, {"check": "1"}).content.decode()
    assert text.count(">Absent<") == 4
    publish(server, keys[0])
    text = client.get(DOMAIN, {"check": "1"}).content.decode()
    assert (text.count(">Trouvé<"), text.count(">Absent<")) == (1, 3)

    step = f"{DOMAIN}keys/{keys[0].pk}/activate/"
    assert "anyway" not in client.get(step).content.decode()
    assert client.post(step)["Location"] == DOMAIN
    keys[0].refresh_from_db()
    assert signing_keys.is_active(keys[0])
    assert "déjà active" in client.get(step).content.decode()
    assert client.post(step).status_code == 409
    actions = [(action, details) for action, _, details in noted()]
    assert actions == [
        ("make_key", {"algorithm": "rsa"}),
        ("make_key", {"algorithm": "ed25519"}),
        ("activate_key", {"algorithm": "rsa"}),
    ]


def test_a_key_without_its_record_is_activated_by_who_insists_alone(
    browse: Browse, administrator: User, key: SigningKey, server: Nameserver
) -> None:
    client = browse(administrator)
    step = f"{DOMAIN}keys/{key.pk}/activate/"
    assert 'name="anyway"' in client.get(step).content.decode()
    response = client.post(step)
    assert response.status_code == 409
    assert "Rien n’a été changé" in response.content.decode()
    key.refresh_from_db()
    assert not signing_keys.is_active(key)
    assert client.post(step, {"anyway": "on"}).status_code == 302
    key.refresh_from_db()
    assert signing_keys.is_active(key)
    assert noted()[-1][2] == {"algorithm": "ed25519", "unchecked": True}


def test_a_new_key_takes_the_old_ones_place(
    browse: Browse, administrator: User, key: SigningKey, server: Nameserver
) -> None:
    signing_keys.activate(key, timezone.now())
    new = signing_keys.make("boutique.example", ED25519, "admin", timezone.now())
    publish(server, new)
    client = browse(administrator)
    response = client.post(f"{DOMAIN}keys/{new.pk}/activate/", follow=True)
    text = response.content.decode()
    assert text.count(">Active<") == text.count(">Retirée<") == 1
    assert noted()[-1][2] == {"algorithm": "ed25519", "retired": key.selector}
    # What is retired needs no record to be published.
    assert signing_keys.record_name(key) not in text
    step = f"{DOMAIN}keys/{new.pk}/retire/"
    assert "une semaine de plus" in client.get(step).content.decode()
    assert client.post(step).status_code == 302
    assert client.post(step).status_code == 409
    new.refresh_from_db()
    assert new.private_key == ""
    assert noted()[-1][0] == "retire_key"


def test_nonsense_makes_no_key(
    browse: Browse,
    administrator: User,
    key: SigningKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = browse(administrator)
    assert client.post(DOMAIN + "keys/", {"algorithm": "dsa"}).status_code == 400
    monkeypatch.setattr(signing_keys, "MOST_LIVE", 2)
    response = client.post(DOMAIN + "keys/", {"algorithm": "both"})
    assert response.status_code == 400
    assert "trop de clés" in response.content.decode()
    assert SigningKey.objects.count() == 1
    assert noted() == []


def test_a_key_is_found_on_its_own_domains_page_alone(
    browse: Browse, administrator: User, key: SigningKey, now: datetime
) -> None:
    accounts.create("shop.example", now)
    address = f"/web/hosting/shop.example/domains/shop.example/keys/{key.pk}/retire/"
    assert browse(administrator).get(address).status_code == 404
    foreign = f"/web/hosting/shop.example/domains/boutique.example/keys/{key.pk}/retire/"
    assert browse(administrator).post(foreign).status_code == 404
    key.refresh_from_db()
    assert key.retired_at is None


def test_an_owner_sees_what_to_publish_and_whether_it_is_there(
    browse: Browse, owner: User, key: SigningKey, server: Nameserver
) -> None:
    publish(server, key)
    text = browse(owner).get(DOMAIN, {"check": "1"}).content.decode()
    assert signing_keys.record_value(key) in text
    assert ">Trouvé<" in text
    assert "/activate/" not in text
    assert "Créer une clé" not in text
    assert re.search(r"IN TXT \( &quot;v=DKIM1", text)


def test_checks_have_an_end(
    browse: Browse,
    owner: User,
    account: HostingAccount,
    server: Nameserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing, "MOST_CHECKS", 1)
    client = browse(owner)
    client.get(DOMAIN, {"check": "1"})
    asked = len(server.asked)
    assert asked
    text = client.get(DOMAIN, {"check": "1"}).content.decode()
    assert "Trop de vérifications" in text
    assert len(server.asked) == asked


def test_what_dns_says_is_shown_as_text(
    browse: Browse, owner: User, account: HostingAccount, server: Nameserver
) -> None:
    server.records[("boutique.example", "TXT")] = ["v=spf1 <script>alert(1)</script> -all"]
    text = browse(owner).get(DOMAIN, {"check": "1"}).content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_the_house_has_its_own(
    browse: Browse, administrator: User, server: Nameserver, settings: Any
) -> None:
    settings.HOSTNAME, settings.BOUNCE_DOMAIN = "mail.hoster.example", "bounce.hoster.example"
    settings.DEFAULT_FROM_EMAIL = "Facteur <facteur@hoster.example>"
    server.records[("bounce.hoster.example", "MX")] = ["10 mail.hoster.example."]
    client = browse(administrator)
    text = client.get("/domains/", {"check": "1"}).content.decode()
    assert "10 mail.hoster.example" in text
    assert (text.count(">Trouvé<"), text.count(">Absent<")) == (1, 1)
    assert "/domains/hoster.example/" in text
    page = "/domains/mail.hoster.example/"
    assert client.post(page + "keys/", {"algorithm": "rsa"})["Location"] == page
    key = SigningKey.objects.get()
    publish(server, key)
    step = f"{page}keys/{key.pk}/activate/"
    assert client.get(step).status_code == 200
    assert client.post(step)["Location"] == page
    assert "Signé" in client.get("/domains/").content.decode()
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.account) == ("activate_key", None)
    assert client.get("/domains/else.example/").status_code == 404


def test_a_host_that_is_no_domain_gets_no_key(
    browse: Browse, administrator: User, settings: Any
) -> None:
    settings.HOSTNAME = "localhost"
    response = browse(administrator).post("/domains/localhost/keys/", {"algorithm": "rsa"})
    assert response.status_code == 400
    assert "n’est pas un nom de domaine" in response.content.decode()


def test_the_command_makes_keys_and_prints_what_to_publish(
    capsys: pytest.CaptureFixture[str], account: HostingAccount
) -> None:
    call_command("createkey", "boutique.example")
    lines = capsys.readouterr().out.splitlines()
    keys = list(SigningKey.objects.order_by("pk"))
    assert [signing_keys.is_active(key) for key in keys] == [False, False]
    for key, line in zip(keys, lines, strict=False):
        assert line.startswith(f"{signing_keys.record_name(key)}. IN TXT (")
    assert any(line.startswith("_dmarc.boutique.example. IN TXT") for line in lines)
    call_command("createkey", "boutique.example", "--algorithm", "rsa", "--activate")
    assert SigningKey.objects.filter(activated_at__isnull=False).count() == 1
    assert [action for action, _, _ in noted()] == ["make_key"] * 3 + ["activate_key"]
    with pytest.raises(CommandError):
        call_command("createkey", "no domain")
    assert SigningKey.objects.count() == 3


def test_the_page_tells_how_long_a_key_has_signed(
    browse: Browse, owner: User, key: SigningKey
) -> None:
    signing_keys.activate(key, timezone.now() - timedelta(days=1))
    text = browse(owner).get(PAGE).content.decode()
    assert "Signé" in text
    assert "Ed25519" in text
