"""What the other side says: lines to replies, replies to their meaning. Pure.

Replies come from strangers: foreign bytes never raise, and what is kept is bounded and without
control characters.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Characters kept of one reply; our bound.
LONGEST_REPLY = 2000
# After the code of a reply: a status as RFC 3463 §2 has it, and a blank or nothing.
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)", re.ASCII)
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said: three digits and its words, one line for all, cleaned."""

    code: int
    words: str
    status: str

    def __str__(self) -> str:
        return f"{self.code} {self.words}".rstrip()

    @property
    def is_positive(self) -> bool:
        """Whether the command was carried out (2yz)."""
        return self.code // 100 == 2


def reply_of(lines: Sequence[bytes]) -> Reply | None:
    """The reply that these lines make, or None if they are none: foreign bytes never raise.

    Lines that repeat the status code of the first lose it. A status that is malformed, or of
    another class than the code, is left to the words; the code's own class stands in for it.
    """
    codes: set[bytes] = set()
    texts: list[str] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        codes.add(match[1])
        texts.append(clean((match[3] or b"").decode("utf-8", "replace")))
    if len(codes) != 1:
        return None
    code = int(codes.pop())
    first = _STATUS.match(texts[0])
    if first is None or first[1] != str(code // 100):
        return Reply(code, " ".join(filter(None, texts))[:LONGEST_REPLY], f"{code // 100}.0.0")
    status = f"{first[1]}.{int(first[2])}.{int(first[3])}"
    texts[1:] = [text.removeprefix(first[0].strip()).strip() for text in texts[1:]]
    return Reply(code, " ".join(filter(None, texts))[:LONGEST_REPLY], status)


def extensions_of(lines: Sequence[bytes]) -> dict[str, str]:
    """The keywords of an EHLO reply, with their parameters; the first line is a greeting."""
    extensions: dict[str, str] = {}
    for line in lines[1:]:
        keyword, _, parameters = line[4:].decode("ascii", "replace").strip().partition(" ")
        extensions[keyword.upper()] = parameters.strip()
    return extensions


def clean(text: str) -> str:
    """The text on one line: control and direction characters become blanks."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
