"""ClamAV's daemon: the message over INSTREAM, and what its answer is to us (clamd(8)).

What it recognises is malware, and one message is enough. Its guesses, and lists of phishing and
spam that others made for it, are wrong now and then: they are a finding among others.
"""

import re
from collections.abc import Iterable, Sequence

from mailqueue.screening import RULES, Finding
from mailqueue.screening.verdicts import quoted
from relay.engines.exchange import Address, Envelope, NoAnswer, blocks, exchange

MOST_BYTES = 4096
_FOUND = re.compile(r"stream: (\S.*) FOUND")
# It takes no more than StreamMaxLength of its settings.
_TOO_LARGE = "size limit exceeded"
# Parts of names that do not say malware: heuristics, unwanted programs, and what the lists of third
# parties (Sanesecurity, winnow, SecuriteInfo…) call phishing and spam.
_DOUBTFUL = re.compile(
    r"(?:^|[._-])(?:heuristics?|pua|phish\w*|spam\w*|scam\w*|junk|jurlbl\w*|blurl|foxhole\w*|lott"
    r"|fraud|hoax|casino|dating|porn|diet|loan|job|badmacro|encrypted|suspect\w*)(?:[._-]|$)",
    re.IGNORECASE,
)


class Clamd:
    """Asks one daemon."""

    name = "clamav"
    # It has ten threads or twelve.
    at_once = 8

    def __init__(self, address: Address) -> None:
        self._address = address

    async def ask(self, content: bytes, envelope: Envelope) -> Sequence[Finding]:
        """What it found. Raises NoAnswer or OSError."""
        return findings(await self._say(_stream(content)))

    async def ping(self) -> None:
        """Raises NoAnswer or OSError unless it answers."""
        answer = await self._say([b"zPING\0"])
        if answer != "PONG":
            raise NoAnswer(f"it said {quoted(answer)!r}")

    async def _say(self, question: Iterable[bytes | memoryview]) -> str:
        raw = await exchange(self._address, question, lambda said: b"\0" in said, MOST_BYTES)
        return raw.partition(b"\0")[0].decode("utf-8", "replace").strip()


def findings(answer: str) -> Sequence[Finding]:
    """What the daemon's answer says. Raises NoAnswer if it could not look."""
    found = _FOUND.fullmatch(answer)
    if found:
        name = found[1]
        rule = RULES["suspect_file" if _DOUBTFUL.search(name) else "virus"]
        return (Finding(rule.id, rule.weight, "attachment", {"what": quoted(name)}),)
    if answer == "stream: OK" or _TOO_LARGE in answer:
        return ()
    raise NoAnswer(f"it said {quoted(answer)!r}")


def _stream(content: bytes) -> Iterable[bytes | memoryview]:
    yield b"zINSTREAM\0"
    for block in blocks(content):
        yield len(block).to_bytes(4, "big")
        yield block
    yield bytes(4)
