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
    }
    return words.get(action, action)
