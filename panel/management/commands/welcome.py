"""`manage.py welcome`: what `up` says when everything answers; makes the first administrator."""

import os
import shlex
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from panel import first_run


class Command(BaseCommand):
    """Says where the panel is, and to the first administrator how to log in."""

    help = "Say where the panel is; if there is no administrator, make one and show the password."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        lines = _login()
        sendmail = f"{shlex.quote(os.fspath(settings.SENDMAIL))} -t -i"
        # A terminal that is gone is no fault.
        with suppress(OSError):
            self.stdout.write(
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
            self.stdout.flush()


def _login() -> list[str]:
    # Only when everything runs: a password that was made before might never have been shown.
    if not first_run.needs_administrator():
        return []
    password = first_run.create_administrator(settings.ADMIN_PASSWORD)
    shown = "(as FACTEUR_ADMIN_PASSWORD has it)" if settings.ADMIN_PASSWORD else password
    return [f"  Login:    {first_run.LOGIN}", f"  Password: {shown}"]
