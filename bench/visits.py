"""How long each page takes on the database of this data folder; a process of its own.

Asks through django.test.Client, in this process: what is measured is the view with its queries and
templates, not gunicorn or a network. Prints JSON: for each page the median of some visits in
milliseconds, and the number of its queries.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from statistics import median
from typing import Any

import django

VISITS = 5
HTMX = {"HX-Request": "true"}
ACCOUNT = "/web/hosting/{account}/"
EMAILS = ACCOUNT + "scripts-emails/"
# What it is called, its address, and whether htmx asks. {account} is the one with held mail,
# {domain} one that all of its recipients' have in common.
PAGES = (
    ("list of accounts", "/web/hosting/", False),
    ("list of accounts, by today's mail", "/web/hosting/?sort=-sent_today", False),
    ("list of accounts, searched", "/web/hosting/?q=essai-000", False),
    ("general information", ACCOUNT, False),
    ("scripts emails", EMAILS, False),
    ("scripts emails, fragment", EMAILS + "live/", True),
    ("scripts emails, confirm a purge", EMAILS + "purge/confirm/", False),
    ("queue", EMAILS + "queue/", False),
    ("queue, searched", EMAILS + "queue/?q=client77@", False),
    ("e-mails in error", EMAILS + "errors/?days=90", False),
    ("e-mails in error, one cause", EMAILS + "errors/?days=90&category=mailbox_full", False),
    ("e-mails in error, searched", EMAILS + "errors/?days=90&q=client77", False),
    ("errors as CSV, first rows", EMAILS + "errors/export/?days=90", False),
)


def main() -> None:
    """Measure all pages that there are, and print what came of it."""
    django.setup()
    from django.conf import settings
    from django.test import Client

    from mailqueue.models import HostingAccount
    from panel.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    administrator, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    client = Client(headers={"Accept-Language": "fr"})
    client.force_login(administrator)
    account = HostingAccount.objects.filter(is_system=False).earliest("pk").service_name
    figures = {}
    for name, pattern, is_htmx in PAGES:
        address = pattern.format(account=account)
        headers = HTMX if is_htmx else {}
        if client.get(address, headers=headers).status_code == 200:
            figures[name] = _measure(partial(_visit, client, address, headers))
    figures["task: warn of what expires"] = _measure(_warn)
    json.dump(figures, sys.stdout)


def _visit(client: Any, address: str, headers: dict[str, str]) -> None:
    response = client.get(address, headers=headers)
    if response.streaming:
        # The mark of the encoding, the headings, and a row.
        list(islice(response.streaming_content, 3))
        response.close()


def _warn() -> None:
    from django.db import transaction

    from mailqueue import alerts

    with transaction.atomic():
        alerts.note_expiring(datetime.now(UTC) + timedelta(hours=50))
        transaction.set_rollback(True)


def _measure(call: Callable[[], None]) -> tuple[float, int]:
    """The median of the visits in milliseconds, and how many queries one makes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        call()
        # Before the next request drops them.
        queries = len(captured)
    times = []
    for _ in range(VISITS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1000 * median(times), queries


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    main()
