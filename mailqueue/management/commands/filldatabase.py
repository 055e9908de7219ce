"""`manage.py filldatabase`: a large database, to try how Facteur does with one."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mailqueue import filling
from mailqueue.models import HostingAccount

SPEAK_EVERY_S = 2.0


class Command(BaseCommand):
    """Fills the database for trials; progress goes to standard error."""

    help = (
        "Fill the database with accounts and e-mails that never were, for trials. Nothing of it"
        " is sent. Refuses where there are accounts already."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=1000, help="(1000)")
        parser.add_argument(
            "--recipients", type=int, default=10_000_000, help="e-mails in all (10 million)"
        )
        parser.add_argument(
            "--held", type=int, help="of these, held on the first account (a tenth)"
        )
        parser.add_argument(
            "--add", action="store_true", help="even if there are accounts, beside them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["add"] and HostingAccount.objects.filter(is_system=False).exists():
            raise CommandError(
                "This database has accounts. Use another one, or --add to fill it beside them;"
                " what is added cannot be told from the rest later, and is not taken away."
            )
        recipients = options["recipients"]
        held = recipients // 10 if options["held"] is None else options["held"]
        size = filling.Size(options["accounts"], recipients, held)
        began = spoke = time.monotonic()
        try:
            for done in filling.fill(size, datetime.now(UTC)):
                if time.monotonic() - spoke >= SPEAK_EVERY_S or done == recipients:
                    spoke = time.monotonic()
                    self.stderr.write(_progress(done, recipients, spoke - began))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{size.accounts:,} accounts and {recipients:,} e-mails, {held:,} of them held."
        )


def _progress(done: int, total: int, elapsed_s: float) -> str:
    rate = done / max(elapsed_s, 0.001)
    left_s = (total - done) / rate
    return f"{done:,} of {total:,} e-mails, {rate:,.0f} a second, {left_s:,.0f} s left"
