"""DKIM signatures on bytes (RFC 6376; Ed25519: RFC 8463). Pure.

Relaxed canonicalisation of header and body, the whole body, SHA-256. All is done in steps whose
time follows the length, whatever a stranger wrote. Signatures that a message bears already stay,
below ours. Which key signs is for `signer`.

From and what mail programs show beside it are signed once more than they are there, so that nobody
adds another one on the way (RFC 6376 §8.15).
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mailqueue.addresses import BadAddress, envelope_address, listed

# Signed as often as they are there, and once more.
SEALED = (
    b"from",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
)
# Signed as often as they are there (RFC 6376 §5.4.1, RFC 8058 §4).
SIGNED = (
    *SEALED,
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"content-id",
    b"content-description",
    b"resent-from",
    b"resent-to",
    b"resent-date",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-post",
    b"list-help",
    b"list-owner",
    b"list-subscribe",
    b"list-archive",
)
# Nobody needs more fields of one name; a header of nothing else would make a signature as long.
MOST_OF_ONE = 10
LONGEST_LINE = 76

_BLANKS = re.compile(rb"[ \t]+")
_PASSES = 4


@dataclass(frozen=True, slots=True)
class Signs:
    """What signs: a key in memory, and what a signature says of it."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Fields:
    """The header of a message: names in lower case and lines as they stand, in order; the body."""

    fields: Sequence[tuple[bytes, bytes]]
    body: bytes


def read(content: bytes) -> Fields:
    """A message with CRLF line ends in its parts."""
    head, _, body = content.partition(b"\r\n\r\n")
    if content.startswith(b"\r\n"):
        head, body = b"", content[2:]
    fields: list[list[bytes]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in {b" ", b"\t"} and fields:
            fields[-1].append(line)
        else:
            fields.append([line])
    found = [b"\r\n".join(lines) for lines in fields]
    return Fields([(one.partition(b":")[0].strip().lower(), one) for one in found if one], body)


def author_domain(fields: Fields) -> str:
    """The domain of the first address in From, if it is among the first few; else empty."""
    for name, lines in fields.fields:
        if name == b"from":
            value = lines.partition(b":")[2].replace(b"\r\n", b"")
            for raw in islice(listed(value), MOST_OF_ONE):
                address = envelope_address(raw, "")
                if not isinstance(address, BadAddress):
                    return address.rpartition("@")[2]
            return ""
    return ""


def signatures(fields: Fields, keys: Iterable[Signs], at: datetime) -> bytes:
    """The DKIM-Signature fields of these keys, as they go before the message."""
    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(fields.body)).digest()).decode("ascii")
    names, signed = _signed(fields)
    return b"".join(_signature(key, names, signed, body_hash, at) for key in keys)


def relaxed_body(body: bytes) -> bytes:
    """The body in its relaxed form (RFC 6376 §3.4.4)."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    # Far faster than the expression, which is left for runs that are too long for it.
    for _ in range(_PASSES):
        if b"  " not in body:
            break
        body = body.replace(b"  ", b" ")
    else:
        body = _BLANKS.sub(b" ", body)
    body = body.replace(b" \r\n", b"\r\n")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


def relaxed_field(name: bytes, lines: bytes) -> bytes:
    """A header field in its relaxed form, without a line end (RFC 6376 §3.4.2)."""
    value = lines.partition(b":")[2].replace(b"\r\n", b"")
    return name + b":" + _BLANKS.sub(b" ", value).strip(b" ")


def _signed(fields: Fields) -> tuple[str, bytes]:
    """The tag `h=`, and the fields that it names as they are hashed: of each name the last first.

    A name that finds no field any more stands for none, and keeps it so (RFC 6376 §5.4).
    """
    last_first: dict[bytes, list[bytes]] = {name: [] for name in SIGNED}
    for name, lines in reversed(fields.fields):
        found = last_first.get(name)
        if found is not None and len(found) <= MOST_OF_ONE:
            found.append(lines)
    names, hashed = [], []
    for name, found in last_first.items():
        names += [name] * min(len(found), MOST_OF_ONE)
        # One name more would find a field that is there, where there are too many.
        if name in SEALED and len(found) <= MOST_OF_ONE:
            names.append(name)
        hashed += [relaxed_field(name, lines) + b"\r\n" for lines in found[:MOST_OF_ONE]]
    return b":".join(names).decode("ascii"), b"".join(hashed)


def _signature(key: Signs, names: str, signed: bytes, body_hash: str, at: datetime) -> bytes:
    algorithm = "ed25519" if isinstance(key.key, Ed25519PrivateKey) else "rsa"
    field = (
        f"DKIM-Signature: v=1; a={algorithm}-sha256; c=relaxed/relaxed;"
        f"\r\n\td={key.domain};"
        f"\r\n\ts={key.selector}; t={int(at.timestamp())};"
        f"\r\n\th={_folded(names, ':')};"
        f"\r\n\tbh={body_hash};"
        f"\r\n\tb="
    ).encode("ascii")
    # Our own field is hashed too, with an empty tag `b=` (RFC 6376 §3.7).
    data = signed + relaxed_field(b"dkim-signature", field)
    if isinstance(key.key, Ed25519PrivateKey):
        # RFC 8463 §3: what is signed is the hash.
        made = key.key.sign(hashlib.sha256(data).digest())
    else:
        made = key.key.sign(data, PKCS1v15(), hashes.SHA256())
    text = base64.b64encode(made).decode("ascii")
    lines = [text[at : at + LONGEST_LINE - 4] for at in range(0, len(text), LONGEST_LINE - 4)]
    return field + "\r\n\t ".join(lines).encode("ascii") + b"\r\n"


def _folded(words: str, sign: str) -> str:
    """The words in lines that are not too long; a line ends after a sign."""
    lines = [""]
    for word in words.split(sign):
        if len(lines[-1]) + len(word) > LONGEST_LINE - 8:
            lines.append("")
        lines[-1] += word + sign
    return "\r\n\t ".join(lines).removesuffix(sign)
