"""Hosting accounts: making them, finding them."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator, validate_email
from django.db import transaction

from mailqueue.errors import UnknownAccount
from mailqueue.models import AccountTotals, HostingAccount

# No domain can have this name (RFC 9476 and ICANN's reservation of .internal).
SYSTEM_NAME = "facteur.internal"
LARGEST_UID = 2**32 - 2  # (uid_t) -1 means "nobody in particular" to the kernel


def create(
    service_name: str,
    now: datetime,
    *,
    uid: int | None = None,
    report_to: str = "",
    language: str = "fr",
    time_zone: str = "Europe/Paris",
) -> HostingAccount:
    """Make an account named by its main domain, with its totals at zero.

    `uid` is the Unix user whose mail it gets. Raises ValidationError if a value is nonsense, or
    the name or the uid is taken.
    """
    service_name = service_name.strip().lower()
    DomainNameValidator()(service_name)
    if report_to:
        validate_email(report_to)
    if uid is not None and not 0 <= uid <= LARGEST_UID:
        raise ValidationError(f"{uid} is no user number.")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValidationError(f"{time_zone!r} is no time zone.") from error
    account = HostingAccount(
        service_name=service_name,
        uid=uid,
        created_at=now,
        report_to=report_to,
        language=language,
        time_zone=time_zone,
        state_changed_at=now,
        windows_from=now,
    )
    with transaction.atomic():
        account.validate_unique()
        account.save(force_insert=True)
        AccountTotals.objects.create(account=account)
    return account


def system(now: datetime) -> HostingAccount:
    """The account of the panel's own letters; made at its first use."""
    known = HostingAccount.objects.filter(is_system=True).first()
    if known is not None:
        return known
    with transaction.atomic():
        account, is_new = HostingAccount.objects.get_or_create(
            service_name=SYSTEM_NAME,
            defaults={
                "is_system": True,
                "created_at": now,
                "state_changed_at": now,
                "windows_from": now,
            },
        )
        if is_new:
            AccountTotals.objects.create(account=account)
    return account


def named(service_name: str) -> HostingAccount:
    """The account of this name. Raises UnknownAccount if there is none."""
    try:
        return HostingAccount.objects.get(service_name=service_name)
    except HostingAccount.DoesNotExist:
        raise UnknownAccount(service_name) from None


def report_to(account_id: int, address: str) -> None:
    """Send the account's error report to `address`. Raises ValidationError if it is none."""
    validate_email(address)
    HostingAccount.objects.filter(pk=account_id).update(report_to=address)


def ids_by_uid(uids: Iterable[int]) -> dict[int, int]:
    """The account number for each of these Unix users that has an account."""
    pairs = HostingAccount.objects.filter(uid__in=set(uids)).values_list("uid", "pk")
    return {uid: pk for uid, pk in pairs if uid is not None}
