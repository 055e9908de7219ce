"""What was found out beside the mail: which hosts links lead to, and what reputation lists say."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from mailqueue.models.accounts import HostingAccount


class Fact(models.Model):
    """Something to be found out, or found out; `facts` alone writes it."""

    # Whose mail wanted it last, and when: each account may want so many an hour.
    asked_by = models.ForeignKey(HostingAccount, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    # To be found out from then on; None while nobody wants it anew.
    due_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    # Until then it is believed.
    fresh_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class LinkedHost(Fact):
    """A host that links lead to: whether it lives, and whether it has https."""

    # As DNS has it (see `domains.a_labels`).
    host = models.CharField(max_length=253, unique=True)
    # Whether an https link names it.
    is_secure = models.BooleanField(default=False)
    is_dead = models.BooleanField(default=False)
    lacks_https = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="host_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["asked_by", "asked_at"], name="host_by_account"),
            models.Index(fields=["asked_at"], name="host_by_age"),
        ]

    def __str__(self) -> str:
        return self.host


class ListAnswer(Fact):
    """What a reputation list says of an address: of a visitor's, or of one of ours."""

    zone = models.CharField(max_length=253)
    address = models.CharField(max_length=39)
    # One of ours, or one by which the list itself is tried (RFC 5782 §5): asked again and again.
    is_house = models.BooleanField(default=False)
    # The address in its answer; empty if it does not list this one, or did not answer.
    answer = models.CharField(max_length=15, blank=True)
    # Why it did not (see `facts.Trouble`).
    trouble = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["address", "zone"], name="list_answer_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="answer_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["asked_by", "asked_at"], name="answer_by_account"),
            models.Index(fields=["asked_at"], name="answer_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.address} at {self.zone}"
