"""TLSA records (RFC 7672): which count, and whether a chain fits; handshakes: test_tls."""

import hashlib
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from relay.dane import MOST_ASSOCIATIONS, usable, vouches
from relay.routes import Association
from tests.support.certificates import authority, issued

SHA256, OTHER256, SHA512 = b"a" * 32, b"b" * 32, b"a" * 64
NOW = datetime.now(UTC)


def test_it_uses_what_smtp_has_a_use_for() -> None:
    records = [(3, 1, 1, SHA256), (2, 0, 2, SHA512), (3, 0, 0, b"certificate")]
    assert set(usable(records)) == {Association(*record) for record in records}


def test_it_passes_over_the_rest() -> None:
    assert not usable(
        [
            (0, 1, 1, SHA256),
            (1, 1, 1, SHA256),
            (4, 1, 1, SHA256),
            (3, 2, 1, SHA256),
            (3, 1, 3, SHA256),
            (3, 1, 1, SHA512),
            (3, 1, 2, SHA256),
            (3, 1, 0, b""),
        ]
    )


def test_of_two_digests_the_stronger_counts() -> None:
    records = [(3, 1, 1, SHA256), (3, 1, 2, SHA512), (2, 1, 1, OTHER256), (3, 1, 0, b"key")]
    assert set(usable(records)) == {Association(*record) for record in records[1:]}


def test_the_order_of_an_answer_makes_no_other_route() -> None:
    records = [(3, 1, 1, SHA256), (3, 1, 1, OTHER256), (2, 0, 1, SHA256)]
    assert usable(records) == usable(records[::-1]) == usable(records * 2)


def test_it_looks_at_so_many_only() -> None:
    records = [(3, 1, 1, bytes([number]) * 32) for number in range(200)]
    assert len(usable(records)) == MOST_ASSOCIATIONS


def test_an_intermediate_authority_can_be_the_anchor() -> None:
    private = authority("Private")
    own = issued("mx.example.org", by=private)
    record = Association(2, 0, 1, hashlib.sha256(private.der).digest())
    assert vouches([record], [own.der, private.der], "mx.example.org", NOW)
    assert not vouches([record], [own.der, private.der], "mx.example.net", NOW)
    assert not vouches([record], [own.der], "mx.example.org", NOW)
    late = NOW + timedelta(days=30)
    assert not vouches([record], [own.der, private.der], "mx.example.org", late)


def test_nobody_vouches_for_nothing() -> None:
    assert not vouches([Association(3, 0, 1, SHA256)], [], "mx.example.org", NOW)
    assert not vouches([], [authority().der], "mx.example.org", NOW)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 4), st.binary(max_size=70))
    ),
    st.lists(st.binary(max_size=50), max_size=3),
    st.text(max_size=20),
)
def test_no_bytes_are_too_strange(
    records: list[tuple[int, int, int, bytes]], chain: list[bytes], name: str
) -> None:
    vouches(usable(records), chain, name, NOW)
    # The anchor is found, and is no certificate.
    found = [Association(2, 0, 0, one) for one in chain]
    assert not vouches(found, chain, name, NOW)
