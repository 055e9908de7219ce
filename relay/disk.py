"""How much of the disk is left: what comes in must leave room for what is to go out again."""

import os

from django.conf import settings

# Nothing is taken when less than this share of the disk is free.
FREE_SHARE = 0.05


def is_nearly_full() -> bool:
    """Whether less is free than FACTEUR_MIN_FREE_DISK, or than that share."""
    disk = os.statvfs(settings.DATA_DIR)
    free = disk.f_bavail * disk.f_frsize
    return free < max(settings.MIN_FREE_DISK, disk.f_blocks * disk.f_frsize * FREE_SHARE)
