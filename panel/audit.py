"""The journal: who did what, when, to which account. The only writer of its entries.

Entries are written in the transaction of what they tell, and kept for a year.
"""

from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from mailqueue.models import HostingAccount
from panel.access import SignedInRequest
from panel.models import AuditEntry


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
    SEND_TEST = "send_test"
    ADD_ACCOUNT = "add_account"
    CHANGE_ACCOUNT = "change_account"
    CLOSE_ACCOUNT = "close_account"
    REOPEN_ACCOUNT = "reopen_account"
    MAKE_TOKEN = "make_token"  # noqa: S105 - a name
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 - a name


def note(
    request: SignedInRequest,
    action: Action,
    account: HostingAccount | None = None,
    target: str = "",
    **details: str | int | bool | None,
) -> AuditEntry:
    """Keep that who sent this request did this. `details` are shown as they are."""
    return AuditEntry.objects.create(
        at=timezone.now(),
        actor=request.user.get_username(),
        account=account,
        action=action,
        target=target[:320],
        details=details,
        address=request.META.get("REMOTE_ADDR") or None,
    )


def word(action: str) -> str:
    """What was done, in a few words; an unknown action keeps its name."""
    words: dict[str, str] = {
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
        Action.SEND_TEST: _("Test e-mail sent"),
        Action.ADD_ACCOUNT: _("Hosting plan added"),
        Action.CHANGE_ACCOUNT: _("Hosting plan changed"),
        Action.CLOSE_ACCOUNT: _("Hosting plan closed"),
        Action.REOPEN_ACCOUNT: _("Hosting plan reopened"),
        Action.MAKE_TOKEN: _("Token made"),
        Action.REVOKE_TOKEN: _("Token revoked"),
    }
    return words.get(action, action)
