"""Alerts by e-mail: who is told, once for each event.

Owns to whom an alert goes and that it goes once: the letters enter the queue in the transaction
that notes it as told. They belong to the system account and have the null envelope sender, so they
count against nobody and cannot loop. What a letter says is for `alert_letters`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import get_connection
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone, translation

from mailqueue import alerts
from mailqueue.models import Alert, HostingAccount
from panel import alert_letters
from panel.models import Membership, User

Kind = Alert.Kind
TO_OWNERS = frozenset(
    {Kind.BLOCKED, Kind.HOURLY_QUOTA, Kind.DAILY_QUOTA, Kind.EXPIRING, Kind.ANSWERED}
)
TO_ADMINISTRATORS = frozenset({Kind.BLOCKED, Kind.STATED, Kind.REFUSED, Kind.ENGINE})

logger = logging.getLogger("facteur.alerts")


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who gets a letter: where, in which language, and in which part."""

    address: str
    language: str
    is_owner: bool


def send_due(now: datetime) -> int:
    """Turn all alerts that wait into letters; return how many letters that was."""
    sent = after_id = 0
    while found := alerts.waiting(after_id):
        for alert in found:
            try:
                sent += send(alert, now)
            except Exception:
                # Whatever is wrong with one, the others go out; this one is tried again by the
                # next task.
                logger.exception("alert=%d kind=%s status=failed", alert.pk, alert.kind)
        after_id = found[-1].pk
    return sent


def send(alert: Alert, now: datetime) -> int:
    """Send the letters of one alert, unless they have been; return how many.

    Raises django.db.Error or FacteurError; then the alert waits as before.
    """
    with transaction.atomic():
        if not alerts.handle(alert.pk, now):
            return 0
        account = alert.account
        letters = []
        for reader in readers(account, Kind(alert.kind)):
            with translation.override(reader.language), timezone.override(account.time_zone):
                letters.append(
                    alert_letters.letter(alert, reader.address, now, is_owner=reader.is_owner)
                )
        get_connection().send_messages(letters)
    if not letters:
        logger.warning("alert=%d kind=%s account=%s readers=0", alert.pk, alert.kind, account)
    return len(letters)


def readers(account: HostingAccount, kind: Kind) -> list[Reader]:
    """Who gets a letter about this: each address once; an owner who administers, as owner."""
    found: dict[str, Reader] = {}
    if kind in TO_OWNERS:
        for reader in _owners(account):
            found.setdefault(reader.address.casefold(), reader)
        if not found and _is_address(account.report_to):
            reader = Reader(account.report_to, account.language, is_owner=True)
            found[reader.address.casefold()] = reader
    if kind in TO_ADMINISTRATORS:
        for reader in _administrators():
            found.setdefault(reader.address.casefold(), reader)
    return list(found.values())


def _owners(account: HostingAccount) -> Iterator[Reader]:
    users = User.objects.filter(
        is_active=True,
        memberships__account=account,
        memberships__role=Membership.Role.OWNER,
    )
    for user in users.order_by("pk"):
        if _is_address(user.email):
            yield Reader(user.email, _language(user, account.language), is_owner=True)


def _administrators() -> Iterator[Reader]:
    for user in User.objects.filter(is_active=True, is_staff=True).order_by("pk"):
        if _is_address(user.email):
            yield Reader(user.email, _language(user, settings.LANGUAGE_CODE), is_owner=False)


def _language(user: User, otherwise: str) -> str:
    return user.language or otherwise


def _is_address(written: str) -> bool:
    """Whether a letter can go there: one bad address must not keep it from the others."""
    try:
        validate_email(written)
    except ValidationError:
        return False
    return True
