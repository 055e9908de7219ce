"""The scripts of an account, as far as they tell their names: a hint, never an identity."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from mailqueue.models.accounts import HostingAccount


class Script(models.Model):
    """A script that sends, by its folder and name; `scripts` writes it.

    Names are told by the caller, so an account has a limited number of them.
    """

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="scripts")
    # SHA-256 of folder and name in hexadecimal digits: both together are too long for an index.
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True)
    folder = models.CharField(max_length=1024, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    # Its mail is held since then.
    blocked_at = models.DateTimeField(null=True)
    blocked_by = models.CharField(max_length=150, blank=True)
    # While what was held of it is let go: how far the walk has come.
    release_after_id = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="script_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-last_seen_at"], name="script_by_account"),
            models.Index(
                fields=["id"], name="script_releasing", condition=Q(release_after_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}"


class ScriptCount(models.Model):
    """What a script sent on a day (UTC), in recipients; kept for 90 days."""

    script = models.ForeignKey(Script, models.CASCADE, related_name="counts", db_index=False)
    day = models.DateField()
    # Looked at by screening, once each, when it was to go out.
    handed = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    # By a fault of the recipient.
    bounced = models.BigIntegerField(default=0)
    spam = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["script", "day"], name="one_count_per_script_and_day"),
        ]
        indexes: ClassVar = [models.Index(fields=["day"], name="script_count_by_day")]

    def __str__(self) -> str:
        return f"{self.script_id} on {self.day}"
