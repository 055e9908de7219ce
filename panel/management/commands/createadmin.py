"""`manage.py createadmin`: the first administrator, where `up` does not run."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from panel import first_run


class Command(BaseCommand):
    """Makes the administrator once; a second call says that there is one, and is no error."""

    help = "Create the first administrator, with FACTEUR_ADMIN_PASSWORD or a random password."

    def handle(self, *args: Any, **options: Any) -> None:
        if not first_run.needs_administrator():
            self.stdout.write("There is an administrator already.")
            return
        if settings.ADMIN_PASSWORD:
            try:
                first_run.check_password(settings.ADMIN_PASSWORD)
            except ValidationError as error:
                raise CommandError(f"FACTEUR_ADMIN_PASSWORD: {' '.join(error.messages)}") from error
        password = first_run.create_administrator(settings.ADMIN_PASSWORD)
        self.stdout.write(f"Login:    {first_run.LOGIN}")
        if not settings.ADMIN_PASSWORD:
            self.stdout.write(f"Password: {password}")
