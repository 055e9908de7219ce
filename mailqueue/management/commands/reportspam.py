"""`manage.py reportspam`: stop an account whose e-mails somebody complains about."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mailqueue import accounts, service
from mailqueue.errors import IllegalTransition, UnknownAccount


class Command(BaseCommand):
    """Puts an account into the state SPAM, as an abuse desk does after a complaint."""

    help = "Stop an account for spam: everything is held, its owner is told, a purge is mandatory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="main domain of the hosting")
        parser.add_argument("--reason", default="", help="what was found; the owner reads it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            account = accounts.named(options["name"])
            service.report_spam(account.pk, options["reason"], datetime.now(UTC))
        except UnknownAccount as error:
            raise CommandError(f"There is no account {options['name']}.") from error
        except IllegalTransition as error:
            raise CommandError(f"Nothing was changed: the state is {error.state}.") from error
        self.stdout.write(f"{account.service_name} is stopped: SPAM.")
