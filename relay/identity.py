"""Whose mail it is: what the kernel says of the caller, and the account that this belongs to.

Environment, headers, names and arguments are never an identity: a script can write them all. A
token among the arguments is one only together with the Unix user it was made for. Code of that user
can read it too, so it says whose mail it is and keeps nobody apart.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from mailqueue import accounts, tokens

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid (unix(7))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who hands over: the Unix user, by the kernel; and the digest of the token that was given.

    Over the network there is no Unix user, and always a token; and the address that it comes from.
    """

    uid: int | None
    token: str | None = None
    source: IPv4Address | IPv6Address | None = None


class Why(StrEnum):
    """Why a caller has no account to send for."""

    NO_ACCOUNT = "no account"
    CLOSED = "closed"
    # Unknown, revoked, of another Unix user, or not for this way in: nobody is told which.
    BAD_TOKEN = "bad token"  # noqa: S105 - the reason, not a token
    # A token that counts from other networks.
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Refused:
    """That a caller may not send, and the account that it concerns, if there is one."""

    why: Why
    account_id: int | None = None


def peer_uid(connection: socket.socket) -> int:
    """The Unix user at the other end of a Unix socket. Raises OSError if there is none."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return int(uid)


def caller(
    uid: int | None, token: bytes | None, source: IPv4Address | IPv6Address | None = None
) -> Caller:
    """The caller with this token, of which only the digest is carried on."""
    return Caller(uid, None if token is None else tokens.digest(token), source)


def accounts_of(callers: Iterable[Caller], now: datetime) -> dict[Caller, int | Refused]:
    """The number of the account of each caller, or why it has none to send for.

    One query for those without a token, one for those with; the use of a token is noted.
    """
    asked = set(callers)
    plain = {one.uid for one in asked if one.token is None and one.uid is not None}
    given = {one.token for one in asked if one.token is not None}
    owned = accounts.by_uid(plain) if plain else {}
    known = tokens.by_digest(given) if given else {}
    found = {
        one: _by_uid(None if one.uid is None else owned.get(one.uid))
        if one.token is None
        else _by_token(known.get(one.token), one)
        for one in asked
    }
    tokens.note_use(
        (known[one.token] for one, is_of in found.items() if one.token and isinstance(is_of, int)),
        now,
    )
    return found


def of_submission(caller: Caller, name: str, now: datetime) -> int | Refused:
    """The number of the account of a caller who comes over the network and calls himself `name`.

    The token decides: `name` may be anything but the name of another account.
    """
    owner = accounts_of([caller], now)[caller]
    named = accounts.id_by_name(name)
    if isinstance(owner, int) and named not in {None, owner}:
        return Refused(Why.BAD_TOKEN, owner)
    return owner


def _by_uid(owned: accounts.Owned | None) -> int | Refused:
    if owned is None:
        return Refused(Why.NO_ACCOUNT)
    return Refused(Why.CLOSED, owned.account_id) if owned.is_closed else owned.account_id


def _by_token(known: tokens.Known | None, given: Caller) -> int | Refused:
    if known is None:
        return Refused(Why.BAD_TOKEN)
    # Made for no Unix user, it counts over the network; made for one, with the sendmail command.
    if known.is_revoked or known.uid != given.uid:
        return Refused(Why.BAD_TOKEN, known.account_id)
    if not known.counts_from(given.source):
        return Refused(Why.ELSEWHERE, known.account_id)
    return Refused(Why.CLOSED, known.account_id) if known.is_account_closed else known.account_id
