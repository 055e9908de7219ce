"""Tokens: how scripts that share a Unix user, or run elsewhere, say whose mail theirs is.

Owns making, revoking and looking them up. A token is shown once, when it is made; what is kept is
its SHA-256, which is enough for 192 random bits. From whom a token counts is for the relay.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import F, Q
from django.utils.translation import gettext as _

from mailqueue import statements
from mailqueue.accounts import check_uid
from mailqueue.models import AccountToken, HostingAccount

# So that people, and programs that look for secrets, know one when they see it.
PREFIX = "fct_"
RANDOM_BYTES = 24  # 32 signs
LONGEST_NAME = 100
# Ours: one for each program of a site, with room to change them.
MOST_LIVE = 100
# How many a page shows.
MOST_LISTED = 200
# The last use is written down at most this often.
USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Known:
    """A token that was once made, whether or not it still counts."""

    token_id: int
    account_id: int
    # The Unix user from whom alone it counts with the sendmail command; none: over the network.
    uid: int | None
    is_revoked: bool
    is_account_closed: bool
    last_used_at: datetime | None


def make(
    account_id: int, name: str, actor: str, now: datetime, *, uid: int | None = None
) -> tuple[AccountToken, str]:
    """Make a token of an account; return its row, and the token itself, for this once.

    Raises ValidationError if the name or the uid is nonsense, or there are MOST_LIVE already.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValidationError({"name": [_("Give it a name of at most 100 characters.")]})
    try:
        check_uid(uid)
    except ValidationError as error:
        raise ValidationError({"uid": error.messages}) from None
    live = AccountToken.objects.filter(account_id=account_id, revoked_at=None)
    if live.count() >= MOST_LIVE:
        raise ValidationError(_("This account has too many tokens. Revoke those it does not use."))
    plain = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    token = AccountToken.objects.create(
        account_id=account_id,
        name=name,
        digest=digest(plain.encode("ascii")),
        uid=uid,
        created_at=now,
        created_by=actor,
    )
    return token, plain


def digest(plain: bytes) -> str:
    """What is kept of a token: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(plain).hexdigest()


def revoke(token: AccountToken, now: datetime) -> bool:
    """Let a token count no more; False if it was revoked already."""
    return bool(
        AccountToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now) == 1
    )


def of_account(account_id: int) -> Sequence[AccountToken]:
    """The tokens of an account: those that count, then those that were revoked; newest first."""
    found = AccountToken.objects.filter(account_id=account_id)
    return list(found.order_by(F("revoked_at").desc(nulls_first=True), "-pk")[:MOST_LISTED])


def by_digest(digests: Iterable[str]) -> dict[str, Known]:
    """What is known of the tokens with these digests, in one query."""
    condition, values = statements.among(set(digests))
    rows = statements.fetch(
        "SELECT digest, t.id, account_id, t.uid, revoked_at, closed_at, last_used_at"  # noqa: S608
        f" FROM {AccountToken._meta.db_table} t"
        f" JOIN {HostingAccount._meta.db_table} a ON a.id = account_id WHERE digest {condition}",
        values,
    )
    return {
        found: Known(
            pk, account_id, uid, revoked is not None, closed is not None, statements.aware(used)
        )
        for found, pk, account_id, uid, revoked, closed, used in rows
    }


def note_use(used: Iterable[Known], now: datetime) -> None:
    """Write down that these tokens were used; once a minute for each, and no query between."""
    before = now - USE_EVERY
    stale = {
        token.token_id
        for token in used
        if token.last_used_at is None or token.last_used_at <= before
    }
    if stale:
        is_stale = Q(last_used_at=None) | Q(last_used_at__lte=before)
        AccountToken.objects.filter(is_stale, pk__in=stale).update(last_used_at=now)
