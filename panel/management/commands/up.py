"""`manage.py up`: the whole house on one machine, in the foreground.

Owns what comes before: the data. Then this process becomes `panel.keeping`, which runs the rest.
"""

import os
import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections

from mailqueue.models import HostingAccount
from panel import first_run, house, keeping


class Command(BaseCommand):
    """Prepares the data; then starts everything, prints what a person needs, stops everything."""

    help = (
        "Run web, relay, worker, beat and a private Redis in the foreground; Ctrl-C stops them all."
    )
    # A check would open the database before we have said that another house has it.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-demo",
            action="store_true",
            help="create no demo account, even if there is no account at all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with house.only_one(settings.DATA_DIR) as lock, house.web_listener() as listener:
                house.check_sockets()
                # Whether they all can be had.
                house.programs(listener)
                self._prepare(with_demo=not options["no_demo"])
                keeping.become(listener, lock)
        except house.CannotStart as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            # While preparing; what was begun is rolled back.
            sys.exit(keeping.SIGNALLED + signal.SIGINT)

    def _prepare(self, *, with_demo: bool) -> None:
        keeping.say(f"Facteur keeps its data in {settings.DATA_DIR}.")
        try:
            connection.ensure_connection()
        except OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise house.CannotStart(f"The database cannot be reached: {reason}") from error
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        call_command("installsendmail", os.fspath(settings.SENDMAIL), verbosity=0)
        if settings.ADMIN_PASSWORD and first_run.needs_administrator():
            try:
                first_run.check_password(settings.ADMIN_PASSWORD)
            except ValidationError as error:
                raise house.CannotStart(
                    f"FACTEUR_ADMIN_PASSWORD: {' '.join(error.messages)}"
                ) from error
        # In a house that is in use a demo would stand among real accounts.
        if with_demo and not HostingAccount.objects.filter(is_system=False).exists():
            keeping.say("This is the first start: a demo account is created.")
            call_command("createdemo", uid=os.getuid(), stdout=self.stdout)
        # What comes next has no use for it.
        connections.close_all()
