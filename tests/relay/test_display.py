"""A subject is text for people, whatever a stranger wrote."""

import codecs
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import display
from relay.display import shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?=C3=89t=C3=A9?=", "Été"),
        (b"=?UTF-8?B?w4l0w6k?=", "Été"),
        (b"=?utf-8*fr?q?=C3=89t=C3=A9?=", "Été"),
        (b"=?iso-8859-1?q?a_=E9?= b =?koi8-r?q?=C1?=", "a é b а"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        # Blanks between two encoded words count for nothing; a sign may be divided among them.
        (b"=?utf-8?q?=C3?= \t =?utf-8?q?=A9?=", "é"),
        (b"=?utf-8?q?a?= =?iso-8859-1?q?=E9?= =?utf-8?q?_b?=", "aé b"),
        (b"a\tb\x01c", "a b c"),
        (b"=?utf-8?q?a=0D=0Ab?=", "a  b"),
        (b"=?nonsense?q?a?= =?utf-8?q?b?=", "=?nonsense?q?a?= b"),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"=?utf-8?q?=FF?=", "\N{REPLACEMENT CHARACTER}"),
        ("Été".encode(), "Été"),
        ("L’été à 5 €".encode("cp1252"), "L’été à 5 €"),
        (b"\xc9t\xe9", "Été"),
        (b"x" * 999, "x" * 255),
        ("é".encode() * 3000, "é" * 255),
        (b"x" + "é".encode() * 3000, "x" + "é" * 254),
    ],
)
def test_a_subject_is_shown_to_people(value: bytes, expected: str) -> None:
    assert shown(value) == expected


def test_a_made_up_charset_is_never_looked_up() -> None:
    asked: list[str] = []

    def note(name: str) -> None:
        asked.append(name)

    codecs.register(note)
    try:
        for number in range(5):
            shown(b"=?x-made-up-%d?q?a?=" % number)
    finally:
        codecs.unregister(note)
    assert not [name for name in asked if "made" in name]


CHARSETS = [
    *(f"iso-8859-{number}" for number in range(1, 17) if number != 12),
    *(f"windows-125{number}" for number in range(9)),
    *[
        "us-ascii",
        "utf-8",
        "utf8",
        "latin1",
        "koi8-r",
        "koi8-u",
        "iso-2022-jp",
        "shift_jis",
        "big5",
    ],
    *["euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "tis-620", "cp1252"],
]


@pytest.mark.parametrize("charset", CHARSETS)
def test_it_knows_the_charsets_that_mail_is_written_in(charset: str) -> None:
    assert shown(f"=?{charset.upper()}?q?a=62c?=".encode()) == "abc"


@pytest.mark.parametrize("piece", [b"=?", b"=?utf-8?q?", b"=?utf-8?q?a?=", b"=?utf-8?b?w6k?= "])
def test_a_long_subject_of_one_kind_takes_little(piece: bytes) -> None:
    begin = time.perf_counter()
    shown(piece * 50_000)
    assert time.perf_counter() - begin < 2


RAW = st.binary(max_size=200) | st.text(alphabet="=?utf-8qb_ é", max_size=60).map(str.encode)


@settings(deadline=None)
@given(RAW, st.sampled_from(CHARSETS))
def test_a_subject_is_shown_whatever_it_is(raw: bytes, charset: str) -> None:
    name = charset.encode()
    for value in (raw, b"=?%b?q?%b?=" % (name, raw), b"=?%b?b?%b?=" % (name, raw)):
        text = shown(value)
        assert text == "" or text.isprintable()
        assert len(text) <= display.LONGEST
        assert text.encode().decode() == text
