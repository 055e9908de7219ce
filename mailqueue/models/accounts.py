"""Whose mail it is: hosting accounts, the tokens of their scripts, the last refusal of each."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mailqueue.states import State


class SenderPolicy(models.TextChoices):
    """What becomes of a message whose author is of a domain that is not the account's."""

    ALLOW = "allow", _("Allow")
    WARN = "warn", _("Allow, and tell it on the page")
    REWRITE = "rewrite", _("Replace it")
    REFUSE = "refuse", _("Refuse the e-mail")


class Screening(models.TextChoices):
    """What becomes of mail that is judged spam."""

    HOLD = "hold", _("Hold it")
    NOTE = "note", _("Send it, and note what was found")
    OFF = "off", _("Do not look")


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
    # Whether what came back of its mail goes on to the author's envelope sender.
    copies_returns = models.BooleanField(default=False, db_default=False)
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
    # Empty is the house's (see `senders`).
    sender_policy = models.CharField(max_length=8, choices=SenderPolicy.choices, blank=True)
    # What becomes of its mail that is judged spam; empty is the house's.
    screening = models.CharField(max_length=4, choices=Screening.choices, blank=True, db_default="")
    # Whether owners may let go e-mails that were judged spam; None is the house's.
    owners_overrule = models.BooleanField(null=True, blank=True)
    # Whether any of its scripts is blocked: `scripts` sees to it.
    blocks_scripts = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="account_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.service_name


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
    # From where alone it counts over the network: networks with blanks between, each as CIDR writes
    # it. Empty is everywhere.
    networks = models.CharField(max_length=1000, blank=True)
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
