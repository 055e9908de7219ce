"""`manage.py createkey`: make the keys that sign a domain's mail, and say what to publish."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from mailqueue import signing_keys
from panel import audit
from panel.dns_records import of_domain
from panel.domain_forms import BOTH, algorithms

ACTOR = "createkey"


class Command(BaseCommand):
    """Makes keys for a domain and prints the records for them."""

    help = (
        "Make the keys that sign the mail of a domain (DKIM), and print the records to publish."
        " They sign nothing until they are activated, on the page of the domain or by --activate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", help="the domain that senders have after the @")
        parser.add_argument("--algorithm", default=BOTH, choices=[BOTH, "rsa", "ed25519"])
        parser.add_argument(
            "--activate", action="store_true", help="sign at once, before the records are there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = datetime.now(UTC)
        made = []
        try:
            with transaction.atomic():
                for algorithm in algorithms(options["algorithm"]):
                    key = signing_keys.make(options["domain"], algorithm, ACTOR, now)
                    made.append(key)
                    name = signing_keys.record_name(key)
                    audit.record(None, ACTOR, audit.Action.MAKE_KEY, None, name)
                    if options["activate"]:
                        signing_keys.activate(key, now)
                        audit.record(None, ACTOR, audit.Action.ACTIVATE_KEY, None, name)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        for record in of_domain(made[0].domain, made):
            self.stdout.write(record.zone_line)
