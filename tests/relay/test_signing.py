"""What we sign, another reads as signed; and it takes time that follows the length."""

import base64
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import signing
from relay.signing import Signs
from tests.support.dkim_reader import verified

AT = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)


def _records() -> dict[str, str]:
    spki = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    raw = ED_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "r._domainkey.boutique.example": f"v=DKIM1; k=rsa; p={base64.b64encode(spki).decode()}",
        "e._domainkey.boutique.example": f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}",
    }


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED_KEY = Ed25519PrivateKey.generate()
KEYS = [Signs("boutique.example", "r", RSA_KEY), Signs("boutique.example", "e", ED_KEY)]
RECORDS = _records()
HEAD = (
    b"From: =?utf-8?q?Caf=C3=A9?= <a@boutique.example>\r\nTo: b@example.org,\r\n\tc@example.org\r\n"
    b"SUBJECT:  two   blanks\t\r\nDate: Wed, 11 Mar 2026 10:30:00 +0000\r\nX-Other: x\r\n"
    b"Message-ID: <1@boutique.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
)


def signed(content: bytes) -> bytes:
    return signing.signatures(signing.read(content), KEYS, AT) + content


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n\r\n",
        b"text\r\n",
        b"text\r\n\r\n\r\n",
        b" \t \r\ntext \t \r\n  in \t  runs" + b" " * 500 + b"x\r\n \r\n\t\r\n",
        b"without an end",
        b"blanks at the end  ",
        "été \u2026\r\n".encode() * 3,
        b"\xff\x00\x80\r\n",
    ],
)
def test_another_reader_finds_both_signatures_valid(body: bytes) -> None:
    content = HEAD + b"\r\n" + body
    assert verified(signed(content), RECORDS) == [True, True]


_LINE = st.text(alphabet=" \tab:;,=<>@.é\u2026", max_size=40).map(str.encode)
_BODY = st.lists(_LINE, max_size=12).map(lambda lines: b"\r\n".join(lines) + b"\r\n")
_NAMES = st.sampled_from(
    [b"From", b"To", b"Cc", b"Subject", b"Reply-To", b"List-Id", b"X-Own", b"References", b"SENDER"]
)
_FIELD = st.tuples(
    _NAMES,
    # dkimpy reads no blank before the colon.
    st.sampled_from([b":", b": ", b":\t"]),
    st.lists(_LINE.map(lambda line: b"x" + line.rstrip()), min_size=1, max_size=3),
).map(lambda field: field[0] + field[1] + b"\r\n \t".join(field[2]))


@settings(max_examples=100, deadline=None)
@given(st.lists(_FIELD, max_size=9), _BODY)
def test_whatever_the_shape_it_is_valid_and_seen_when_changed(
    fields: list[bytes], body: bytes
) -> None:
    head = b"\r\n".join([b"From: <a@boutique.example>", *fields])
    content = head + b"\r\n\r\n" + body
    whole = signed(content)
    assert whole.endswith(content)
    assert verified(whole, RECORDS) == [True, True]
    assert verified(whole + b"more\r\n", RECORDS) == [False, False]
    for line in whole[: -len(content)].split(b"\r\n"):
        assert len(line) <= 78


@pytest.mark.parametrize(
    "added",
    [
        b"From: <boss@bank.example>",
        b"Subject: another",
        b"Reply-To: <x@bank.example>",
        b"Cc: <x@y>",
    ],
)
def test_nobody_adds_what_readers_would_see(added: bytes) -> None:
    whole = signed(HEAD + b"\r\ntext\r\n")
    assert verified(added + b"\r\n" + whole, RECORDS) == [False, False]
    begin = whole.index(b"From:")
    inside = whole[:begin] + added + b"\r\n" + whole[begin:]
    assert verified(inside, RECORDS) == [False, False]


def test_signatures_of_others_stay_valid_below_ours() -> None:
    once = signed(HEAD + b"\r\ntext\r\n")
    assert verified(signed(once), RECORDS) == [True] * 4


def test_what_a_signature_says() -> None:
    text = signed(HEAD + b"\r\ntext\r\n").replace(b"\r\n\t ", b"").decode("utf-8")
    assert "v=1; a=rsa-sha256; c=relaxed/relaxed;" in text
    assert "a=ed25519-sha256" in text
    assert f"t={int(AT.timestamp())};" in text
    assert "h=from:from:sender:reply-to:to:to:cc:subject:subject:" in text
    assert " l=" not in text


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        (b"<a@B.example>", "b.example"),
        (b"=?utf-8?q?x=40y.example?= <a@b.example>", "b.example"),
        (b"group: a@b.example, c@d.example;", "b.example"),
        (b"nonsense,\r\n c@d.example", "d.example"),
        (b"", ""),
    ],
)
def test_the_author_is_the_first_address_of_from(value: bytes, domain: str) -> None:
    content = b"Subject: x\r\nFrom: " + value + b"\r\n\r\nx\r\n"
    assert signing.author_domain(signing.read(content)) == domain


@pytest.mark.parametrize(
    "content",
    [
        b"From: a@b.example\r\n" + b"To: x@y\r\n" * 9_000 + b"\r\nx\r\n",
        b"From: a@b.example\r\nSubject: " + b" " * 400_000 + b"\r\n\r\nx\r\n",
        b"From: a@b.example\r\n\r\n" + b" \t" * 4_000_000 + b"\r\n",
        b"From: a@b.example\r\n\r\n" + b"\r\n" * 4_000_000,
        b"From: a@b.example\r\n\r\n" + b"  x" * 2_500_000 + b"\r\n",
    ],
    ids=["fields", "blanks in a field", "blanks", "empty lines", "runs"],
)
def test_hostile_shapes_take_time_by_their_length(content: bytes) -> None:
    began = time.process_time()
    found = signed(content)
    assert time.process_time() - began < 2
    assert len(found) - len(content) < 4096
