"""`manage.py installsendmail PATH`: write the sendmail command for PHP."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from relay import installer


class Command(BaseCommand):
    """Writes the command and says what to paste."""

    help = "Write the sendmail command, with this installation's paths in it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="where to write it; the name should be sendmail")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["path"]).absolute()
        try:
            installer.install(path, settings.RELAY_SOCKET, settings.MAILDROP)
        except installer.NotOurs as error:
            raise CommandError(str(error)) from error
        except (OSError, ValueError) as error:
            raise CommandError(f"{path} cannot be written: {error}") from error
        if options["verbosity"] > 0:
            self.stdout.write(f'sendmail_path = "{shlex.quote(str(path))} -t -i"')
            if "sendmail" not in path.name:
                self.stderr.write("PHPMailer looks for the word sendmail in the path.")
