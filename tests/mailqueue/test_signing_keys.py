"""Keys of domains: made, put to use one after the other, found for a message."""

from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from mailqueue import accounts, senders, signing_keys
from mailqueue.models import HostingAccount, SigningKey
from mailqueue.models.senders import SigningKey as Row

pytestmark = pytest.mark.django_db(transaction=True)

RSA, ED25519 = SigningKey.Algorithm.RSA, SigningKey.Algorithm.ED25519


def active(domain: str, now: datetime, algorithm: Row.Algorithm = ED25519) -> SigningKey:
    key = signing_keys.make(domain, algorithm, "admin", now)
    signing_keys.activate(key, now)
    return key


def test_keys_have_their_strength_and_names_that_tell_the_day(now: datetime) -> None:
    rsa = signing_keys.make("Boutique.example", RSA, "admin", now)
    edwards = signing_keys.make("boutique.example", ED25519, "admin", now)
    again = signing_keys.make("boutique.example", ED25519, "admin", now)
    assert signing_keys.record_name(rsa) == "fct20260302r._domainkey.boutique.example"
    assert (edwards.selector, again.selector) == ("fct20260302e", "fct20260302e2")
    private = signing_keys.unsealed(rsa)
    assert isinstance(private, RSAPrivateKey)
    assert private.key_size == 2048
    assert signing_keys.record_value(rsa).startswith("v=DKIM1; k=rsa; p=MIIBIjAN")
    parts = signing_keys.strings(signing_keys.record_value(rsa))
    assert [len(part) for part in parts][:1] == [255]
    assert "".join(parts) == signing_keys.record_value(rsa)
    assert isinstance(signing_keys.unsealed(edwards), Ed25519PrivateKey)
    # RFC 8463 §4: 32 bytes, not the wrapped form.
    assert len(edwards.public_key) == 44


def test_a_private_key_cannot_be_read_in_the_database(now: datetime, settings: Any) -> None:
    key = signing_keys.make("boutique.example", ED25519, "admin", now)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "of another house", []
    assert signing_keys.unsealed(key) is None


def test_activating_retires_the_key_of_its_kind_before_it(now: datetime) -> None:
    old, rsa = active("boutique.example", now), active("boutique.example", now, RSA)
    new = signing_keys.make("boutique.example", ED25519, "admin", now)
    assert signing_keys.activate(new, now) == old
    for key in (old, new, rsa):
        key.refresh_from_db()
    assert [signing_keys.is_active(key) for key in (old, new, rsa)] == [False, True, True]
    assert old.private_key == ""
    assert new.private_key
    assert signing_keys.unsealed(old) is None
    for key in (old, new):
        with pytest.raises(ValidationError):
            signing_keys.activate(key, now)
    assert signing_keys.retire(new, now)
    assert not signing_keys.retire(new, now)
    assert [key.pk for key in signing_keys.of_domain("boutique.example")] == [
        rsa.pk,
        new.pk,
        old.pk,
    ]


def test_the_database_allows_one_active_key_of_a_kind(now: datetime) -> None:
    active("boutique.example", now)
    second = signing_keys.make("boutique.example", ED25519, "admin", now)
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.filter(pk=second.pk).update(activated_at=now)


def test_a_domain_has_keys_within_reason(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "MOST_LIVE", 1)
    signing_keys.make("boutique.example", ED25519, "admin", now)
    with pytest.raises(ValidationError):
        signing_keys.make("boutique.example", RSA, "admin", now)
    with pytest.raises(ValidationError):
        signing_keys.make("no domain", RSA, "admin", now)


def test_a_message_is_signed_by_its_authors_domain_if_that_is_the_accounts(
    account: HostingAccount, other: HostingAccount, now: datetime, settings: Any
) -> None:
    settings.HOSTNAME = "mail.hoster.example"
    keys = {
        name: active(name, now)
        for name in ("boutique.example", "b.shop.example", "autre.example", "example.com")
    }

    def signed(domain: str, account_id: int = account.pk) -> list[str]:
        return [key.domain for key in signing_keys.signing(account_id, domain)]

    assert signed("boutique.example") == ["boutique.example"]
    assert signed("News.Boutique.example") == ["boutique.example"]
    # Of another account, of nobody, or not yet the account's own.
    assert signed("autre.example") == signed("shop.example") == signed("") == []
    assert signed("b.shop.example") == []
    senders.add(account, "shop.example", "admin", now)
    assert signed("x.b.shop.example") == ["b.shop.example"]
    assert signed("shop.example") == []
    # The house answers for what has no key of its own.
    house = active("hoster.example", now)
    assert signed("shop.example") == signed("bank.example") == signed("") == ["hoster.example"]
    system = accounts.system(now)
    assert signed("mail.hoster.example", system.pk) == ["hoster.example"]
    assert signed("boutique.example", 987_654_321) == ["hoster.example"]
    signing_keys.retire(house, now)
    both = active("boutique.example", now, RSA)
    assert signing_keys.signing(account.pk, "boutique.example") == [keys["boutique.example"], both]
    signing_keys.retire(keys["boutique.example"], now)
    assert signing_keys.signing(account.pk, "boutique.example") == [both]
