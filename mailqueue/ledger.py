"""The ledger: at every instant, what was accepted is what is queued plus what has ended.

Compares the counter of what was accepted, written with the acceptance and never recomputed, with
the rows there are, and the counts of what ended with the rows that ended. Only for the command
that checks it: it counts every row.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import Count

from mailqueue.models import AccountTotals, Recipient


@dataclass(frozen=True, slots=True)
class Line:
    """One account: what was accepted, and where it is now."""

    account: str
    accepted: int
    rows: dict[str, int]
    pruned: int
    mismatches: list[str] = field(default_factory=list)

    @property
    def is_balanced(self) -> bool:
        """Whether the counts and the rows tell the same."""
        return not self.mismatches


def check() -> list[Line]:
    """The ledger of every account, read at one instant."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        totals = list(AccountTotals.objects.select_related("account").order_by("account_id"))
        rows: dict[int, dict[str, int]] = defaultdict(
            lambda: dict.fromkeys(Recipient.Status.values, 0)
        )
        counted = (
            Recipient.objects.order_by().values_list("account_id", "status").annotate(Count("pk"))
        )
        for account_id, status, number in counted:
            rows[account_id][status] = number
    return [_line(total, rows[total.account_id]) for total in totals]


def _line(totals: AccountTotals, rows: dict[str, int]) -> Line:
    mismatches = []
    if totals.accepted != sum(rows.values()) + totals.pruned:
        mismatches.append(
            f"accepted is {totals.accepted}, "
            f"but the rows are {sum(rows.values())} and {totals.pruned} were pruned"
        )
    if totals.held != rows["held"]:
        mismatches.append(f"held is {totals.held}, but {rows['held']} rows are held")
    ended = {status.value: getattr(totals, status.value) for status in Recipient.ENDED}
    if sum(ended.values()) != sum(rows[status] for status in ended) + totals.pruned:
        mismatches.append("the counts of what ended are not those of the rows")
    mismatches += [
        f"{status} is {number}, but {rows[status]} rows are {status}"
        for status, number in ended.items()
        if number < rows[status]
    ]
    return Line(totals.account.service_name, totals.accepted, rows, totals.pruned, mismatches)
