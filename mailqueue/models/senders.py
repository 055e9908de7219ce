"""In whose name mail goes out: domains of accounts, their signing keys, strange authors."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from mailqueue.models.accounts import HostingAccount


class AccountDomain(models.Model):
    """A domain that an account may write for, beside its name; what lies below it counts too."""

    account = models.ForeignKey(HostingAccount, models.CASCADE, related_name="domains")
    # As DNS has it (see `domains.ascii_name`).
    domain = models.CharField(max_length=253)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=150)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "domain"], name="account_domain_once"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} of {self.account_id}"


class SigningKey(models.Model):
    """A key that signs the mail of a domain (DKIM). `signing_keys` alone writes it."""

    class Algorithm(models.TextChoices):
        """As the tag `k=` of a record names it (RFC 6376 §3.6.1, RFC 8463 §4)."""

        RSA = "rsa", "RSA, 2048 bits"
        ED25519 = "ed25519", "Ed25519"

    domain = models.CharField(max_length=253)
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=8, choices=Algorithm.choices)
    # Sealed (see `sealing`); empty once the key is retired: nobody will sign with it again.
    private_key = models.TextField(blank=True)
    # Base64, as the tag `p=` has it.
    public_key = models.TextField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    # It signs from the one to the other.
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "selector"], name="signing_key_selector"),
            models.UniqueConstraint(
                fields=["domain", "algorithm"],
                condition=Q(activated_at__isnull=False, retired_at__isnull=True),
                name="signing_key_active_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


class ForeignSender(models.Model):
    """How many e-mails of an account bore the name of a strange domain lately, and the last one."""

    account = models.OneToOneField(
        HostingAccount, models.CASCADE, primary_key=True, related_name="foreign_sender"
    )
    number = models.PositiveIntegerField()
    since = models.DateTimeField()
    last_at = models.DateTimeField()
    # What stood in its From, and the script that sent it.
    author = models.CharField(max_length=320)
    script = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.author}"
