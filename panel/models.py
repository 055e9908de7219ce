"""Who may see what: the users of the panel, and their part in each hosting account."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mailqueue.models import HostingAccount


class User(AbstractUser):
    """Somebody who logs in. `is_staff` makes an administrator, who sees every account."""

    language = models.CharField(max_length=8, blank=True)


class Membership(models.Model):
    """The part that a user has in an account."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        READER = "reader", _("Read-only")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.OWNER)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "account"], name="one_role_per_account"),
        ]

    def __str__(self) -> str:
        return f"{self.user} / {self.account}: {self.role}"


class DailyReport(models.Model):
    """An error report as it was sent, for one account and one day in its time zone."""

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="reports")
    day = models.DateField()
    sent_at = models.DateTimeField()
    sent_to = models.EmailField()
    subject = models.CharField(max_length=255)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            # The task may run twice: the day is reported once.
            models.UniqueConstraint(fields=["account", "day"], name="one_report_per_day"),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.day}"


class ReportProgress(models.Model):
    """The last day of an account that was looked at, whether there was something to report."""

    account = models.OneToOneField(
        HostingAccount, models.CASCADE, primary_key=True, related_name="report_progress"
    )
    through = models.DateField()

    def __str__(self) -> str:
        return f"{self.account_id} through {self.through}"


class Invitation(models.Model):
    """Somebody who was asked by e-mail to look after an account; the link is used once."""

    email = models.EmailField()
    # None for an administrator.
    account = models.ForeignKey(
        HostingAccount, models.CASCADE, null=True, related_name="invitations"
    )
    role = models.CharField(max_length=8, choices=Membership.Role.choices, blank=True)
    # SHA-256 of the random part of the link, in hexadecimal digits.
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(account__isnull=True, role="")
                | (Q(account__isnull=False) & ~Q(role="")),
                name="invitation_has_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} for {self.account_id}"


class AuditEntry(models.Model):
    """Who did what, when, to which account. `audit` alone writes it, and nobody changes it."""

    at = models.DateTimeField()
    # The login at that time: users come and go.
    actor = models.CharField(max_length=150)
    account = models.ForeignKey(
        HostingAccount, models.CASCADE, null=True, related_name="audit_entries"
    )
    action = models.CharField(max_length=32)
    # What it was done to, in a few words: an address, a queue id, a login.
    target = models.CharField(max_length=320, blank=True)
    details = models.JSONField(default=dict)
    # Where the request came from.
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["account", "-at", "-id"], name="audit_by_account"),
            models.Index(fields=["-at", "-id"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at}: {self.actor} {self.action} {self.target}"
