"""What happened to an account: changes of state, reviews, alerts, and the work of clicks."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mailqueue.models.accounts import HostingAccount


class StateChange(models.Model):
    """One change of an account's state: who or what, when, from, to, why. `service` writes it."""

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="changes")
    changed_at = models.DateTimeField()
    event = models.CharField(max_length=16)
    from_state = models.CharField(max_length=8)
    to_state = models.CharField(max_length=8)
    # A login name, or the name of the rule that acted by itself.
    actor = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    figures = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-changed_at"], name="change_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.from_state} -> {self.to_state}"


class Review(models.Model):
    """What an owner says was done about a block, and what an administrator answers.

    `reviews` writes it. The newest one of an account counts.
    """

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="reviews")
    stated_at = models.DateTimeField()
    author = models.CharField(max_length=150)
    statement = models.TextField()
    # It came as an answer to the letter: its author is who that answer says it is from.
    by_mail = models.BooleanField(default=False, db_default=False)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=150, blank=True)
    is_lifted = models.BooleanField(default=False)
    answer = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(answered_at__isnull=True),
                name="one_open_review_per_account",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-stated_at"], name="review_by_account"),
        ]

    def __str__(self) -> str:
        return f"review of {self.account_id} at {self.stated_at}"


class Alert(models.Model):
    """Something that people must be told by e-mail; `alerts` writes it, `panel` sends it.

    Written in the transaction of what it tells, and sent once: `key` names the event within its
    kind.
    """

    class Kind(models.TextChoices):
        BLOCKED = "blocked", _("blocked by a rule")
        HOURLY_QUOTA = "hour", _("hourly quota nearly used")
        DAILY_QUOTA = "day", _("daily quota nearly used")
        EXPIRING = "expiring", _("held e-mails expire soon")
        STATED = "stated", _("an owner asks for a review")
        ANSWERED = "answered", _("a review was answered")
        REFUSED = "refused", _("a destination refuses this server")
        ENGINE = "engine", _("an engine does not answer")

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    key = models.CharField(max_length=64)
    figures = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "key"], name="alert_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="alert_to_send", condition=Q(handled_at__isnull=True)),
            models.Index(fields=["created_at"], name="alert_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id}: {self.key}"


class QueueJob(models.Model):
    """Slow work on the queue of one account: done in slices, taken up again after a restart.

    It takes recipients numbered up to `through_id`: what stood there at the click.
    """

    class Kind(models.TextChoices):
        HOLD = "hold", _("holding")
        RELEASE = "release", _("releasing")
        PURGE = "purge", _("purging")

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    through_id = models.BigIntegerField()
    # How far the walk has come.
    after_id = models.BigIntegerField(default=0)
    # How many were to be done at the click, and how many have been.
    total = models.BigIntegerField()
    done = models.BigIntegerField(default=0)
    stay_blocked = models.BooleanField(default=False)
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            # A click replaces the work of the click before it.
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(finished_at__isnull=True),
                name="one_open_job_per_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.account_id}"
