"""`manage.py ledger`: check that nothing accepted is missing."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mailqueue import ledger


class Command(BaseCommand):
    """Prints the ledger of every account; exits 1 on a mismatch."""

    help = "Check that all that was accepted is queued or has ended; exit 1 on a mismatch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = ledger.check()
        if options["json"]:
            self.stdout.write(json.dumps([_plain(line) for line in lines], indent=2))
        else:
            for line in lines:
                self.stdout.write(_words(line))
        wrong = [line for line in lines if not line.is_balanced]
        if wrong:
            raise CommandError(
                f"The ledger of {len(wrong)} of {len(lines)} accounts does not balance."
            )


def _plain(line: ledger.Line) -> dict[str, object]:
    return {
        "account": line.account,
        "accepted": line.accepted,
        **line.rows,
        "pruned": line.pruned,
        "balanced": line.is_balanced,
        "mismatches": line.mismatches,
    }


def _words(line: ledger.Line) -> str:
    parts = [f"{status}={number}" for status, number in line.rows.items()]
    verdict = "balanced" if line.is_balanced else "MISMATCH: " + "; ".join(line.mismatches)
    return (
        f"{line.account} accepted={line.accepted} {' '.join(parts)} pruned={line.pruned} {verdict}"
    )
