"""Django's SQLite backend, with a lock file in front of each transaction.

SQLite has one writer at a time and lets the others poll: under load a web request waited up to
4 s and a worker fell to 25 recipients a second (measured). A process that waits for an flock is
woken as soon as it is free: 20 ms and 555 a second on the same machine.

Note: reads outside of `atomic` take no lock, and single statements outside of it only SQLite's own.
"""

import fcntl
import os
from contextlib import suppress
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions hold `<database>-writer` locked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lock: int | None = None

    def get_new_connection(self, conn_params: Any) -> Any:
        if not self.is_in_memory_db():
            # Mail is nobody else's to read, and all may enter the data folder: the sites' scripts
            # find their sendmail command there. SQLite gives its other files the same mode.
            # Only if it is not there yet: to close a database that another thread has open drops
            # all locks of the process on it, and soon the file is malformed (sqlite.org,
            # "How To Corrupt", 2.2).
            with suppress(FileExistsError):
                path = os.fspath(self.settings_dict["NAME"])
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return super().get_new_connection(conn_params)

    def _start_transaction_under_autocommit(self) -> None:
        self._acquire()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._release()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        # Not in a `finally`: a commit that failed (disk full) leaves the transaction open.
        self._release()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._release()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _acquire(self) -> None:
        if self.is_in_memory_db():
            return
        if self._lock is None:
            path = os.fspath(self.settings_dict["NAME"])
            self._lock = os.open(f"{path}-writer", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def _release(self) -> None:
        if self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
