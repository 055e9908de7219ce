"""Whose mail it is: what the kernel says of the caller, and the account that this belongs to.

Environment, headers, names and arguments are never an identity: a script can write them all.
"""

import socket
import struct
from collections.abc import Iterable

from mailqueue import accounts

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid (unix(7))


def peer_uid(connection: socket.socket) -> int:
    """The Unix user at the other end of a Unix socket. Raises OSError if there is none."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return int(uid)


def accounts_of(uids: Iterable[int]) -> dict[int, int]:
    """The number of the account for each Unix user that has one."""
    return accounts.ids_by_uid(uids)
