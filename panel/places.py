"""Where sockets live: beside the data, or in the temporary folder when that is too deep."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# sun_path holds 108 bytes with the final NUL (unix(7)); the longest name we add has 15.
LONGEST_SOCKET_PATH = 107
LONGEST_SOCKET_NAME = 15


def runtime_folder(data_dir: Path) -> Path:
    """The folder for sockets of the house that keeps its data in `data_dir`; made if missing.

    Other users must reach the relay's socket in it, so its mode is 0711.
    Raises ImproperlyConfigured if the folder belongs to somebody else.
    """
    folder = data_dir / "run"
    if len(os.fsencode(folder)) + 1 + LONGEST_SOCKET_NAME > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"facteur-{name}"
    folder.mkdir(mode=0o711, exist_ok=True)
    # A stranger may have made the folder first: in /tmp anyone can.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {0, data_dir.stat().st_uid}:
        raise ImproperlyConfigured(f"{folder} is not a folder of our own; remove it.")
    return folder
