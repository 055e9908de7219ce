"""The scripts of an account, as far as they tell their names: a hint, never an identity."""

from typing import ClassVar

from django.db import models

from mailqueue.models.accounts import HostingAccount
from mailqueue.models.messages import Message


class Script(models.Model):
    """A script that sends, by its way in, folder and name; `scripts` writes it.

    Names are told by the caller, so an account has a limited number of them: one row, whose key is
    empty, stands for all others.
    """

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="scripts")
    # SHA-256 of way in, folder and name in hexadecimal digits: together they are too long for an
    # index.
    key = models.CharField(max_length=64)
    # The sendmail command, also where its file waited in the maildrop; the network; the panel.
    origin = models.CharField(max_length=8, choices=Message.Origin.choices, blank=True)
    name = models.CharField(max_length=255, blank=True)
    folder = models.CharField(max_length=1024, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    # Its mail is held since then.
    blocked_at = models.DateTimeField(null=True)
    blocked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "key"], name="script_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-last_seen_at"], name="script_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}"


class ScriptJob(models.Model):
    """What is being done with the mail of a script in the queue, slice by slice.

    Apart from its script: workers that count what it sends must not wait for a slice.
    """

    class Kind(models.TextChoices):
        HOLD = "hold", "hold"
        RELEASE = "release", "release"
        PURGE = "purge", "purge"

    script = models.OneToOneField(Script, models.CASCADE, primary_key=True, related_name="work")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    # How far it has come along the recipients of the account, and where it ends.
    after_id = models.BigIntegerField(default=0)
    through_id = models.BigIntegerField()
    done = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind} of {self.script_id}"


class ScriptCount(models.Model):
    """What a script sent on a day (UTC), in recipients; kept for 90 days."""

    script = models.ForeignKey(Script, models.CASCADE, related_name="counts", db_index=False)
    day = models.DateField()
    # Told once each, when it was to go out.
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
