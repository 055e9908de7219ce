"""What follows DATA: it ends at CRLF.CRLF and nowhere else, however the bytes are divided."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.content import END, Content

MOST = 1000
# Bytes that look like an end, and a few that don't.
NEARLY = st.lists(
    st.sampled_from([b"\r\n", b".", b"\r\n.", b"\n", b"\r", b"x", b"..", b"\r\n.\n"]), max_size=30
).map(b"".join)


def take(*pieces: bytes, most: int = MOST) -> tuple[Content, bytes | None]:
    """The content after these pieces, and what is left of them."""
    content = Content(most)
    for number, piece in enumerate(pieces):
        rest = content.feed(piece)
        if rest is not None:
            return content, rest + b"".join(pieces[number + 1 :])
    return content, None


@pytest.mark.parametrize(
    "message", [b"", b"x\r\n", b"a\r\nb\r\n", b"..\r\n", b"\r\n", b"\r\n.x", b".x\n.\r"]
)
def test_it_ends_at_every_cut(message: bytes) -> None:
    wire = message + (b"" if message.endswith(b"\r\n") or not message else b"\r\n") + b".\r\n"
    after = b"QUIT\r\n"
    whole, _ = take(wire + after)
    expected = whole.whole()
    for first in range(len(wire) + 1):
        for second in range(first, len(wire) + len(after) + 1):
            text = wire + after
            content, rest = take(text[:first], text[first:second], text[second:])
            assert rest == after, (first, second)
            assert content.size_bytes == len(wire)
            assert content.whole() == expected


@given(NEARLY, st.lists(st.integers(1, 7), max_size=60))
def test_pieces_of_any_size_say_the_same(text: bytes, sizes: list[int]) -> None:
    """Against the plain rule: the first CRLF.CRLF, with the line end of DATA before it."""
    wire = text + END + b"NOOP\r\n"
    end = (b"\r\n" + wire).index(END) - 2 + len(END)
    pieces, place = [], 0
    for size in sizes:
        pieces.append(wire[place : place + size])
        place += size
    content, rest = take(*pieces, wire[place:])
    assert rest == wire[end:]
    assert content.size_bytes == end
    lines = (b"\r\n" + wire[: end - 3]).replace(b"\r\n.", b"\r\n")
    assert content.whole() == lines[2:]


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n\0.\r\n", b"\r\n."]
)
def test_nothing_else_ends_it(end: bytes) -> None:
    assert take(b"x" + end)[1] is None
    assert take(*(bytes([sign]) for sign in b"x" + end))[1] is None


def test_doubled_dots_are_one() -> None:
    content, _ = take(b"..a\r\n.b\r\nc.\r\n...\r\n.\r\n")
    assert content.whole() == b".a\r\nb\r\nc.\r\n..\r\n"


def test_what_is_too_large_is_read_to_its_end_and_not_kept() -> None:
    content, rest = take(b"x" * 600, b"y" * 600 + b"\r\n", b".\r\nNOOP\r\n")
    assert rest == b"NOOP\r\n"
    assert content.is_too_large
    assert content.size_bytes == 1205
    assert not take(b"x" * 600, b"\r\n.\r\n")[0].is_too_large


def test_what_has_no_room_is_not_kept() -> None:
    content = Content(MOST)
    assert content.feed(b"x" * 100) is None
    content.drop()
    assert content.feed(b"x\r\n.\r\n") == b""
    assert content.is_too_large


def test_small_pieces_take_no_more_memory_than_their_bytes() -> None:
    content = Content(1024 * 1024)
    tracemalloc.start()
    try:
        for number in range(100_000):
            content.feed(b"%02d" % (number % 100))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * content.size_bytes
