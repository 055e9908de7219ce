"""The relay's network listeners inside the test process, with a certificate of their own."""

import asyncio
import ipaddress
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connections

from relay import network, submission
from relay.database import in_database
from relay.intake import Intake
from relay.network import Listener
from relay.submission import Terms

HOST = "127.0.0.1"
LOOPBACK = (ip_network("127.0.0.0/8"),)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.test")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address(HOST))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


class Desk:
    """Two listeners that run from `start` to `stop`: one begins with TLS, one has STARTTLS."""

    def __init__(
        self,
        files: tuple[Path, Path],
        plain_networks: Sequence[IPv4Network | IPv6Network] = (),
        *,
        idle_s: float = 20.0,
        failed_after_s: float = 0.05,
    ) -> None:
        self.trusting = ssl.create_default_context(cafile=str(files[0]))
        tls = network.context(str(files[0]), str(files[1]))
        self._terms = Terms(tls, idle_s, min(idle_s, 15.0), plain_networks, failed_after_s)
        self._thread: threading.Thread | None = None
        self.port = self.tls_port = 0

    def start(self) -> None:
        """Return when it listens."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Return when it has answered what was under way."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(20)
            assert not self._thread.is_alive()
            self._thread = None

    def client(self) -> smtplib.SMTP:
        """A client that has not begun with TLS."""
        return smtplib.SMTP(HOST, self.port, timeout=20)

    def secure_client(self) -> smtplib.SMTP_SSL:
        """A client that begins with TLS."""
        return smtplib.SMTP_SSL(HOST, self.tls_port, timeout=20, context=self.trusting)

    def connect(self) -> socket.socket:
        """A connection in the clear."""
        return socket.create_connection((HOST, self.port), timeout=20)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        intake = Intake(lambda: datetime.now(UTC))
        listeners = [Listener(HOST, 0), Listener(HOST, 0, is_tls=True)]
        try:
            with network.bound(listeners) as doors:
                self.port, self.tls_port = (one.wires[0].getsockname()[1] for one in doors)
                async with submission.serve(doors, self._terms, intake):
                    self._ready.set()
                    await self._stopping.wait()
            await intake.finish()
        finally:
            await in_database(connections.close_all)


@contextmanager
def running(desk: Desk) -> Iterator[Desk]:
    """The desk, from its start to its stop."""
    desk.start()
    try:
        yield desk
    finally:
        desk.stop()
