"""The members of an account: their roles, and their leaving. An account keeps an owner.

An administrator may take the last one away: he looks after the account then.
"""

from datetime import datetime

from django.db import transaction

from mailqueue.models import HostingAccount
from panel import invitations
from panel.models import Membership, User


class LastOwner(Exception):
    """Without this member nobody would own the account."""


def change_role(member: Membership, role: str, actor: User, now: datetime) -> None:
    """Give a member another role. Raises LastOwner unless an administrator does it."""
    with transaction.atomic():
        if role != Membership.Role.OWNER:
            _let_go(member, actor, now)
        member.role = role
        member.save(update_fields=["role"])


def remove(member: Membership, actor: User, now: datetime) -> None:
    """Take a member's access away. Raises LastOwner unless an administrator does it."""
    with transaction.atomic():
        _let_go(member, actor, now)
        member.delete()


def is_last_owner(member: Membership) -> bool:
    """Whether nobody else who can log in owns the account."""
    others = Membership.objects.filter(
        account_id=member.account_id, role=Membership.Role.OWNER, user__is_active=True
    ).exclude(pk=member.pk)
    return member.role == Membership.Role.OWNER and not others.exists()


def _let_go(member: Membership, actor: User, now: datetime) -> None:
    """See to it that an owner is left, and that he who goes comes back by no letter of his own."""
    # Two owners who remove each other at the same instant: one of them waits here.
    HostingAccount.objects.select_for_update(no_key=True).get(pk=member.account_id)
    if not actor.is_staff and is_last_owner(member):
        raise LastOwner
    # An administrator invites by another right.
    if not member.user.is_staff:
        invitations.revoke_sent_by(member.user, now, member.account)
