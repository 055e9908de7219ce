"""What is counted, in recipients. `counters` alone writes it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from mailqueue.models.accounts import HostingAccount


class Counted(models.Model):
    """What is counted, in recipients. `counters` alone writes it."""

    accepted = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    purged = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    suppressed = models.BigIntegerField(default=0)
    # Was sent, and came back later.
    returned = models.BigIntegerField(default=0)
    # Let through by the quotas: each recipient once, when it may first go out.
    admitted = models.BigIntegerField(default=0)
    # Refused for good, by a fault of the recipient: what the bounce ratio looks at.
    bounced = models.BigIntegerField(default=0)
    # Whose recipient reported them as spam.
    complaints = models.BigIntegerField(default=0, db_default=0)
    # Judged to be spam: recipients, and the messages they belong to.
    spam = models.BigIntegerField(default=0, db_default=0)
    spam_messages = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class AccountTotals(Counted):
    """Counts of an account since it exists; they outlive the rows they counted."""

    account = models.OneToOneField(
        HostingAccount, models.CASCADE, primary_key=True, related_name="totals"
    )
    # Held at this moment; the bytes of their messages, for each of them; and those over the quota.
    held = models.BigIntegerField(default=0)
    held_bytes = models.BigIntegerField(default=0)
    overflow = models.BigIntegerField(default=0)
    # The largest message ever taken, as it travels.
    largest_bytes = models.BigIntegerField(default=0)
    # Ended recipients whose rows were pruned, so that rows and counts can be compared.
    pruned = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(held__gte=0)
                & Q(
                    accepted__gte=F("sent")
                    + F("failed")
                    + F("purged")
                    + F("expired")
                    + F("suppressed")
                    + F("held")
                ),
                name="totals_balance",
            ),
            models.CheckConstraint(
                condition=Q(overflow__gte=0, overflow__lte=F("held"), held_bytes__gte=0),
                name="totals_held",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account"], name="totals_overflow", condition=Q(overflow__gt=0)),
        ]

    def __str__(self) -> str:
        return f"totals of {self.account_id}"

    @property
    def queued(self) -> int:
        """What was accepted and has not ended: waiting, being sent or held."""
        ended = self.sent + self.failed + self.purged + self.expired + self.suppressed
        return self.accepted - ended


class QuarterCount(Counted):
    """Counts of an account in one quarter of an hour, by UTC; kept for ever.

    Some time zones lie 30 or 45 minutes beside the hour: quarters make "today" right in each.
    """

    account = models.ForeignKey(HostingAccount, models.CASCADE, db_index=False)
    start = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "start"], name="one_count_per_quarter"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} at {self.start}"


class MinuteCount(Counted):
    """Counts of an account in one minute, by UTC; kept for 25 hours, for trailing windows."""

    account = models.ForeignKey(HostingAccount, models.CASCADE, db_index=False)
    start = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "start"], name="one_count_per_minute"),
        ]
        indexes: ClassVar = [models.Index(fields=["start"], name="minute_by_start")]

    def __str__(self) -> str:
        return f"{self.account_id} at {self.start}"
