"""The users of the panel: closing them, and letting them in again.

The house keeps an administrator. A closed user is logged out at once, and keeps his part in his
accounts.
"""

from datetime import datetime

from django.db import transaction

from panel import invitations
from panel.models import User


class Refused(Exception):
    """Nobody closes himself, nor the last administrator."""


def deactivate(user: User, actor: User, now: datetime) -> None:
    """Let a user no longer log in; what he sent and nobody accepted ends. Raises Refused."""
    with transaction.atomic():
        # Two administrators who close each other at the same instant: one of them waits here.
        staff = list(User.objects.select_for_update().filter(is_staff=True).order_by("pk"))
        if user == actor or not any(one.is_active and one != user for one in staff):
            raise Refused
        User.objects.filter(pk=user.pk).update(is_active=False)
        invitations.revoke_sent_by(user, now)


def reactivate(user: User) -> None:
    """Let a closed user log in again."""
    User.objects.filter(pk=user.pk).update(is_active=True)
