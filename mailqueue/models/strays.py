"""Mail beside the ledger: what the simulator received, and what could not be taken."""

from typing import ClassVar

from django.db import models


class SimulatedMessage(models.Model):
    """A message in the mailbox of the built-in simulator: nothing left the machine."""

    received_at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True)
    recipients = models.JSONField()
    subject = models.CharField(max_length=255, blank=True)
    content = models.BinaryField()
    size_bytes = models.PositiveIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-received_at"], name="simulated_by_time")]

    def __str__(self) -> str:
        return f"simulated message {self.pk}"


class RefusedCall(models.Model):
    """A message that was refused after its script had been told that it was taken.

    A file in the maildrop that turned out to be unfit: kept, and shown to administrators.
    """

    refused_at = models.DateTimeField()
    file_name = models.CharField(max_length=255)
    uid = models.PositiveBigIntegerField(null=True)
    reason = models.CharField(max_length=255)

    def __str__(self) -> str:
        return self.file_name
