"""An HTTP answer out of its bytes: status, kind and content. Pure; owns no connection."""

import http.client
import io
import re
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `content` ends one byte after the bound; `is_cut`: it broke off."""

    status: int
    kind: str
    content: bytes
    is_cut: bool


class _Raw(io.BytesIO):
    """What was read, as http.client reads it: from a socket."""

    def makefile(self, _mode: str) -> io.BytesIO:
        return self


def read(raw: bytes, most_bytes: int) -> Answer:
    """The answer, with at most `most_bytes` and one of its content.

    Raises http.client.HTTPException or ValueError for what is no HTTP.
    """
    response = http.client.HTTPResponse(_Raw(raw))  # type: ignore[arg-type]
    response.begin()
    content = response.read(most_bytes + 1)
    is_cut = len(content) <= most_bytes and not response.isclosed() and bool(response.length)
    return Answer(response.status, response.headers.get_content_type(), content, is_cut)


def is_whole(raw: bytes | bytearray) -> bool:
    """Whether all of an answer is there; without a length it ends with the connection."""
    end = raw.find(b"\r\n\r\n")
    length = _LENGTH.search(raw, 0, end + 2) if end >= 0 else None
    return length is not None and len(raw) >= end + 4 + int(length[1])
