"""Invitations by e-mail: sent by who may, accepted by who reads the letter.

Owns the rows, the letter with the link, and what a link gives: the one role it names, once, within
seven days. The link holds a random number of which only the digest is kept: who reads the database
cannot accept for others.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from mailqueue.models import HostingAccount
from panel import throttle
from panel.models import Invitation, Membership, User

VALID_FOR = timedelta(days=7)
# Letters that one user may send within an hour; a form must not become a mailer.
MOST_LETTERS = 20
HOUR = timedelta(hours=1)


def count_letter(sender: User, now: datetime) -> None:
    """Count one letter of `sender`. Raises TooOften, and then counts nothing."""
    throttle.count(f"invitations-{sender.pk}", MOST_LETTERS, now)


def open_for(account: HostingAccount | None) -> QuerySet[Invitation]:
    """What was neither accepted nor revoked, for an account or (None) for administrators.

    Some may be too old to be followed; they can be sent again.
    """
    return Invitation.objects.filter(
        account=account, accepted_at__isnull=True, revoked_at__isnull=True
    ).order_by("created_at", "pk")


def create(
    email: str, sender: User, now: datetime, account: HostingAccount | None, role: str
) -> tuple[Invitation, str]:
    """Keep an invitation; return it with the random part of its link, which `send` needs.

    Without an account it makes an administrator, and `role` is empty.
    """
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=email,
        account=account,
        role=role,
        digest=_digest(token),
        created_at=now,
        created_by=sender.get_username(),
    )
    return invitation, token


def renew(invitation: Invitation, sender: User, now: datetime) -> str | None:
    """Give an open invitation a new link and seven more days; the old link ends.

    Returns the random part of the link, None if it was accepted or revoked meanwhile.
    """
    token = secrets.token_urlsafe(32)
    changed = (
        open_for(invitation.account)
        .filter(pk=invitation.pk)
        .update(digest=_digest(token), created_at=now, created_by=sender.get_username())
    )
    return token if changed else None


def send(invitation: Invitation, token: str, sender: User) -> None:
    """Send the letter, in the account's language, without one in that of the moment.

    Call it after the commit of what it tells. Raises django.db.Error or InvalidSubmission if the
    letter cannot be kept; the invitation stays, and can be sent again.
    """
    account = invitation.account
    with translation.override(account.language if account else translation.get_language()):
        context = {
            "account": account,
            "role": invitation.get_role_display(),
            "sender": sender.get_username(),
            "link": settings.PUBLIC_URL + reverse("invitation", args=[token]),
            "days": VALID_FOR.days,
        }
        subject = (
            _("Invitation to look after %(account)s") % {"account": account.service_name}
            if account
            else _("Invitation to administer Facteur")
        )
        text = render_to_string("letters/invitation.txt", context)
        EmailMessage(subject, text, to=[invitation.email]).send()


def revoke(invitation: Invitation, now: datetime) -> bool:
    """End an open invitation; False if it was accepted or revoked meanwhile."""
    found = open_for(invitation.account).filter(pk=invitation.pk)
    return found.update(revoked_at=now) == 1


def revoke_sent_by(sender: User, now: datetime, account: HostingAccount | None = None) -> int:
    """End what somebody who may no longer invite has sent, for one account or for all.

    Else he could come back by a letter to another mailbox of his. Returns how many there were.
    """
    found = Invitation.objects.filter(
        created_by=sender.get_username(), accepted_at__isnull=True, revoked_at__isnull=True
    )
    if account is not None:
        found = found.filter(account=account)
    return found.update(revoked_at=now)


def read(token: str, now: datetime) -> Invitation | None:
    """The invitation behind a link; None if it is forged, used, revoked or too old."""
    return _valid(now).select_related("account").filter(digest=_digest(token)).first()


def has_user(invitation: Invitation) -> bool:
    """Whether somebody logs in with the address of this invitation already."""
    email = invitation.email
    return User.objects.filter(Q(email__iexact=email) | Q(username__iexact=email)).exists()


def accept(invitation: Invitation, user: User, now: datetime) -> bool:
    """Give `user` what the invitation names; False if the link has ended meanwhile.

    It never takes away: an owner who follows a link for readers stays an owner.
    """
    with transaction.atomic():
        # The digest too: the link that was followed, not one that was sent since.
        found = _valid(now).filter(pk=invitation.pk, digest=invitation.digest)
        if found.update(accepted_at=now) != 1:
            return False
        if invitation.account is None:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
            return True
        member, _is_new = Membership.objects.get_or_create(
            user=user, account=invitation.account, defaults={"role": invitation.role}
        )
        if invitation.role == Membership.Role.OWNER and member.role != Membership.Role.OWNER:
            member.role = Membership.Role.OWNER
            member.save(update_fields=["role"])
    return True


def _valid(now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        Q(account__isnull=True) | Q(account__closed_at__isnull=True),
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        created_at__gt=now - VALID_FOR,
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
