"""`sendmail -bp`: the queue of the caller's own account, in lines for a terminal.

Owns what a line shows; whose account it is says `identity`, what is in the queue says the ledger.
"""

from datetime import datetime

from mailqueue import queue_view
from mailqueue.models import HostingAccount
from mailqueue.queue_view import Row
from relay import identity
from relay.identity import Caller, Refused

# Ours: the relay commits nothing while it reads.
MOST = 200
LONGEST_REPLY = 200


def queue_of(caller: Caller, now: datetime) -> list[str] | Refused:
    """The recipients in the queue of a caller's account, a line each; or why it has none.

    Raises django.db.Error.
    """
    owner = identity.accounts_of([caller], now)[caller]
    if isinstance(owner, Refused):
        return owner
    page = queue_view.page(HostingAccount.objects.get(pk=owner), limit=MOST)
    if not page.rows:
        return ["Mail queue is empty"]
    lines = [_line(row) for row in page.rows]
    if page.after is not None:
        lines.append(f"These are the first {MOST}; there are more.")
    return lines


def _line(row: Row) -> str:
    line = (
        f"{row.queue_id}  {row.accepted_at:%Y-%m-%d %H:%M} UTC  {row.status.value}  {row.address}"
    )
    if row.reply:
        line += f"  ({row.reply[:LONGEST_REPLY]})"
    return "".join(sign if sign.isprintable() else " " for sign in line)
