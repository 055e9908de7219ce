"""What other domains have told us about how to reach them."""

from typing import ClassVar

from django.db import models


class MtaStsPolicy(models.Model):
    """A domain's MTA-STS policy (RFC 8461), kept so that nobody can hide it from us later."""

    domain = models.CharField(max_length=255, primary_key=True)
    # As the TXT record had it when the policy was fetched.
    policy_id = models.CharField(max_length=32)
    mode = models.CharField(max_length=8)
    # Names and `*.` patterns of the servers that may take mail.
    servers = models.JSONField()
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="mta_sts_by_expiry")]

    def __str__(self) -> str:
        return f"MTA-STS policy of {self.domain}"
