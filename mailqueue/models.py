"""The rows of the ledger: accounts, messages, recipients, counts, changes, jobs, alerts.

The database repeats what must never break: check constraints, unique keys, and partial indexes
for what workers scan. Who may write which row is told in `queue`, `service` and `counters`.
"""

from typing import ClassVar, TypeAlias

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from mailqueue.states import State


class HostingAccount(models.Model):
    """One hosting, named by its main domain. `service` alone writes its state."""

    STATES: ClassVar = [
        (State.OK.value, _("Enabled")),
        (State.FORCE.value, _("Force")),
        (State.KO.value, _("Disabled")),
        (State.BOUNCE.value, _("Bounce")),
        (State.SPAM.value, _("SPAM")),
        (State.PURGING.value, _("Purging")),
    ]

    service_name = models.CharField(max_length=253, unique=True)
    # The Unix user whose mail this is; None for accounts that have tokens only.
    uid = models.PositiveBigIntegerField(null=True, blank=True, unique=True)
    # The panel's own letters: no state blocks them, no page lists them.
    is_system = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    report_to = models.EmailField(blank=True)
    language = models.CharField(max_length=8, default="fr")
    time_zone = models.CharField(max_length=64, default="Europe/Paris")
    state = models.CharField(max_length=8, choices=STATES, default=State.OK.value)
    state_changed_at = models.DateTimeField()
    # Every window of a limit starts anew at the last change to ok or force.
    windows_from = models.DateTimeField()
    # Set by a block that an administrator made, or by blocks that come again and again: owners
    # cannot unblock, until an administrator has looked.
    review_required = models.BooleanField(default=False)
    # Recipients up to this number were in the queue when it was last purged.
    purged_through = models.BigIntegerField(default=0)
    # A closed account takes no mail; its history stays.
    closed_at = models.DateTimeField(null=True, blank=True)
    # In `force`: when the usual share of errors was last reached.
    over_ratio_at = models.DateTimeField(null=True, blank=True)
    # Its limits (see `limits`): None is the house's, 0 is none. Recipients, per cent, hours.
    hourly_quota = models.PositiveIntegerField(null=True, blank=True)
    daily_quota = models.PositiveIntegerField(null=True, blank=True)
    fast_limit = models.PositiveIntegerField(null=True, blank=True)
    error_limit = models.PositiveIntegerField(null=True, blank=True)
    bounce_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    hold_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    hold_limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="account_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.service_name


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
            # What workers scan: held mail never enters it.
            models.Index(
                fields=["next_attempt_at", "id"],
                name="recipient_due",
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
            # What is kept about one address (see `traces`).
            models.Index(Lower("address"), F("account"), name="recipient_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.address}"


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


class AccountToken(models.Model):
    """Lets scripts that share a Unix user, or run elsewhere, say whose mail theirs is.

    The token itself is shown once, when it is made; its digest is what is kept.
    """

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    # SHA-256 in hexadecimal digits: the token is random, so no slow hash is needed.
    digest = models.CharField(max_length=64, unique=True)
    # The Unix user from whom alone it counts, by the sendmail command. Without one it counts over
    # the network alone (SMTP).
    uid = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} of {self.account_id}"


class LastRefusal(models.Model):
    """The newest message of an account that the relay did not take, and why."""

    account = models.OneToOneField(
        HostingAccount, models.CASCADE, primary_key=True, related_name="last_refusal"
    )
    refused_at = models.DateTimeField()
    # What the sendmail command exits with (sysexits.h).
    exit_code = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=255)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.text}"


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
