"""Mail of scripts that is looked at and goes nowhere: its address, and what was found in it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from mailqueue.models.accounts import HostingAccount


class ProbeAddress(models.Model):
    """Where the scripts of an account send what is only to be looked at; `probes` writes it."""

    account = models.OneToOneField(
        HostingAccount, models.CASCADE, primary_key=True, related_name="probe_address"
    )
    # What stands before the @, drawn by lot.
    name = models.CharField(max_length=32)
    expires_at = models.DateTimeField()
    # How many came within the hour that began then, and how many of them were too many.
    hour_from = models.DateTimeField()
    taken = models.PositiveIntegerField(default=0)
    passed_over = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} of {self.account_id}"


class Probe(models.Model):
    """A message to such an address: in no queue and in no count, and kept for a day.

    `probes` writes it. Its content goes as soon as it was looked at.
    """

    account = models.ForeignKey(
        HostingAccount, models.CASCADE, related_name="probes", db_index=False
    )
    queue_id = models.CharField(max_length=16, unique=True)
    handover_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001
    accepted_at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True)
    # As far as the script tells: hints, never an identity.
    script = models.CharField(max_length=255, blank=True)
    folder = models.CharField(max_length=1024, blank=True)
    origin = models.CharField(max_length=8)
    size_bytes = models.PositiveIntegerField()
    # What the relay changed in its header (`headers.Changes`).
    changes = models.JSONField(default=dict)
    # As the queue keeps bodies; None once it was looked at.
    content = models.BinaryField(null=True)
    is_compressed = models.BooleanField(default=False)
    judged_at = models.DateTimeField(null=True)
    # What `examining` knows of it; empty if it could not be looked at.
    result = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="probe_by_account"),
            models.Index(fields=["id"], name="probe_to_judge", condition=Q(judged_at__isnull=True)),
            models.Index(fields=["accepted_at"], name="probe_by_time"),
        ]

    def __str__(self) -> str:
        return self.queue_id
