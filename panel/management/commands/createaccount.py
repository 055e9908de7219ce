"""`manage.py createaccount`: make a hosting account, and the user who owns it."""

import secrets
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from mailqueue import accounts
from panel.models import Membership, User


class Command(BaseCommand):
    """Makes the account of one hosting, for the mail of one Unix user."""

    help = "Create a hosting account, named by its main domain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="main domain of the hosting")
        parser.add_argument("--uid", type=int, required=True, help="Unix user whose mail it gets")
        parser.add_argument("--owner", default="", help="e-mail address the owner logs in with")
        parser.add_argument("--report-to", default="", help="address of the error report")
        parser.add_argument("--language", default="fr", choices=["fr", "en"])
        parser.add_argument("--time-zone", default="Europe/Paris")

    def handle(self, *args: Any, **options: Any) -> None:
        password = ""
        try:
            with transaction.atomic():
                account = accounts.create(
                    options["name"],
                    datetime.now(UTC),
                    uid=options["uid"],
                    report_to=options["report_to"],
                    language=options["language"],
                    time_zone=options["time_zone"],
                )
                if options["owner"]:
                    owner, password = _owner(options["owner"], options["language"])
                    Membership.objects.create(user=owner, account=account)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{account.service_name} takes the mail of uid {account.uid}.")
        if password:
            self.stdout.write(f"Its owner logs in as {options['owner']}, password {password}")


def _owner(email: str, language: str) -> tuple[User, str]:
    """The user with this address, and the password if the user was made just now."""
    validate_email(email)
    known = User.objects.filter(email__iexact=email).first()
    if known is not None:
        return known, ""
    password = secrets.token_urlsafe(12)
    user = User.objects.create_user(email, email, password, language=language)
    return user, password
