"""The SQLite backend: what it does to the file beside SQLite's own work."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

# Only a file of the test's own is opened, but pytest guards every connection.
pytestmark = pytest.mark.django_db

LOOK = """
import sqlite3, sys

connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM t")
connection.close()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mail.sqlite3"


@pytest.fixture
def first(file: Path) -> Iterator[BaseDatabaseWrapper]:
    connection = connect(file)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (x)")
    yield connection
    connection.close()


def connect(file: Path) -> BaseDatabaseWrapper:
    handler = ConnectionHandler(
        {
            "default": {
                "ENGINE": "mailqueue.sqlite",
                "NAME": str(file),
                "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"},
            }
        }
    )
    return handler.create_connection("default")


def test_it_keeps_the_mail_from_other_users_eyes(file: Path, first: BaseDatabaseWrapper) -> None:
    for path in file.parent.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_a_second_connection_leaves_the_locks_of_the_first(
    file: Path, first: BaseDatabaseWrapper
) -> None:
    second = connect(file)
    second.ensure_connection()
    # Whoever closes last takes the log away; that it may not while the first is open, a lock says.
    subprocess.run([sys.executable, "-c", LOOK, str(file)], check=True)
    assert file.with_name(f"{file.name}-wal").exists()
    second.close()
