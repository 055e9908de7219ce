"""Keys that sign the mail of domains (DKIM, RFC 6376): made, put to use, retired, found.

A key is made, its record published, then it is activated; that retires the one of the same kind
before it. So keys change without a gap. Private keys are kept sealed, and forgotten once retired.
How a signature is made is for the relay.
"""

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator
from django.db import transaction
from django.utils.translation import gettext as _

from mailqueue import sealing, senders
from mailqueue.domains import ascii_name, belongs, lineage
from mailqueue.models import HostingAccount, SigningKey

PURPOSE = "signing key"
# RFC 8301 §3.2; a longer one does not fit into a TXT record of one packet everywhere.
RSA_BITS = 2048
# Ours: of one domain, retired ones too, and of those that are not retired.
MOST_LISTED = 50
MOST_LIVE = 10
# A character string of a TXT record (RFC 1035 §3.3).
LONGEST_STRING = 255

PrivateKey = rsa.RSAPrivateKey | Ed25519PrivateKey


def make(domain: str, algorithm: SigningKey.Algorithm, actor: str, now: datetime) -> SigningKey:
    """Make a key for a domain. It signs nothing until it is activated.

    Raises ValidationError if that is no domain, or has MOST_LIVE keys.
    """
    name = ascii_name(domain)
    try:
        DomainNameValidator(accept_idna=False)(name)
    except ValidationError:
        raise ValidationError(_("This is no domain name.")) from None
    if SigningKey.objects.filter(domain=name, retired_at=None).count() >= MOST_LIVE:
        raise ValidationError(_("This domain has too many keys. Retire those it does not need."))
    private, public = _pair(algorithm)
    with transaction.atomic():
        return SigningKey.objects.create(
            domain=name,
            selector=_free_selector(name, algorithm, now),
            algorithm=algorithm,
            private_key=sealing.seal(base64.b64encode(private).decode("ascii"), PURPOSE),
            public_key=base64.b64encode(public).decode("ascii"),
            created_at=now,
            created_by=actor[:150],
        )


def activate(key: SigningKey, now: datetime) -> SigningKey | None:
    """Sign with this key from now on, and no more with the one of its kind before it: that one.

    Raises ValidationError if it is active or retired.
    """
    with transaction.atomic():
        # All keys of the domain, in one order: of two clicks at once one waits for the other.
        keys = SigningKey.objects.select_for_update().filter(domain=key.domain).order_by("pk")
        rows = {row.pk: row for row in keys}
        if rows[key.pk].activated_at or rows[key.pk].retired_at:
            raise ValidationError(_("This key has been activated before."))
        before = next(
            (row for row in rows.values() if is_active(row) and row.algorithm == key.algorithm),
            None,
        )
        if before is not None:
            _retire(before, now)
        SigningKey.objects.filter(pk=key.pk).update(activated_at=now)
    return before


def retire(key: SigningKey, now: datetime) -> bool:
    """Sign with this key no more, and forget its private part; False if it was retired before."""
    return _retire(key, now)


def is_active(key: SigningKey) -> bool:
    """Whether it signs."""
    return key.activated_at is not None and key.retired_at is None


def of_domain(domain: str) -> Sequence[SigningKey]:
    """The keys of a domain: those in use and in waiting, then the retired ones; newest first."""
    found = SigningKey.objects.filter(domain=domain).order_by("-pk")[:MOST_LISTED]
    return sorted(found, key=lambda key: key.retired_at is not None)


def of_domains(domains: Iterable[str]) -> dict[str, list[SigningKey]]:
    """The keys of domains that are not retired, in one query."""
    found: dict[str, list[SigningKey]] = {}
    for key in SigningKey.objects.filter(domain__in=set(domains), retired_at=None).order_by("pk"):
        found.setdefault(key.domain, []).append(key)
    return found


def record_name(key: SigningKey) -> str:
    """The name of its record in DNS."""
    return f"{key.selector}._domainkey.{key.domain}"


def record_value(key: SigningKey) -> str:
    """The text of its record (RFC 6376 §3.6.1)."""
    return f"v=DKIM1; k={key.algorithm}; p={key.public_key}"


def strings(value: str) -> list[str]:
    """The text of a TXT record in the parts that DNS takes."""
    return [value[at : at + LONGEST_STRING] for at in range(0, len(value), LONGEST_STRING)]


def signing(account_id: int, author_domain: str) -> list[SigningKey]:
    """The keys that sign an e-mail of an account, whose From is of this domain.

    Those of that domain, or of one that it lies below, if the account may write in its name. Else
    those of the house, if it has any: unaligned, and still a name that answers for the mail.
    """
    accounts = HostingAccount.objects.filter(pk=account_id)
    own = senders.domains_of(accounts).get(account_id, frozenset())
    # What is no domain of the account's ends the walk upwards.
    aligned = [name for name in lineage(author_domain) if belongs(name, own)]
    house = list(lineage(settings.HOSTNAME))
    active = SigningKey.objects.filter(
        domain__in={*aligned, *house}, activated_at__isnull=False, retired_at=None
    )
    keys: dict[str, list[SigningKey]] = {}
    for key in active.order_by("pk"):
        keys.setdefault(key.domain, []).append(key)
    return next((keys[name] for name in (*aligned, *house) if name in keys), [])


def unsealed(key: SigningKey) -> PrivateKey | None:
    """The private key; None if it cannot be read."""
    secret = sealing.opened(key.private_key, PURPOSE)
    if secret is None:
        return None
    try:
        # We made it, and the seal shows that nobody has touched it: the slow check can be left out.
        found = load_der_private_key(
            base64.b64decode(secret), None, unsafe_skip_rsa_key_validation=True
        )
    except ValueError:
        return None
    return found if isinstance(found, rsa.RSAPrivateKey | Ed25519PrivateKey) else None


def _pair(algorithm: SigningKey.Algorithm) -> tuple[bytes, bytes]:
    """A new private key, as PKCS #8, and its public part as the tag `p=` has it."""
    key: PrivateKey
    if algorithm is SigningKey.Algorithm.RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        key = Ed25519PrivateKey.generate()
        # RFC 8463 §4: the key itself, without the wrapping of X.509.
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), public


def _free_selector(domain: str, algorithm: SigningKey.Algorithm, now: datetime) -> str:
    """A name that tells the day, and that no other key of the domain has or had."""
    base = f"fct{now:%Y%m%d}{algorithm[0]}"
    taken = set(
        SigningKey.objects.filter(domain=domain, selector__startswith=base).values_list(
            "selector", flat=True
        )
    )
    if base not in taken:
        return base
    return next(name for n in range(2, len(taken) + 3) if (name := f"{base}{n}") not in taken)


def _retire(key: SigningKey, now: datetime) -> bool:
    rows = SigningKey.objects.filter(pk=key.pk, retired_at=None)
    return bool(rows.update(retired_at=now, private_key="") == 1)
