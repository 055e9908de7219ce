"""What a signature costs the processor: both of a message, RSA with 2048 bits and Ed25519."""

import asyncio
import time
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.figures import Row
from bench.stage import Stage
from relay import signing
from relay.signing import Signs

USUAL = Row("signing a message of 4 kB, RSA and Ed25519", "ms", 3, alone="a milter's in Postfix")
LARGE = Row("signing a message of 1 MB, RSA and Ed25519", "ms", 3, alone="a milter's in Postfix")
AT = datetime(2026, 3, 11, 10, 30, tzinfo=UTC)
HEAD = (
    b"From: Boutique <contact@boutique.example>\r\nTo: client@example.org\r\n"
    b"Subject: Votre commande\r\nDate: Wed, 11 Mar 2026 10:30:00 +0000\r\n"
    b"Message-ID: <1@boutique.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
)
LINE = b"  <p>Bonjour, votre commande est partie ce matin.  Merci !</p>\r\n"


async def measure(stage: Stage) -> None:
    """Sign messages, one after the other."""
    for _ in stage.each_round():
        for row, size, times in ((USUAL, 4096, 500), (LARGE, 1024**2, 25)):
            taken = await asyncio.to_thread(milliseconds, size, max(1, int(times * stage.share)))
            stage.figures.note(row, "Facteur", taken)


def milliseconds(size: int, times: int) -> float:
    """The time for one message of `size` bytes with both signatures, over so many messages."""
    keys = [
        Signs("boutique.example", "r", rsa.generate_private_key(65537, 2048)),
        Signs("boutique.example", "e", Ed25519PrivateKey.generate()),
    ]
    content = HEAD + LINE * ((size - len(HEAD)) // len(LINE))
    began = time.perf_counter()
    for _ in range(times):
        fields = signing.read(content)
        signing.author_domain(fields)
        signing.signatures(fields, keys, AT)
    return (time.perf_counter() - began) / times * 1000
