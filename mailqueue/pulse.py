"""Signs of life of the programs that answer nobody: worker and beat touch a file as they work.

A worker after each task, beat when Redis has taken a task of its clock. Each container or machine
has files of its own. Owns the files; who is thought dead is for `panel.health`.
"""

import os
import time
from pathlib import Path
from typing import Any

from celery.signals import after_task_publish, beat_init, task_postrun
from django.conf import settings

WORKER = "worker"
BEAT = "beat"


def file_of(part: str) -> Path:
    """The file that this part of the house touches here."""
    return Path(settings.RUN_DIR) / f"{part}-{os.uname().nodename}.alive"


def age_s(part: str) -> float | None:
    """The seconds since the last sign of life; None if there never was one."""
    try:
        return max(0.0, time.time() - file_of(part).stat().st_mtime)
    except FileNotFoundError:
        return None


def listen() -> None:
    """Touch the files from now on, whichever program this is."""
    task_postrun.connect(_worked, weak=False)
    # Only in beat: others give hints, too.
    beat_init.connect(_listen_to_clock, weak=False)


def _listen_to_clock(**_: Any) -> None:
    after_task_publish.connect(_was_published, weak=False)


def _worked(**_: Any) -> None:
    file_of(WORKER).touch(0o600)


def _was_published(**_: Any) -> None:
    file_of(BEAT).touch(0o600)
