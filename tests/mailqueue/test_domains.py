"""Names of domains compare as DNS compares them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue.domains import ascii_name, belongs, lineage


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Boutique.Example.", "boutique.example"),
        ("café.example", "xn--caf-dma.example"),
        (" x.example ", "x.example"),
        # No label may be empty or too long: it stays, and is nobody's.
        ("é..example", "é..example"),
        ("", ""),
    ],
)
def test_a_name_has_one_form(name: str, expected: str) -> None:
    assert ascii_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("boutique.example", True),
        ("WWW.boutique.example", True),
        ("a.b.boutique.example.", True),
        ("boutique.example.org", False),
        ("xboutique.example", False),
        ("example", False),
        ("", False),
        ("xn--caf-dma.example", True),
        ("café.example", True),
    ],
)
def test_what_lies_below_a_domain_belongs_to_it(name: str, expected: bool) -> None:
    assert belongs(name, {"boutique.example", "xn--caf-dma.example"}) is expected


@given(st.text(max_size=300))
def test_no_name_raises(name: str) -> None:
    assert ascii_name(ascii_name(name)) == ascii_name(name)
    assert all("." in one for one in lineage(name))
