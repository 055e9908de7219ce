"""Hosting accounts: making, changing, closing and finding them.

What a person may have typed is checked here, and refused by ValidationErrors that name the field.
The state of a service is for `service`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator, validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from mailqueue import service, statements
from mailqueue.errors import UnknownAccount
from mailqueue.models import AccountTotals, HostingAccount, Screening
from mailqueue.states import DELIVERING, State

# No domain can have this name (RFC 9476 and ICANN's reservation of .internal).
SYSTEM_NAME = "facteur.internal"
LARGEST_UID = 2**32 - 2  # (uid_t) -1 means "nobody in particular" to the kernel
# Ours: more than anybody sends, and far from what the columns hold.
MOST_RECIPIENTS = 10_000_000
# What an account's own limits may be, both included. 0 is no limit; nothing is held for no time.
BOUNDS: Mapping[str, tuple[int, int]] = {
    "hourly_quota": (0, MOST_RECIPIENTS),
    "daily_quota": (0, MOST_RECIPIENTS),
    "fast_limit": (0, MOST_RECIPIENTS),
    "error_limit": (0, MOST_RECIPIENTS),
    "bounce_percent": (0, 100),
    "hold_hours": (1, 720),
    "hold_limit": (0, MOST_RECIPIENTS),
}


class Changes(TypedDict, total=False):
    """What may be changed in an account; what is not given stays."""

    uid: int | None
    report_to: str
    language: str
    time_zone: str
    copies_returns: bool
    # What becomes of its mail that is judged spam; empty is the house's.
    screening: str
    # Whether owners may say that such mail is wanted; None is the house's.
    owners_overrule: bool | None
    # Its own limits; None is the house's.
    hourly_quota: int | None
    daily_quota: int | None
    fast_limit: int | None
    error_limit: int | None
    bounce_percent: int | None
    hold_hours: int | None
    hold_limit: int | None


@dataclass(frozen=True, slots=True)
class Owned:
    """The account whose mail something is."""

    account_id: int
    is_closed: bool


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
    try:
        DomainNameValidator()(service_name)
    except ValidationError:
        raise ValidationError({"service_name": _("This is no domain name.")}) from None
    account = HostingAccount(
        service_name=service_name,
        created_at=now,
        state_changed_at=now,
        windows_from=now,
    )
    if HostingAccount.objects.filter(service_name=service_name).exists():
        raise ValidationError({"service_name": _("There is already an account of this name.")})
    changes = Changes(uid=uid, report_to=report_to, language=language, time_zone=time_zone)
    _check(account, changes)
    for name, value in changes.items():
        setattr(account, name, value)
    with transaction.atomic():
        try:
            with transaction.atomic():
                account.save(force_insert=True)
        except IntegrityError as error:
            raise _taken_meanwhile() from error
        AccountTotals.objects.create(account=account)
    return account


def change(account_id: int, **changes: Unpack[Changes]) -> dict[str, tuple[object, object]]:
    """Change what is given; return what became different, as (before, after) by name.

    Raises ValidationError if a value is nonsense or taken, UnknownAccount.
    """
    with transaction.atomic():
        account = _lock(account_id)
        _check(account, changes)
        different = {
            name: (getattr(account, name), value)
            for name, value in changes.items()
            if getattr(account, name) != value
        }
        for name, (_before, value) in different.items():
            setattr(account, name, value)
        if different:
            try:
                with transaction.atomic():
                    account.save(update_fields=[*different])
            except IntegrityError as error:
                raise _taken_meanwhile() from error
    return different


def close(account_id: int, actor: str, now: datetime) -> None:
    """Take no more mail of this account, and stop its deliveries; its history stays.

    What is in its queue is held until its time is over, unless somebody purges it. Raises
    ValidationError if it is closed or a purge is running, UnknownAccount.
    """
    with transaction.atomic():
        account = _lock(account_id)
        if obstacle := closing_obstacle(account):
            raise ValidationError(obstacle)
        HostingAccount.objects.filter(pk=account_id).update(closed_at=now)
        if account.state in DELIVERING:
            service.block(account_id, actor, now)


def reopen(account_id: int) -> None:
    """Take mail of this account again; it is held until somebody unblocks the service.

    Raises ValidationError if it is not closed, UnknownAccount.
    """
    with transaction.atomic():
        account = _lock(account_id)
        if obstacle := reopening_obstacle(account):
            raise ValidationError(obstacle)
        HostingAccount.objects.filter(pk=account_id).update(closed_at=None)


def closing_obstacle(account: HostingAccount) -> str:
    """Why an account cannot be closed, for the person who tries; empty if it can."""
    if account.closed_at is not None:
        return _("This account is already closed.")
    # The end of a purge lets mail go again.
    is_purging = account.state == State.PURGING
    return _("A purge is running. Close the account when it is over.") if is_purging else ""


def reopening_obstacle(account: HostingAccount) -> str:
    """Why an account cannot be reopened; empty if it can."""
    return _("This account is not closed.") if account.closed_at is None else ""


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


def by_uid(uids: Iterable[int]) -> dict[int, Owned]:
    """The account of each of these Unix users that has one, closed ones too."""
    condition, values = statements.among(set(uids))
    table = HostingAccount._meta.db_table
    sql = f"SELECT uid, id, closed_at FROM {table} WHERE uid {condition}"  # noqa: S608
    found = statements.fetch(sql, values)
    return {uid: Owned(pk, closed_at is not None) for uid, pk, closed_at in found}


def id_by_name(service_name: str) -> int | None:
    """The number of the account of this name, closed ones too; None if there is none."""
    found = HostingAccount.objects.filter(service_name=service_name.strip().lower())
    return found.values_list("pk", flat=True).first()


def check_uid(uid: int | None) -> None:
    """Raise ValidationError if this is no number of a Unix user; None is nobody's."""
    if uid is not None and not 0 <= uid <= LARGEST_UID:
        raise ValidationError(
            _("A user number lies between 0 and %(most)d.") % {"most": LARGEST_UID}
        )


def _check(account: HostingAccount, changes: Changes) -> None:
    """Raise ValidationError, with all that is wrong by name."""
    wrong: dict[str, str] = {}
    if uid_problem := _uid_problem(account, changes.get("uid")):
        wrong["uid"] = uid_problem
    if changes.get("report_to"):
        try:
            validate_email(changes["report_to"])
        except ValidationError as error:
            wrong["report_to"] = " ".join(error.messages)
    if changes.get("language", account.language) not in dict(settings.LANGUAGES):
        wrong["language"] = _("The panel does not speak this language.")
    if not _is_time_zone(changes.get("time_zone", account.time_zone)):
        wrong["time_zone"] = _("There is no such time zone.")
    if changes.get("screening", "") not in {"", *Screening.values}:
        wrong["screening"] = _("There is no such rule.")
    given: Mapping[str, object] = {**changes}
    for name, (least, most) in BOUNDS.items():
        value = given.get(name)
        if isinstance(value, int) and not least <= value <= most:
            wrong[name] = _("This lies between %(least)d and %(most)d.") % {
                "least": least,
                "most": most,
            }
    if wrong:
        raise ValidationError(wrong)


def _uid_problem(account: HostingAccount, uid: int | None) -> str:
    """What is wrong with a user number: that it is none, or another account has it."""
    if uid is None:
        return ""
    try:
        check_uid(uid)
    except ValidationError as error:
        return " ".join(error.messages)
    holder = HostingAccount.objects.filter(uid=uid).exclude(pk=account.pk).first()
    if holder is None:
        return ""
    names = {"uid": uid, "account": holder.service_name}
    if holder.closed_at is not None:
        return _("Unix user %(uid)d belongs to the closed account %(account)s.") % names
    return _("Unix user %(uid)d belongs to the account %(account)s.") % names


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def _taken_meanwhile() -> ValidationError:
    return ValidationError(_("The name or the Unix user has just been taken by another account."))


def _lock(account_id: int) -> HostingAccount:
    """The account, locked. System accounts are nobody's to change."""
    accounts = HostingAccount.objects.select_for_update(no_key=True).filter(is_system=False)
    try:
        return accounts.get(pk=account_id)
    except HostingAccount.DoesNotExist:
        raise UnknownAccount(str(account_id)) from None
