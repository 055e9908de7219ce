"""`manage.py up`: the whole house on one machine, in the foreground."""

import asyncio
import os
import shlex
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections

from mailqueue.models import HostingAccount
from panel import first_run, house
from panel.supervisor import Program, Supervisor

SIGNALLED = 128


class Command(BaseCommand):
    """Prepares the data, starts everything, prints what a person needs, stops everything."""

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
            with house.only_one(settings.DATA_DIR), house.web_listener() as listener:
                house.check_sockets()
                programs = house.programs(listener)
                self._prepare(with_demo=not options["no_demo"])
                is_fine = self._supervise(programs)
        except house.CannotStart as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            # While preparing; what was begun is rolled back.
            sys.exit(SIGNALLED + signal.SIGINT)
        if not is_fine:
            raise CommandError("Facteur did not start; the lines above say why.")

    def _prepare(self, *, with_demo: bool) -> None:
        self._say(f"Facteur keeps its data in {settings.DATA_DIR}.")
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
            self._say("This is the first start: a demo account is created.")
            call_command("createdemo", uid=os.getuid(), stdout=self.stdout)
        # Our children must not share a connection of ours.
        connections.close_all()

    def _supervise(self, programs: list[Program]) -> bool:
        supervisor = Supervisor(programs, self._say)
        is_fine = asyncio.run(supervisor.run(lambda: self._welcome(self._say)))
        for path in (settings.RELAY_SOCKET, settings.SIMULATOR_SOCKET, settings.REDIS_SOCKET):
            # Left by a program that had to be killed.
            path.unlink(missing_ok=True)
        self._say("Facteur has stopped.")
        return is_fine

    def _welcome(self, say: Callable[[str], None]) -> None:
        """Say where the panel is, and to the first administrator how to log in."""
        try:
            lines = self._login()
        finally:
            connections.close_all()
        sendmail = f"{shlex.quote(os.fspath(settings.SENDMAIL))} -t -i"
        say(
            "\n".join(
                [
                    "",
                    "  Facteur is running.",
                    "",
                    f"  Panel:    {settings.PUBLIC_URL}/",
                    *lines,
                    "",
                    "  For php.ini, or the pool of a site:",
                    f'  sendmail_path = "{sendmail}"',
                    "",
                    "  Ctrl-C stops everything; all data stays.",
                    "",
                ]
            )
        )

    def _login(self) -> list[str]:
        # Only now: a password that was made before might never have been shown.
        if not first_run.needs_administrator():
            return []
        password = first_run.create_administrator(settings.ADMIN_PASSWORD)
        shown = "(as FACTEUR_ADMIN_PASSWORD has it)" if settings.ADMIN_PASSWORD else password
        return [f"  Login:    {first_run.LOGIN}", f"  Password: {shown}"]

    def _say(self, text: str) -> None:
        # A terminal that is gone is no reason to stop.
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()
