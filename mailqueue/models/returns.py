"""What came back: messages to our return paths, suppressed addresses, who refuses this house."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mailqueue.models.accounts import HostingAccount


class Returned(models.Model):
    """A message to one of our return paths, from its arrival until it is handled, and for a while.

    `returns` writes it. It names its recipient, or the stop it answers, by number only: their rows
    may be gone before it comes.
    """

    class Outcome(models.TextChoices):
        NEW = "", ""
        FAILURE = "failure", _("the e-mail came back")
        DELAY = "delay", _("still being tried")
        SUCCESS = "success", _("delivered")
        AUTO_REPLY = "auto", _("automatic answer")
        COMPLAINT = "spam", _("complaint")
        MAIL = "mail", _("ordinary mail")
        KNOWN = "known", _("told already")
        GONE = "gone", _("about an e-mail that is no longer kept")
        ANSWER = "answer", _("answer about a stop")
        UNASKED = "unasked", _("answer about a stop that nobody has to answer for")

    # A value of `return_tokens.Purpose`, and the number of its token.
    purpose = models.CharField(max_length=1)
    number = models.BigIntegerField()
    received_at = models.DateTimeField()
    # When to look at it (again): the outcome of its delivery may not be written down yet.
    due_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    outcome = models.CharField(
        max_length=8, choices=Outcome.choices, default=Outcome.NEW, blank=True
    )
    # The envelope sender, and the address of the server that brought it.
    sender = models.CharField(max_length=320, blank=True)
    source = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    # Its first bytes, zstd-compressed.
    content = models.BinaryField()
    # Who is to get a copy of it; empty when nobody is, or it is on its way.
    copy_to = models.CharField(max_length=320, blank=True, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at", "id"],
                name="returned_due",
                condition=Q(handled_at__isnull=True),
            ),
            models.Index(fields=["purpose", "number"], name="returned_by_number"),
            models.Index(fields=["id"], name="returned_to_copy", condition=~Q(copy_to="")),
            models.Index(fields=["received_at"], name="returned_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}{self.number} at {self.received_at}"


class Suppression(models.Model):
    """An address that gets no mail: of one account, or of all. `suppressions` writes it."""

    class Reason(models.TextChoices):
        FAILED = "failed", _("does not exist")
        COMPLAINED = "spam", _("complained")
        ADDED = "added", _("added by hand")

    # None: of all accounts.
    account = models.ForeignKey(
        HostingAccount, models.CASCADE, null=True, related_name="suppressions", db_index=False
    )
    # In lower case.
    address = models.CharField(max_length=320)
    reason = models.CharField(max_length=8, choices=Reason.choices)
    created_at = models.DateTimeField()
    # None: for ever.
    until = models.DateTimeField(null=True)
    # A login name; empty if it was a rule.
    actor = models.CharField(max_length=150, blank=True)
    # What the other server said.
    words = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "address"], name="suppressed_once"),
            models.UniqueConstraint(
                fields=["address"],
                condition=Q(account__isnull=True),
                name="suppressed_once_for_all",
            ),
            models.CheckConstraint(
                condition=Q(reason="added") | Q(until__isnull=False),
                name="rules_suppress_for_a_time",
            ),
        ]
        indexes: ClassVar = [
            # What acceptance asks.
            models.Index(fields=["address"], name="suppressed_address"),
            models.Index(
                fields=["until"], name="suppression_ending", condition=Q(until__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address} of {self.account_id}"


class Strike(models.Model):
    """That an address failed hard once, and when: the second time within a day suppresses it."""

    account = models.ForeignKey(
        HostingAccount, models.CASCADE, related_name="strikes", db_index=False
    )
    address = models.CharField(max_length=320)
    failed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "address"], name="one_strike"),
        ]
        indexes: ClassVar = [models.Index(fields=["failed_at"], name="strike_by_time")]

    def __str__(self) -> str:
        return f"{self.address} of {self.account_id}"


class Refused(models.Model):
    """That a destination refused mail of an account on a day because of this house.

    For its address, its name or its settings, not for what the account sends. `troubles` writes it.
    """

    day = models.DateField()
    destination = models.CharField(max_length=255)
    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="refused_by")
    number = models.PositiveIntegerField(default=0)
    category = models.CharField(max_length=20)
    words = models.CharField(max_length=500)
    first_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "destination", "account"], name="one_refusal_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.destination} on {self.day}: {self.account_id}"
