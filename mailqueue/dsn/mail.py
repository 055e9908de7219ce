"""A message taken apart, as the questions about it need it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailqueue.dsn import mime, notes
from mailqueue.dsn.folding import fold

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
# How much of a note is looked at for the sentences that reports open with.
_OPENING = 4000


@dataclass(frozen=True, slots=True)
class Mail:
    """A message: its headers, its folded subject, its parts, and the text people read.

    `returned` are the headers of the message that came back inside it.
    """

    headers: Mapping[str, str]
    subject: str
    parts: list[mime.Part]
    note: str
    returned: Mapping[str, str]

    def header(self, name: str) -> str:
        """A header of the message by its name in lower case, "" if it has none."""
        return self.headers.get(name, "")

    @property
    def opening(self) -> str:
        """The first words of the note, folded and in one line: notes are wrapped anywhere."""
        return " ".join(fold(self.note[:_OPENING]).split())


def taken_apart(message: bytes) -> Mail:
    """A message taken apart; bounded as `mime` is."""
    headers, parts = mime.take_apart(message)
    texts = [p.text for p in parts if p.type == "text/plain" or p.type in STATUS_TYPES]
    if not any(text.strip() for text in texts):
        texts = [p.text for p in parts if not p.is_returned]
    note, rest = notes.without_returned("\n".join(texts)[: mime.MAX_TEXT])
    attached = next((p.text for p in parts if p.is_returned and p.text.strip()), "")
    returned = mime.headers_of(attached or _from_first_header(rest))
    subject = fold(mime.decoded_header(headers.get("subject", "")))
    return Mail(headers, subject, parts, note, returned)


def _from_first_header(rest: str) -> str:
    """What follows the announcement of a returned message, from its first header on."""
    lines = rest.split("\n")
    for number, line in enumerate(lines[:10]):
        if re.match(r"[A-Z][\w-]{1,60}: ?\S", line):
            return "\n".join(lines[number:])
    return ""
