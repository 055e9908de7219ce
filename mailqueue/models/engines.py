"""What workers know of the engines that look at mail: Rspamd and ClamAV."""

from typing import ClassVar

from django.db import models


class EngineState(models.Model):
    """An engine as the workers of one machine see it; `engines` alone writes it."""

    class Name(models.TextChoices):
        RSPAMD = "rspamd", "Rspamd"
        CLAMAV = "clamav", "ClamAV"
        # Ours: here once they have failed.
        RULES = "rules", "Facteur"

    name = models.CharField(max_length=8, choices=Name.choices)
    # The machine's own name: each may reach another one, or none.
    node = models.CharField(max_length=255)
    is_answering = models.BooleanField(default=True)
    # Since when it answers, or does not.
    since = models.DateTimeField()
    # When it was last asked.
    asked_at = models.DateTimeField()
    # When it last answered about a message, and not only that it is there.
    judged_at = models.DateTimeField(null=True)
    # Why it did not answer, the last time.
    words = models.TextField(blank=True)
    # Questions without an answer, one after the other.
    failures = models.PositiveSmallIntegerField(default=0)
    # Times that it was left alone, one after the other, and until when it is.
    rests = models.PositiveSmallIntegerField(default=0)
    rest_until = models.DateTimeField(null=True)
    answers = models.BigIntegerField(default=0)
    # The time of an answer, of about the last hundred.
    mean_ms = models.FloatField(default=0.0)
    # Messages that it did not look at, since it last failed to answer.
    missed = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "node"], name="one_engine_per_machine"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.node}"
