"""How fast mail goes to each destination, as runs of workers learn it and share it."""

from django.db import models


class DestinationPace(models.Model):
    """A destination that wanted less, or could not be reached; `destinations` alone writes it.

    One that goes at its usual pace has no row. Written rarely: when something changes.
    """

    # A provider's name, or that of the servers of a route.
    name = models.CharField(max_length=255, unique=True)
    # Percent of the usual pace.
    share = models.PositiveSmallIntegerField()
    # Times that it wanted less, or was away, one after the other.
    strikes = models.PositiveSmallIntegerField()
    slowed_at = models.DateTimeField()
    # Nothing goes there before.
    wait_until = models.DateTimeField(null=True)
    # Its last words, or ours if it did not answer.
    words = models.TextField()
    # What a run last saw that waits for it.
    waiting = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class DeliveryRun(models.Model):
    """A run that is delivering now: several share what a destination takes."""

    token = models.CharField(max_length=32, unique=True)
    # A run that died stops counting.
    lease_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.token
