"""`manage.py showqueue`: what waits, is being sent or is held."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mailqueue import accounts, queue_view
from mailqueue.errors import UnknownAccount
from mailqueue.models import HostingAccount


class Command(BaseCommand):
    """Prints the queue, a line for each recipient, in order of arrival within an account."""

    help = "Show the queue of all accounts, or of one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="?", help="main domain of the hosting")
        parser.add_argument("--json", action="store_true", help="print a JSON object a line")
        parser.add_argument("--limit", type=int, default=1000, help="lines at most (1000)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["account"]:
            try:
                chosen = [accounts.named(options["account"])]
            except UnknownAccount as error:
                raise CommandError(f"There is no account {error}.") from error
        else:
            chosen = list(HostingAccount.objects.order_by("service_name"))
        left = options["limit"]
        for account in chosen:
            after: int | None = None
            while left > 0:
                page = queue_view.page(account, after=after, limit=min(left, 200))
                for row in page.rows:
                    self.stdout.write(
                        json.dumps(_plain(account, row))
                        if options["json"]
                        else _words(account, row)
                    )
                left -= len(page.rows)
                after = page.after
                if after is None:
                    break
        if left <= 0:
            self.stderr.write(f"Only the first {options['limit']} are shown.")


def _plain(account: HostingAccount, row: queue_view.Row) -> dict[str, object]:
    return {
        "account": account.service_name,
        "queue_id": row.queue_id,
        "recipient": row.address,
        "status": row.status.value,
        "hold_reason": row.hold_reason,
        "tries": row.tries,
        "accepted_at": row.accepted_at.isoformat(),
        "next_attempt_at": row.next_attempt_at.isoformat() if row.next_attempt_at else None,
        "deadline": row.deadline.isoformat(),
        "reply": row.reply,
    }


def _words(account: HostingAccount, row: queue_view.Row) -> str:
    parts = [
        f"{row.accepted_at:%Y-%m-%dT%H:%M:%SZ}",
        account.service_name,
        row.queue_id,
        row.status.value,
        row.address,
        f"tries={row.tries}",
    ]
    if row.hold_reason:
        parts.append(f"hold={row.hold_reason}")
    if row.reply:
        parts.append(f"reply={row.reply!r}")
    return " ".join(parts)
