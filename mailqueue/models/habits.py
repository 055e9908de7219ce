"""How accounts and their scripts are used to send: what behaviour over time is judged by."""

from typing import ClassVar

from django.db import models

from mailqueue.models.accounts import HostingAccount


class Habit(models.Model):
    """What an account, or one of its scripts, sends: the running hour, and the peaks before.

    `behaviour` alone writes it. Everything in it is bounded; what is told apart, is by digests.
    """

    account = models.ForeignKey(
        HostingAccount, models.CASCADE, related_name="habits", db_index=False
    )
    # As `Script.key`; empty for the account as a whole.
    script = models.CharField(max_length=64, blank=True)
    first_at = models.DateTimeField()
    # When it began to send, after a pause.
    since = models.DateTimeField()
    # When the running hour began, by UTC; and what was sent in it, in recipients.
    hour = models.DateTimeField()
    sent = models.BigIntegerField(default=0)
    # Of these, those that the account never wrote to before; and those of spam.
    new = models.BigIntegerField(default=0)
    spam = models.BigIntegerField(default=0)
    # The last hour in which it sent before that; and the most it sent in an hour since.
    last_hour = models.DateTimeField(null=True)
    rising = models.BigIntegerField(default=0)
    # Of the running hour: senders, subjects, texts with their links; addresses since it began.
    marks = models.JSONField(default=dict)
    # The most that was sent in an hour of each week before: pairs of week and number.
    peaks = models.JSONField(default=list)
    # The first addresses that it wrote to before.
    known = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "script"], name="one_habit_per_script"),
        ]
        indexes: ClassVar = [models.Index(fields=["hour"], name="habit_by_age")]

    def __str__(self) -> str:
        return f"{self.script[:8] or 'all'} of {self.account_id}"
