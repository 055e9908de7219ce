"""What screening found, how rules fare, and the cases that follow."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from mailqueue.models.accounts import HostingAccount
from mailqueue.models.changes import StateChange
from mailqueue.models.messages import Message


class Judgement(models.Model):
    """What screening found in a message, where it found much; `judgements` writes it.

    Of a message that was judged and has no row here, nothing worth telling was found.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="judgement", db_index=False
    )
    # Repeated from the message, so that the index by account needs no join.
    account = models.ForeignKey(HostingAccount, models.CASCADE, db_index=False)
    judged_at = models.DateTimeField()
    score = models.FloatField()
    is_spam = models.BooleanField()
    has_malware = models.BooleanField(default=False)
    # The heaviest first: objects with rule, score, where and details. They quote strangers.
    findings = models.JSONField(default=list)
    # When somebody said that the e-mail is wanted, and who.
    wanted_at = models.DateTimeField(null=True)
    wanted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["account", "-judged_at"],
                name="judgement_spam",
                condition=Q(is_spam=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.score:.1f}"


class RuleCount(models.Model):
    """How often a rule of screening fired on a day (UTC), and how often it was overruled then."""

    rule = models.CharField(max_length=40)
    day = models.DateField()
    fired = models.BigIntegerField(default=0)
    # In messages that were judged spam.
    convicted = models.BigIntegerField(default=0)
    # In messages that somebody said are wanted.
    overruled = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "rule"], name="one_count_per_rule_and_day"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} on {self.day}"


class HouseRule(models.Model):
    """What an administrator multiplies the scores of a rule with, everywhere; 0 switches it off."""

    rule = models.CharField(max_length=40, primary_key=True)
    weight = models.FloatField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"{self.rule}: {self.weight}"


class AccountRule(models.Model):
    """How a rule of screening fares with one account, and what its scores are multiplied with."""

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="rules")
    rule = models.CharField(max_length=40)
    weight = models.FloatField(default=1.0)
    fired = models.BigIntegerField(default=0)
    overruled = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(null=True)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "rule"], name="one_rule_per_account"),
        ]
        indexes: ClassVar = [
            # What judging needs of many accounts at once.
            models.Index(fields=["account"], name="rule_weighed", condition=~Q(weight=1.0)),
            models.Index(
                fields=["rule", "-overruled"],
                name="rule_overruled",
                condition=Q(overruled__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} of {self.account_id}: {self.weight}"


class SpamCase(models.Model):
    """A stop for spam: its evidence, kept apart from the queue so that a purge cannot take it.

    `cases` writes it. It is open until the service is delivering again.
    """

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="cases")
    change = models.OneToOneField(StateChange, models.CASCADE, related_name="case")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)
    # The messages that its rules and scripts are summed over.
    looked_at = models.PositiveIntegerField(default=0, db_default=0)
    # How many of the messages looked at met each rule, and what the rule added: the heaviest first.
    rules = models.JSONField(default=list)
    # Which scripts they came from, as far as scripts tell: the most first.
    scripts = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(closed_at__isnull=True),
                name="one_open_case_per_account",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account", "-opened_at"], name="case_by_account"),
            models.Index(
                fields=["-opened_at", "-id"], name="case_open", condition=Q(closed_at__isnull=True)
            ),
            models.Index(fields=["-opened_at", "-id"], name="case_by_time"),
        ]

    def __str__(self) -> str:
        return f"case of {self.account_id} at {self.opened_at}"


class CaseSample(models.Model):
    """A message as evidence: copied, with what was found in it."""

    case = models.ForeignKey(SpamCase, models.CASCADE, related_name="samples")
    queue_id = models.CharField(max_length=16)
    accepted_at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True)
    # The first of its recipients, and how many there are.
    address = models.CharField(max_length=320)
    recipients = models.PositiveIntegerField()
    subject = models.CharField(max_length=255, blank=True)
    script = models.CharField(max_length=255, blank=True)
    folder = models.CharField(max_length=1024, blank=True)
    size_bytes = models.PositiveIntegerField()
    score = models.FloatField(null=True)
    findings = models.JSONField(default=list)
    # The first bytes of it, zstd-compressed; None if the message was no longer kept.
    content = models.BinaryField(null=True)
    is_clipped = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.queue_id} of {self.case_id}"
