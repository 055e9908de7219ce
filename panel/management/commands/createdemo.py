"""`manage.py createdemo`: an account with thirty days of history, to look at the panel with."""

import os
import random
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from panel import demo


class Command(BaseCommand):
    """Makes the demo account for a Unix user."""

    help = "Create a demo account with 30 days of history; nothing of it is ever sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--uid", type=int, default=os.getuid(), help="whose scripts it is for (default: yours)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A line that is drawn anew is for people; a file or a pipe gets the last one alone.
        is_terminal = self.stdout.isatty()

        def progress(days: int) -> None:
            if is_terminal:
                self.stdout.write(f"\rWriting a demo history: day {days} of {demo.DAYS}", ending="")
                self.stdout.flush()

        try:
            # Chance makes the history believable; it guards nothing.
            account = demo.create(
                options["uid"],
                datetime.now(UTC),
                random.Random(),  # noqa: S311
                progress,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if is_terminal:
            self.stdout.write("\r", ending="")
        self.stdout.write(
            f"Demo account {account.service_name} created"
            f" for user {account.uid}, with {demo.DAYS} days of history."
        )
