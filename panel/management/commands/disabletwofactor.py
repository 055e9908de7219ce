"""`manage.py disabletwofactor`: a way in for who lost the device and the recovery codes."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from panel.audit import Action, record
from panel.models import User


class Command(BaseCommand):
    """Removes the second factor of one user; the password stays as it is."""

    help = "Switch two-factor sign-in off for a user who lost the device."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("login", help="user name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["login"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['login']!r}.")
        with transaction.atomic():
            removed, _ = Authenticator.objects.filter(user=user).delete()
            if removed:
                record(None, "manage.py", Action.REMOVE_SECOND_FACTOR, target=user.get_username())
        if not removed:
            raise CommandError(f"{user.get_username()} has no second factor.")
        self.stdout.write(f"{user.get_username()} signs in with the password alone.")
