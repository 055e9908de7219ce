"""What follows DATA: the bytes of a message, up to the line with a lone dot. Pure.

Owns where the message ends and the dots that were doubled for it (RFC 5321 §4.5.2). It ends at
CRLF.CRLF and nowhere else, however the bytes are divided: another end would let a message smuggle
commands. That bare CR and LF are refused is `intake`'s.
"""

from io import BytesIO

END = b"\r\n.\r\n"


class Content:
    """Collects a message of at most `most_bytes`, piece by piece; keeps nothing of a larger one."""

    def __init__(self, most_bytes: int) -> None:
        self.size_bytes = 0
        self._most_bytes = most_bytes
        # Not as pieces: who sends two bytes at a time would fill twenty times as much memory.
        self._kept = BytesIO()
        # The last bytes, among which the end may begin. The line end before the first line is that
        # of DATA itself.
        self._last = b"\r\n"

    @property
    def is_too_large(self) -> bool:
        """Whether it has more bytes than it may."""
        return self.size_bytes > self._most_bytes

    def feed(self, piece: bytes) -> bytes | None:
        """Take more bytes. Returns what came after the end, or None if it has not come yet."""
        begin = self._last + piece[: len(END) - 1]
        place = begin.find(END) - len(self._last)
        if place < -len(self._last):
            place = piece.find(END)
            if place < 0:
                self._last = (self._last + piece[1 - len(END) :])[1 - len(END) :]
                self._keep(piece)
                return None
        after = place + len(END)
        self._keep(piece[:after])
        return piece[after:]

    def drop(self) -> None:
        """Keep nothing of it, and nothing of what comes."""
        self._most_bytes = -1
        self._kept = BytesIO()

    def whole(self) -> bytes:
        """The message without its end and its doubled dots; nothing is kept here any more."""
        self._kept.truncate(self._kept.tell() - len(END) + 2)
        text = self._kept.getvalue()
        self._kept = BytesIO()
        if b"\r\n." in text:
            text = text.replace(b"\r\n.", b"\r\n")
        return text[1:] if text.startswith(b".") else text

    def _keep(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        if self.is_too_large:
            self._kept = BytesIO()
        else:
            self._kept.write(piece)
