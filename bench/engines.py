"""What engines cost: Rspamd and ClamAV as Debian has them, asked about the letters of the tests.

`python -m bench.engines` prints, for each engine and for both, the time of an answer when one
letter is asked about after the other, the time of the processor on our side of it (for Rspamd with
that of the name server), how many letters get one in a second when fifty are at once (a worker's
lump), and the time for a letter with a large file. ClamAV knows two signatures here instead of
millions, which take longer; Rspamd's name server says at once that nothing is listed.
"""

import asyncio
import base64
import os
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import uvloop

from tests.support import engines
from tests.support.letters import texts
from tests.support.nameserver import nameserver

AT_ONCE = 50
ROUNDS = 5
LARGE = 1_000_000, 5_000_000

Ask = Callable[[bytes], Awaitable[object]]


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings

    with nameserver() as names, engines.rspamd(names.address) as rspamd, engines.clamd() as clamd:
        for label, *addresses in (
            ("Rspamd", rspamd, None),
            ("ClamAV", None, clamd),
            ("both", rspamd, clamd),
        ):
            settings.RSPAMD, settings.CLAMD = addresses
            uvloop.run(_measure(label))


async def _measure(label: str) -> None:
    ask = _asking()
    letters = [text.message() for text in texts("honest")]
    # The first time fills what engines remember.
    await _one_by_one(ask, letters)
    letters *= ROUNDS
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await _one_by_one(ask, letters)
    alone_ms = 1000 * (time.perf_counter() - began_s) / len(letters)
    ours_ms = 1000 * (time.process_time() - cpu_s) / len(letters)
    began_s = time.perf_counter()
    for start in range(0, len(letters), AT_ONCE):
        await asyncio.gather(*(ask(letter) for letter in letters[start : start + AT_ONCE]))
    rate = len(letters) / (time.perf_counter() - began_s)
    print(f"{label}: {alone_ms:.1f} ms a letter ({ours_ms:.1f} ms of ours), {rate:.0f} a second")
    for size in LARGE:
        file = random.Random(size).randbytes(size)  # noqa: S311 - the same file each time
        letter = engines.letter("Voici.", base64.b64encode(file))
        began_s = time.perf_counter()
        await ask(letter)
        spent_ms = 1000 * (time.perf_counter() - began_s)
        print(f"  with a file, {len(letter) / 1e6:.1f} MB in all: {spent_ms:.0f} ms")


def _asking() -> Ask:
    """Asks the engines as a worker does, without its rows."""
    from relay.engines.asking import ask_all, asked_of_settings
    from relay.engines.exchange import Envelope

    def clock() -> datetime:
        return datetime.now(UTC)

    envelope = Envelope(1, "boutique.example", "K5Q2V7TIAXZM", "site@boutique.example", ())
    asked = asked_of_settings(clock)

    async def ask(content: bytes) -> object:
        return await ask_all(asked, content, envelope)

    return ask


async def _one_by_one(ask: Ask, letters: Sequence[bytes]) -> None:
    for letter in letters:
        await ask(letter)


if __name__ == "__main__":
    main()
