"""DANE for SMTP (RFC 7672): which TLSA records can be used, and whether a certificate fits them.

Pure, but for the moment that is handed in. Where the records come from, and that DNSSEC vouches for
them, is for `mx`; the handshake for `tls`.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from relay.routes import Association

ANCHOR, END_ENTITY = 2, 3
_DIGEST_BYTES = {1: 32, 2: 64}
MOST_ASSOCIATIONS = 32
# Certificates of a chain that are looked at.
MOST_CERTIFICATES = 10


def usable(records: Sequence[tuple[int, int, int, bytes]]) -> tuple[Association, ...]:
    """The records that a certificate can be held against, in one order whatever theirs was.

    Usages 0 and 1 are not for SMTP (RFC 7672 §3.1.3). Of two digests of the same thing the stronger
    one alone counts (RFC 7671 §9).
    """
    known = {
        Association(usage, selector, matching, data)
        for usage, selector, matching, data in records
        if usage in {ANCHOR, END_ENTITY}
        and selector in {0, 1}
        and (matching in _DIGEST_BYTES or (matching == 0 and data))
        and len(data) == _DIGEST_BYTES.get(matching, len(data))
    }
    strong = {(one.usage, one.selector) for one in known if one.matching == 2}
    kept = [one for one in known if one.matching != 1 or (one.usage, one.selector) not in strong]
    kept.sort(key=lambda one: (one.usage, one.selector, one.matching, one.data))
    return tuple(kept[:MOST_ASSOCIATIONS])


def vouches(
    associations: Sequence[Association], chain: Sequence[bytes], name: str, now: datetime
) -> bool:
    """Whether one of the records stands for the server that sent this chain, in DER, its own first.

    For usage 3 neither names nor dates count (RFC 7672 §3.1.1). For usage 2 the certificate must be
    for `name`, and lead to the one that the record names.
    """
    if not chain:
        return False
    for one in associations:
        if one.usage == END_ENTITY:
            if _fits(one, chain[0]):
                return True
        elif any(
            _fits(one, anchor) and _leads_to(anchor, chain, name, now)
            for anchor in chain[1:MOST_CERTIFICATES]
        ):
            return True
    return False


def _fits(association: Association, certificate: bytes) -> bool:
    content = certificate
    if association.selector == 1:
        try:
            key = x509.load_der_x509_certificate(certificate).public_key()
            content = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, UnsupportedAlgorithm):
            return False
    if association.matching == 1:
        content = hashlib.sha256(content).digest()
    elif association.matching == 2:
        content = hashlib.sha512(content).digest()
    return content == association.data


def _leads_to(anchor: bytes, chain: Sequence[bytes], name: str, now: datetime) -> bool:
    """Whether the first of the chain is for `name`, valid now, and signed on behalf of `anchor`.

    Note: the names are those of the subjectAltName; a certificate that has its name in the subject
    alone does not fit, though RFC 7672 §3.2.2 would let it.
    """
    try:
        leaf, *others = (x509.load_der_x509_certificate(one) for one in chain[:MOST_CERTIFICATES])
        store = Store([x509.load_der_x509_certificate(anchor)])
        policy = PolicyBuilder().store(store).time(now)
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
    except (ValueError, UnsupportedAlgorithm, VerificationError):
        return False
    return True
