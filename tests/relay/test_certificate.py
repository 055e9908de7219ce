"""The certificate of the listeners: renewed while the relay runs, and never lost by it."""

import logging
import os
import ssl
from pathlib import Path

import pytest

from relay.certificate import Certificate
from tests.support.submitting import certificate


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Where the first and the second certificate lie."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        certificate(tmp_path / name)
    return tmp_path / "first", tmp_path / "second"


@pytest.fixture
def live(tmp_path: Path, folders: tuple[Path, Path]) -> Path:
    """A link to the first, as certbot has it."""
    link = tmp_path / "live"
    link.symlink_to(folders[0])
    return link


def used(live: Path) -> Certificate:
    return Certificate(str(live / "certificate.pem"), str(live / "key.pem"))


def lead_to(live: Path, folder: Path) -> None:
    """Change the link at once."""
    new = live.with_name("new")
    new.symlink_to(folder)
    os.replace(new, live)


def shown_by(context: ssl.SSLContext) -> bytes:
    """The certificate that a client is shown, in a whole handshake in memory."""
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True) or b""


def in_file(folder: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert((folder / "certificate.pem").read_text())


def test_a_renewed_certificate_is_shown_to_the_next_caller(
    live: Path, folders: tuple[Path, Path]
) -> None:
    found = used(live)
    context = found.context
    assert found.renew() is False
    assert shown_by(context) == in_file(folders[0])
    lead_to(live, folders[1])
    assert found.renew() is True
    assert shown_by(context) == in_file(folders[1])
    assert found.renew() is False


@pytest.mark.parametrize("damage", ["missing", "nonsense", "another's key"])
def test_a_broken_one_changes_nothing_and_is_told_once(
    live: Path, folders: tuple[Path, Path], damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = used(live)
    key = folders[1] / "key.pem"
    whole = key.read_bytes()
    if damage == "missing":
        key.unlink()
    else:
        key.write_bytes(b"x" if damage == "nonsense" else (folders[0] / "key.pem").read_bytes())
    lead_to(live, folders[1])
    with caplog.at_level(logging.ERROR, "facteur.certificate"):
        assert found.renew() is False
        assert found.renew() is False
    assert shown_by(found.context) == in_file(folders[0])
    (record,) = caplog.records
    assert "certificate=kept" in record.getMessage()
    key.write_bytes(whole)
    assert found.renew() is True
    assert shown_by(found.context) == in_file(folders[1])


def test_files_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        used(tmp_path)
