"""What was handed over: messages, their bodies, their recipients. `queue` alone writes them."""

from datetime import datetime
from typing import ClassVar, TypeAlias

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from mailqueue.models.accounts import HostingAccount


class Message(models.Model):
    """What a script handed over once, for one or more recipients. `queue` alone writes it."""

    class Origin(models.TextChoices):
        SOCKET = "socket", _("sendmail command")
        MAILDROP = "maildrop", _("sendmail command, kept while the relay was away")
        PANEL = "panel", _("panel")
        SUBMISSION = "smtp", _("SMTP script")

    account = models.ForeignKey(HostingAccount, models.PROTECT, related_name="messages")
    queue_id = models.CharField(max_length=16, unique=True)
    # The random number of the hand-over: the same message handed over twice is kept once.
    handover_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001
    origin = models.CharField(max_length=8, choices=Origin.choices)
    accepted_at = models.DateTimeField()
    # The author's envelope sender; empty is the null sender.
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    # Who sent it, as far as the script itself tells: a hint, never an identity.
    script = models.CharField(max_length=255, blank=True)
    folder = models.CharField(max_length=1024, blank=True)
    size_bytes = models.PositiveIntegerField()
    # What screening made of it; None until a worker has looked. Spam is held, until somebody says
    # that it is wanted.
    spam_score = models.FloatField(null=True)
    is_spam = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-accepted_at"], name="message_by_account"),
        ]

    def __str__(self) -> str:
        return self.queue_id


class Body(models.Model):
    """The bytes of a message as they go out, zstd-compressed if that is shorter.

    Beside its rows, so that one transaction and one backup hold the truth; in a table of its own,
    so that lists of messages stay narrow. It goes when its last recipient has ended.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="body", db_index=False
    )
    content = models.BinaryField()
    is_compressed = models.BooleanField()

    def __str__(self) -> str:
        return f"body of {self.message_id}"


class RecipientStatus(models.TextChoices):
    """Where a recipient is; the first three are its life, the others its end."""

    WAITING = "waiting", _("waiting")
    SENDING = "sending", _("being sent")
    HELD = "held", _("held")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    PURGED = "purged", _("purged")
    EXPIRED = "expired", _("expired")
    SUPPRESSED = "suppressed", _("suppressed")


class Recipient(models.Model):
    """One message to one address: what everything is counted in. `queue` alone writes it."""

    Status: TypeAlias = RecipientStatus

    class HoldReason(models.TextChoices):
        NONE = "", ""
        BLOCKED = "blocked", _("the service is blocked")
        OVERFLOW = "overflow", _("over the quota")
        SPAM = "spam", _("judged to be spam")
        SCRIPT = "script", _("its script is blocked")

    LIVE: ClassVar = (Status.WAITING, Status.SENDING, Status.HELD)
    ENDED: ClassVar = (
        Status.SENT,
        Status.FAILED,
        Status.PURGED,
        Status.EXPIRED,
        Status.SUPPRESSED,
    )

    message = models.ForeignKey(Message, models.CASCADE, related_name="recipients")
    # Repeated from the message, so that indexes by account need no join.
    account = models.ForeignKey(
        HostingAccount, models.PROTECT, related_name="recipients", db_index=False
    )
    address = models.CharField(max_length=320)
    domain = models.CharField(max_length=255)
    status = models.CharField(max_length=10, choices=Status.choices)
    hold_reason = models.CharField(
        max_length=10, choices=HoldReason.choices, default=HoldReason.NONE, blank=True
    )
    accepted_at = models.DateTimeField()
    deadline = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    # Names the last claim: its worker may report even if the lease ran out, until another claims.
    claim = models.CharField(max_length=32, blank=True)
    ended_at = models.DateTimeField(null=True)
    # When it was let through by the quotas, which count it once; None while it has not been. If
    # somebody chose to let it go, when that was.
    admitted_at = models.DateTimeField(null=True)
    # Somebody chose to let this one go, though its account is blocked; a later stop holds it again.
    is_released = models.BooleanField(default=False)
    # The last words of the other side (or ours), its enhanced status code and its name.
    reply = models.TextField(blank=True)
    reply_status = models.CharField(max_length=16, blank=True)
    reply_host = models.CharField(max_length=255, blank=True)
    # Why it failed (`bounces.Category`), as its last reply was understood at the time.
    category = models.CharField(max_length=20, blank=True)
    # When it came back after it was sent: it is in error then, and stays `sent`.
    returned_at = models.DateTimeField(null=True)
    # When its addressee reported it as spam.
    complained_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=[*RecipientStatus.values]),
                name="recipient_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", next_attempt_at__isnull=False)
                | (~Q(status="waiting") & Q(next_attempt_at__isnull=True)),
                name="waiting_has_next_attempt",
            ),
            models.CheckConstraint(
                condition=(Q(status="sending", lease_until__isnull=False) & ~Q(claim=""))
                | (~Q(status="sending") & Q(lease_until__isnull=True)),
                name="sending_has_lease",
            ),
            models.CheckConstraint(
                condition=(Q(status="held") & ~Q(hold_reason=""))
                | (~Q(status="held") & Q(hold_reason="")),
                name="held_says_why",
            ),
            models.CheckConstraint(
                condition=(Q(status__in=["waiting", "sending", "held"]) & Q(ended_at__isnull=True))
                | (~Q(status__in=["waiting", "sending", "held"]) & Q(ended_at__isnull=False)),
                name="ended_has_time",
            ),
            models.UniqueConstraint(fields=["message", "address"], name="recipient_once"),
        ]
        indexes: ClassVar = [
            # What workers scan, account by account: held mail never enters it.
            models.Index(
                fields=["account", "next_attempt_at", "id"],
                name="recipient_turn",
                condition=Q(status="waiting"),
            ),
            models.Index(
                fields=["lease_until"],
                name="recipient_leased",
                condition=Q(status="sending"),
            ),
            models.Index(
                fields=["deadline"],
                name="recipient_expiring",
                condition=Q(status="held"),
            ),
            # The queue as the page shows it, and what a hold, a release or a purge walks along.
            models.Index(
                fields=["account", "id"],
                name="recipient_queued",
                condition=Q(status__in=["waiting", "sending", "held"]),
            ),
            models.Index(
                fields=["account", "id"],
                name="recipient_held",
                condition=Q(status="held"),
            ),
            # What drips out when the quota allows.
            models.Index(
                fields=["account", "id"],
                name="recipient_overflow",
                condition=Q(status="held", hold_reason="overflow"),
            ),
            # What was judged spam, and what a blocked script sent.
            models.Index(
                fields=["account", "id"],
                name="recipient_spam",
                condition=Q(status="held", hold_reason="spam"),
            ),
            models.Index(
                fields=["account", "id"],
                name="recipient_script",
                condition=Q(status="held", hold_reason="script"),
            ),
            models.Index(
                fields=["account", "id"],
                name="recipient_waiting",
                condition=Q(status="waiting"),
            ),
            # What expired in the queue, the newest first.
            models.Index(
                fields=["account", "-ended_at", "-id"],
                name="recipient_expired",
                condition=Q(status="expired"),
            ),
            # What was in error, the newest first: all of it, and of one category.
            models.Index(
                fields=["account", "-ended_at", "-id"],
                name="recipient_failed",
                condition=Q(status="failed"),
            ),
            models.Index(
                fields=["account", "category", "-ended_at", "-id"],
                name="recipient_failed_category",
                condition=Q(status="failed"),
            ),
            # What came back after it was sent, the newest first.
            models.Index(
                fields=["account", "-returned_at", "-id"],
                name="recipient_returned",
                condition=Q(returned_at__isnull=False),
            ),
            # What is kept about one address (see `traces`).
            models.Index(Lower("address"), F("account"), name="recipient_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.address}"

    def was_let_go_since(self, moment: datetime) -> bool:
        """Whether somebody let this one go since then; a stop holds what went before it."""
        return self.is_released and self.admitted_at is not None and self.admitted_at >= moment

    @property
    def in_error_at(self) -> datetime:
        """When it came back or failed; of one that is not in error, when it was accepted."""
        return self.returned_at or self.ended_at or self.accepted_at
