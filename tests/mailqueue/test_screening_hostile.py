"""Screening never raises, always ends, and in time, whatever it is given."""

import html
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue.dsn import folding
from mailqueue.screening import RULES, Verdict, markup, mime, page, screen, styles
from mailqueue.screening.words import Phrases, Words
from tests.support import hostile_mail
from tests.support.letters import texts

# The limit, of processor time; the machine that this was written on takes a third.
WORST_MS = 250
USUAL_MS = 5

LETTERS = [text.message() for folder in ("honest", "abuse") for text in texts(folder)]

PIECES = st.sampled_from(
    [
        *"""
        <p>|</p>|<a href=|http://a.example/|'|"|>|<|&#|&amp;|<!--|-->|<style>|</style>|p{color:|
        #fff}|@media |<script>|=?utf-8?b?|?=|--x|--|Subject: |From: |Date: |/*|*/|MZ|%s|%(what)s|
        viagra |free spins casino |v.i.a.g.r.a |а|無料| |{|}|[url=|http://b.top/#a@b.example |
        Dear |Здравствуйте |, |! |name: |казино |whatsapp |x@gmail.com |$ 5 btc |withdraw |
        wp-admin/css/|never ask |phishing |&amp;|&#109;|Ǿ|ß|’|
        """.replace("\n        ", "").split("|"),
        "\r\n",
        "\r\n\r\n",
        "PK\x03\x04",
        "PK\x01\x02",
        "PK\x05\x06",
        "\0",
        "\u200b",
        "\ud83d",
        "x" * 70,
        "Content-Type: multipart/mixed; boundary=x\r\n",
        "Content-Type: text/html\r\n",
        "Content-Type: message/rfc822\r\n\r\n",
        "Content-Transfer-Encoding: base64\r\n",
    ]
)


def milliseconds(message: bytes) -> float:
    """The least processor time of three readings."""
    spent = []
    for _ in range(3):
        begin = time.process_time()
        screen(message)
        spent.append(1000 * (time.process_time() - begin))
        if spent[-1] < WORST_MS / 4:
            break
    return min(spent)


def test_the_worst_messages_are_judged_in_time() -> None:
    spent = {name: milliseconds(message) for name, message in hostile_mail.messages()}
    assert len(spent) > 60
    worst = max(spent, key=lambda name: spent[name])
    print(f"worst of {len(spent)}: {spent[worst]:.0f} ms, {worst}")
    assert spent[worst] < WORST_MS, worst


def test_a_usual_letter_takes_a_few_milliseconds() -> None:
    begin = time.process_time()
    for letter in LETTERS:
        screen(letter)
    assert 1000 * (time.process_time() - begin) / len(LETTERS) < USUAL_MS


def check(verdict: Verdict) -> None:
    """What holds for every verdict."""
    assert verdict.is_spam is (verdict.has_malware or verdict.score >= 5)
    for finding in verdict.findings:
        rule = RULES[finding.rule]
        assert rule.title
        assert rule.advice % finding.details
        assert 0 < finding.score <= rule.weight * 6
        for value in finding.details.values():
            assert len(value) <= 120
            assert value.isprintable() or not any(ord(sign) < 32 for sign in value)


@given(st.binary(max_size=3000))
@settings(max_examples=150, deadline=None)
def test_random_bytes(data: bytes) -> None:
    check(screen(data))


@given(st.lists(PIECES, max_size=60).map("".join))
@settings(max_examples=400, deadline=None)
def test_pieces_of_mail_in_any_order(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    verdict = screen(data)
    check(verdict)
    assert screen(data) == verdict


@given(st.sampled_from(LETTERS), st.data())
@settings(max_examples=150, deadline=None)
def test_letters_with_bytes_changed_and_cut_off(letter: bytes, data: st.DataObject) -> None:
    changed = bytearray(letter)
    for _ in range(data.draw(st.integers(0, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    check(screen(bytes(changed[: data.draw(st.integers(0, len(changed)))])))


@given(st.lists(PIECES, max_size=80).map("".join))
@settings(max_examples=200, deadline=None)
def test_no_letter_of_a_page_is_read_twice(text: str) -> None:
    read = "".join(content for kind, _, content in markup.tokens(text) if kind is markup.Kind.TEXT)
    assert len(read) <= len(text)
    page.read(text)
    styles.Sheet().read(text)


@given(st.text(st.sampled_from("aéßØǾœŁ’ \u00ad\u3000ｱＡйЙİ1"), max_size=80))
@settings(max_examples=300, deadline=None)
def test_folding_sign_by_sign_is_folding_at_once(text: str) -> None:
    signs = [folding.fold(sign) for sign in text.lower()]
    assert folding.fold(text) == "".join(signs)
    # Once is enough, also where many different signs are looked up in one walk.
    assert folding.fold(folding.fold(text)) == folding.fold(text)
    many = "".join(map(chr, range(0xC0, 0x100)))
    assert folding.fold(many + text) == folding.fold(many) + folding.fold(text)


@given(st.lists(st.sampled_from(["&amp;", "&eacute;", "&#233", "&#38;", "&nbsp;", "&", "x", ";"])))
@settings(max_examples=300, deadline=None)
def test_entities_are_read_once(pieces: list[str]) -> None:
    text = "".join(pieces)
    once = re.sub(r"&(?:amp|eacute|#233|#38|nbsp);?", lambda match: html.unescape(match[0]), text)
    assert markup.unescaped(text) == once


PHRASES: Phrases[str] = Phrases()
for phrase in ("a", "a b", "a b c", "a .. c", "# a", "a #", "b # c", "stem*", "a stem*", "5 a"):
    PHRASES.add([phrase], phrase)


@given(st.lists(st.sampled_from(["a", "b", "c", "5", "77", "stems", "stem", "x"]), max_size=12))
@settings(max_examples=400, deadline=None)
def test_phrases_are_found_where_they_stand(words: list[str]) -> None:
    found = {(meaning, place) for _, meaning, place in PHRASES.found(Words(words, ""))}
    assert found == {
        (phrase, place)
        for phrase in (
            "a",
            "a b",
            "a b c",
            "a .. c",
            "# a",
            "a #",
            "b # c",
            "stem*",
            "a stem*",
            "5 a",
        )
        for place in range(len(words))
        if _stands(phrase.split(), words[place:])
    }


def _stands(phrase: list[str], words: list[str]) -> bool:
    """Whether words begin with a phrase, told the slow way."""
    if not phrase:
        return True
    if phrase[0] == "..":
        # The first that fits is taken, within three words.
        for skipped in range(4):
            if words[skipped:] and _is(phrase[1], words[skipped]):
                return _stands(phrase[1:], words[skipped:])
        return False
    return bool(words) and _is(phrase[0], words[0]) and _stands(phrase[1:], words[1:])


def _is(piece: str, word: str) -> bool:
    if piece == "#":
        return word.isdigit()
    return word.startswith(piece[:-1]) if piece.endswith("*") else word == piece


def test_parts_are_counted_and_so_are_levels() -> None:
    many = mime.take_apart(hostile_mail.parts(b"Content-Type: text/plain\r\n\r\nx", 10_000))
    assert len(many.leaves) == mime.MAX_LEAVES
    assert many.is_cut
    assert mime.take_apart(hostile_mail.nested_parts(3000)).is_cut
    assert not mime.take_apart(hostile_mail.nested_parts(10)).is_cut
    assert "structure" in {f.rule for f in screen(hostile_mail.nested_parts(3000)).findings}


def test_a_boundary_inside_may_begin_as_the_one_outside() -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: multipart/alternative; boundary=xy\r\n\r\n"
        b"--xy\r\nContent-Type: text/plain\r\n\r\none\r\n--xy--\r\n"
        b"--x\r\n\r\ntwo\r\n--x--\r\nepilogue"
    )
    message = mime.take_apart(data)
    assert [message.text(leaf, 99).strip() for leaf in message.leaves] == ["one", "two"]
    # The boundary is the very first line of the body, and line ends are bare.
    bare = mime.take_apart(data.replace(b"\r\n", b"\n"))
    assert [bare.text(leaf, 99).strip() for leaf in bare.leaves] == ["one", "two"]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ('attachment; filename="a b.exe"', "a b.exe"),
        ("attachment; filename=a.exe", "a.exe"),
        ("attachment; filename*=utf-8''%65%2Eexe", "e.exe"),
        ('attachment; filename*0="a.e"; filename*1="xe"', "a.exe"),
        ('attachment; filename="=?utf-8?B?YS5leGU=?="', "a.exe"),
        ("inline", ""),
    ],
)
def test_names_of_files_are_read_as_mail_programs_do(field: str, name: str) -> None:
    data = f"Content-Type: a/b\r\nContent-Disposition: {field}\r\n\r\nx".encode()
    assert mime.take_apart(data).leaves[0].name == name


def test_numbers_that_python_refuses_are_left_as_they_are() -> None:
    text = "&#" + "9" * 5000 + ";"
    assert markup.unescaped(text) == text
    assert markup.unescaped("&eacute;&#233;&amp;&nbsp;&unknown;") == "éé&\xa0&unknown;"
