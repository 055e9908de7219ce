"""The journal: who did what, when, to which account. The only writer of its entries.

Entries are written in the transaction of what they tell, and kept for a year.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue import queue
from mailqueue.models import HostingAccount
from panel import limit_words
from panel.access import SignedInRequest
from panel.models import AuditEntry
from panel.proxies import client_address

KEPT = timedelta(days=365)


class Action(StrEnum):
    """What can be done in the panel."""

    INVITE = "invite"
    INVITE_AGAIN = "invite_again"
    REVOKE_INVITATION = "revoke_invitation"
    ACCEPT_INVITATION = "accept_invitation"
    CHANGE_ROLE = "change_role"
    REMOVE_MEMBER = "remove_member"
    DEACTIVATE_USER = "deactivate_user"
    REACTIVATE_USER = "reactivate_user"
    BLOCK = "block"
    UNBLOCK = "unblock"
    PURGE = "purge"
    LIFT = "lift"
    STATE_REVIEW = "state_review"
    REFUSE_REVIEW = "refuse_review"
    RELEASE_CHOSEN = "release_chosen"
    PURGE_CHOSEN = "purge_chosen"
    BLOCK_SCRIPT = "block_script"
    UNBLOCK_SCRIPT = "unblock_script"
    PURGE_SCRIPT = "purge_script"
    MARK_WANTED = "mark_wanted"
    CHANGE_RULE = "change_rule"
    RESET_RULES = "reset_rules"
    SEND_TEST = "send_test"
    MAKE_TEST_ADDRESS = "make_test_address"
    ADD_ACCOUNT = "add_account"
    CHANGE_ACCOUNT = "change_account"
    CLOSE_ACCOUNT = "close_account"
    REOPEN_ACCOUNT = "reopen_account"
    MAKE_TOKEN = "make_token"  # noqa: S105 - a name
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 - a name
    ADD_DOMAIN = "add_domain"
    REMOVE_DOMAIN = "remove_domain"
    CHANGE_SENDERS = "change_senders"
    MAKE_KEY = "make_key"
    ACTIVATE_KEY = "activate_key"
    RETIRE_KEY = "retire_key"
    RESUME_PACE = "resume_pace"
    PREVIEW = "preview"
    DOWNLOAD = "download"
    EXPORT_ERRORS = "export_errors"
    EXPORT_JOURNAL = "export_journal"
    EXPORT_ADDRESS = "export_address"
    ERASE_ADDRESS = "erase_address"
    EXCLUDE = "exclude_addresses"
    INCLUDE = "include_address"
    EXPORT_EXCLUDED = "export_excluded"
    ASK_REPORT_ADDRESS = "ask_report_address"
    CHANGE_REPORT_ADDRESS = "change_report_address"
    LOGIN = "login"
    LOGIN_FAILED = "login_failed"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - no password, but the name of an action
    RESET_PASSWORD = "reset_password"  # noqa: S105
    ADD_SECOND_FACTOR = "add_second_factor"
    REMOVE_SECOND_FACTOR = "remove_second_factor"
    NEW_RECOVERY_CODES = "new_recovery_codes"


def note(
    request: SignedInRequest,
    action: Action,
    account: HostingAccount | None = None,
    target: str = "",
    **details: str | int | bool | None,
) -> AuditEntry:
    """Keep that who sent this request did this. `details` are shown as they are."""
    return record(request, request.user.get_username(), action, account, target, **details)


def record(
    request: HttpRequest | None,
    actor: str,
    action: Action,
    account: HostingAccount | None = None,
    target: str = "",
    **details: str | int | bool | None,
) -> AuditEntry:
    """Keep what somebody did who has not logged in: `actor` is a login, an address or a command."""
    return AuditEntry.objects.create(
        at=timezone.now(),
        actor=queue.storable(actor, 150),
        account=account,
        action=action,
        target=queue.storable(target, 320),
        details=details,
        address=(client_address(request) or None) if request is not None else None,
    )


def has_noted(
    request: SignedInRequest, action: Action, account: HostingAccount, target: str, since: datetime
) -> bool:
    """Whether who sent this request did the same since then."""
    return AuditEntry.objects.filter(
        account=account,
        at__gte=since,
        actor=request.user.get_username(),
        action=action,
        target=target,
    ).exists()


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` entries that are over a year old; return how many."""
    old = AuditEntry.objects.filter(at__lt=now - KEPT).order_by("at", "pk")
    return AuditEntry.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:limit])
    ).delete()[0]


def word(action: str) -> str:
    """What was done, in a few words; an unknown action keeps its name."""
    return words().get(action, action)


def words() -> dict[str, str]:
    """The words of all actions, by their names."""
    return {
        Action.INVITE: _("Invitation sent"),
        Action.INVITE_AGAIN: _("Invitation sent again"),
        Action.REVOKE_INVITATION: _("Invitation revoked"),
        Action.ACCEPT_INVITATION: _("Invitation accepted"),
        Action.CHANGE_ROLE: _("Role changed"),
        Action.REMOVE_MEMBER: _("Access taken away"),
        Action.DEACTIVATE_USER: _("User deactivated"),
        Action.REACTIVATE_USER: _("User reactivated"),
        Action.BLOCK: _("Sending blocked"),
        Action.UNBLOCK: _("Sending unblocked"),
        Action.PURGE: _("Purge started"),
        Action.LIFT: _("Stop lifted"),
        Action.STATE_REVIEW: _("Review asked for"),
        Action.REFUSE_REVIEW: _("Review refused"),
        Action.RELEASE_CHOSEN: _("Chosen e-mails let go"),
        Action.PURGE_CHOSEN: _("Chosen e-mails purged"),
        Action.BLOCK_SCRIPT: _("Script blocked"),
        Action.UNBLOCK_SCRIPT: _("Script unblocked"),
        Action.PURGE_SCRIPT: _("E-mails of a script purged"),
        Action.MARK_WANTED: _("E-mails marked as wanted"),
        Action.CHANGE_RULE: _("Weight of a rule of screening changed"),
        Action.RESET_RULES: _("Weights of the rules of screening reset"),
        Action.SEND_TEST: _("Test e-mail sent"),
        Action.MAKE_TEST_ADDRESS: _("Test address made"),
        Action.ADD_ACCOUNT: _("Hosting plan added"),
        Action.CHANGE_ACCOUNT: _("Hosting plan changed"),
        Action.CLOSE_ACCOUNT: _("Hosting plan closed"),
        Action.REOPEN_ACCOUNT: _("Hosting plan reopened"),
        Action.MAKE_TOKEN: _("Token made"),
        Action.REVOKE_TOKEN: _("Token revoked"),
        Action.ADD_DOMAIN: _("Domain added"),
        Action.REMOVE_DOMAIN: _("Domain taken away"),
        Action.CHANGE_SENDERS: _("Rule for senders changed"),
        Action.MAKE_KEY: _("Signing key made"),
        Action.ACTIVATE_KEY: _("Signing key activated"),
        Action.RETIRE_KEY: _("Signing key retired"),
        Action.RESUME_PACE: _("Usual pace of a destination resumed"),
        Action.PREVIEW: _("Message looked at"),
        Action.DOWNLOAD: _("Message downloaded"),
        Action.EXPORT_ERRORS: _("E-mails in error exported"),
        Action.EXPORT_JOURNAL: _("Journal exported"),
        Action.EXPORT_ADDRESS: _("Data of an address exported"),
        Action.ERASE_ADDRESS: _("Data of an address erased"),
        Action.EXCLUDE: _("Addresses excluded"),
        Action.INCLUDE: _("Address no longer excluded"),
        Action.EXPORT_EXCLUDED: _("Excluded addresses exported"),
        Action.ASK_REPORT_ADDRESS: _("New report address asked for"),
        Action.CHANGE_REPORT_ADDRESS: _("Report address changed"),
        Action.LOGIN: _("Signed in"),
        Action.LOGIN_FAILED: _("Sign-in failed"),
        Action.CHANGE_PASSWORD: _("Password changed"),
        Action.RESET_PASSWORD: _("Password set by a link"),
        Action.ADD_SECOND_FACTOR: _("Two-factor sign-in switched on"),
        Action.REMOVE_SECOND_FACTOR: _("Two-factor sign-in switched off"),
        Action.NEW_RECOVERY_CODES: _("New recovery codes made"),
    }


def detail_words(details: dict[str, str | int | bool | None]) -> str:
    """The details of an entry in words; one that is not known keeps its name."""
    names = {
        "wrong": _("wrong"),
        "rows": _("number of e-mails"),
        "addresses": _("number of addresses"),
        "live": _("still in the queue"),
        "role": _("role"),
        "before": _("before"),
        "after": _("after"),
        "invited_by": _("invited by"),
        "uid": _("Unix user"),
        "networks": _("Source networks"),
        "number": _("number of e-mails"),
        "number_rules": _("number of rules"),
        "of": _("of"),
        "queue_id": _("message"),
        "report_to": _("Error report to"),
        "copies_returns": _("Copies of what comes back"),
        "screening": _("If an e-mail is judged to be spam"),
        "owners_overrule": _("Owners may mark such e-mails as wanted"),
        "language": _("Language"),
        "time_zone": _("Time zone"),
        "algorithm": _("algorithm"),
        "retired": _("retired with it"),
        "unchecked": _("without its record"),
        **limit_words.labels(),
    }
    told = [(names.get(name, name), _answer(value)) for name, value in details.items()]
    return ", ".join(_("%(name)s: %(value)s") % {"name": n, "value": v} for n, v in told)


def _answer(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    values = {
        "code": _("code"),
        "owner": _("owner"),
        "reader": _("read-only"),
        "administrator": _("administrator"),
        "allow": _("Allow"),
        "warn": _("Allow, and tell it on the page"),
        "rewrite": _("Replace it"),
        "refuse": _("Refuse the e-mail"),
        "house": _("the default of this server"),
    }
    return "–" if value is None else values.get(str(value), str(value))
