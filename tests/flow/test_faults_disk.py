"""A disk that is really full: in the database, in the maildrop, and under a worker.

A house on a small disk of its own. Needs root, who alone can mount one; that is where CI runs.
"""

import base64
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support import php
from tests.support.gate import Gate, arrivals, gate
from tests.support.house import ACCOUNT, DATABASE, House, house
from tests.support.waiting import eventually

DISK_BYTES = 64 * 1024 * 1024
# More than is left where the relay still takes mail: it refuses below a twentieth of the disk.
LEFT_BYTES = 5 * 1024 * 1024
# Kept compressed, it takes three quarters of that.
LARGE_BYTES = 9_000_000


@pytest.fixture(scope="module")
def mx() -> Iterator[Gate]:
    with gate() as server:
        yield server


@pytest.fixture(scope="module")
def home(mx: Gate) -> Iterator[House]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    with (
        house(
            smarthost=f"127.0.0.1:{mx.port}",
            lease_seconds="4",
            sweep_seconds="1",
            min_free_disk="0",
        ) as new,
        small_disk(new.data),
    ):
        new.start()
        yield new
        # Its programs hold the disk.
        new.close()
    print(new.output)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put what the folder holds on a disk of DISK_BYTES, mounted there while the block runs."""
    kept = folder.with_name("before")
    folder.rename(kept)
    folder.mkdir(mode=0o711)
    options = f"size={DISK_BYTES},mode=0711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def filled(home: House, left_bytes: int) -> Iterator[None]:
    """Only so much of the disk is free while the block runs."""
    with closing(sqlite3.connect(home.data / DATABASE, timeout=30)) as file:
        # What its log has on the disk already would be room.
        assert file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    filler = home.data / "filler"
    disk = os.statvfs(home.data)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - left_bytes)
    try:
        yield
    finally:
        filler.unlink()


def call(home: House, address: str, message: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [home.sendmail, "-i", address], input=message, capture_output=True, timeout=60, check=False
    )


def message_of(size_bytes: int) -> bytes:
    return b"Subject: large\n\n" + base64.encodebytes(os.urandom(size_bytes * 3 // 4))


def kept(home: House) -> list[Path]:
    return list((home.data / "maildrop").iterdir())


def settled(home: House, mx: Gate, mark: str, number: int) -> None:
    """So many arrived, each once, and the ledger balances."""
    eventually(lambda: sum(arrivals(mx, mark).values()) >= number, 30, "all arrive")
    eventually(lambda: home.total("sent") == home.total("accepted"), 20, "all is settled")
    assert set(arrivals(mx, mark).values()) == {1}
    assert len(arrivals(mx, mark)) == number
    assert home.ledger()[ACCOUNT]["sent"] == home.total("accepted")


def test_mail_that_fits_nowhere_is_refused_and_its_caller_knows(home: House, mx: Gate) -> None:
    """There is room for the relay to begin, and none for the commit nor for the maildrop."""
    large = message_of(LARGE_BYTES)
    before = home.total("accepted")
    with filled(home, LEFT_BYTES):
        result = call(home, "full-large@example.org", large)
        assert result.returncode == 69, result
        assert b"maildrop cannot be written" in result.stderr
        assert kept(home) == []
    assert call(home, "full-large@example.org", large).returncode == 0
    settled(home, mx, "full-", 1)
    assert home.total("accepted") == before + 1


def test_php_is_told_when_the_disk_is_nearly_full(home: House, mx: Gate) -> None:
    with filled(home, 1024 * 1024):
        assert home.php(php.guide_script("nearly@example.org")).stdout == php.FAILURE
        assert kept(home) == []
    assert home.php(php.guide_script("nearly@example.org")).stdout == php.SUCCESS
    settled(home, mx, "nearly", 1)


def test_what_the_maildrop_keeps_waits_for_room_in_the_database(home: House, mx: Gate) -> None:
    """The relay is away while it is kept, and finds a full disk when it is back."""
    relay = home.programs()["relay"]
    large = message_of(2_000_000)
    with filled(home, LEFT_BYTES):
        home.kill("relay")
        assert call(home, "kept-1@example.org", large).returncode == 0
        assert call(home, "kept-2@example.org", large).returncode == 0
        assert len(kept(home)) == 2
        seen = len(home.lines)
        home.wait_for_program("relay", other_than=relay)
        # Less than a twentieth is free now: what was promised stays where it is.
        home.wait_for_line("the disk is nearly full", seen)
        assert len(kept(home)) == 2
    eventually(lambda: not kept(home), 30, "the maildrop is taken")
    settled(home, mx, "kept-", 2)


def test_an_outcome_waits_for_room_and_is_not_sent_again(home: House, mx: Gate) -> None:
    mx.hold("dot")
    assert call(home, "outcome@example.org", b"Subject: outcome\n\nx\n").returncode == 0
    mx.wait_until_held("dot")
    seen = len(home.lines)
    with filled(home, 0):
        mx.release()
        home.wait_for_line("database=away", seen)
    settled(home, mx, "outcome", 1)
