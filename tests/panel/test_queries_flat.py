"""Pages cost as much with much mail as with little: each GET address of the panel.

They make as many queries, and no query walks through the mail.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from mailqueue import filling
from mailqueue.filling import Size
from mailqueue.models import (
    AccountDomain,
    Alert,
    HostingAccount,
    QuarterCount,
    Script,
    ScriptCount,
    SigningKey,
    SimulatedMessage,
)
from panel import alerts
from panel.models import DailyReport, Membership, User
from tests.panel.conftest import HTMX, Browse
from tests.panel.test_access import BASE, PAGE, SCRIPT, TABLE

FEW = Size(accounts=2, recipients=60, held=10)
MANY = Size(accounts=60, recipients=2000, held=500)

# Those of the table of addresses, and what else is asked of some pages.
ADDRESSES = [
    *((address, {}) for rows in TABLE.values() for method, address, _ in rows if method == "GET"),
    (PAGE + "live/", HTMX),
    *((f"/web/hosting/?sort={name}", {}) for name in ("-queued", "-sent", "-sent_today", "state")),
    ("/web/hosting/?q=essai", {}),
    (PAGE + "?after=1", {}),
    *((f"{PAGE}?period={period}", {}) for period in ("24h", "7d", "90d")),
    (PAGE + "errors/?days=90", {}),
    (PAGE + "errors/?days=90&category=mailbox_full", {}),
    (PAGE + "errors/?days=90&q=client", {}),
    (PAGE + "errors/export/?days=90", {}),
]
# A test that measured none of these would prove nothing.
MOST_WANTED = {
    "/web/hosting/",
    BASE,
    PAGE,
    PAGE + "live/",
    PAGE + "errors/",
    PAGE + "errors/export/",
    PAGE + "block/confirm/",
    BASE + "scripts/",
    SCRIPT,
    SCRIPT + "unblock/confirm/",
    BASE + "domains/",
    BASE + "domains/boutique.example/",
    PAGE + "reports/2026-03-02/",
}

Count = Callable[[Callable[[], object]], int]


def _house(size: Size) -> None:
    """A house of this size, whose first account bears the name that the table has."""
    now = datetime.now(UTC)
    for _ in filling.fill(size, now):
        pass
    first = HostingAccount.objects.filter(totals__held__gt=0).latest("pk")
    # Not blocked, so that there is something to block; what is held stays.
    HostingAccount.objects.filter(pk=first.pk).update(service_name="boutique.example", state="ok")
    # Whatever the hour is, something was sent today.
    start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    QuarterCount.objects.update_or_create(
        account=first, start=start, defaults={"sent": 5, "failed": 1}
    )
    for number in range(3 if size is FEW else 60):
        day = date(2026, 3, 2) - timedelta(days=number)
        DailyReport.objects.create(account=first, day=day, sent_at=now, sent_to="a@b.example")
        SimulatedMessage.objects.create(
            pk=number + 1, received_at=now, recipients=["a@b.example"], content=b"", size_bytes=0
        )
        AccountDomain.objects.create(
            account=first, domain=f"shop{number}.example", added_at=now, added_by="admin"
        )
        for domain in ("boutique.example", f"shop{number}.example"):
            SigningKey.objects.create(
                domain=domain,
                selector=f"s{size.accounts}n{number}",
                algorithm="rsa",
                created_at=now,
            )
        script = Script.objects.create(
            account=first,
            key=f"{number:064x}" if number else "a" * 64,
            origin="socket",
            name=f"{number}.php",
            first_seen_at=now,
            last_seen_at=now,
            blocked_at=now if number < 2 else None,
        )
        for back in range(3 if size is FEW else 30):
            ScriptCount.objects.create(
                script=script, day=now.date() - timedelta(days=back), handed=5
            )
        user = User.objects.create_user(f"user{number}", f"user{number}@boutique.example")
        Membership.objects.create(user=user, account=first)


def _counted(client: Client, queries: Count) -> dict[str, int]:
    found = {}
    for address, headers in ADDRESSES:
        if client.get(address, headers=headers).status_code == 200:

            def visit(address: str = address, headers: dict[str, str] = headers) -> None:
                # A file is read to its end.
                response = client.get(address, headers=headers)
                assert response.getvalue()

            found[address] = queries(visit)
    return found


@pytest.mark.django_db(transaction=True)
def test_each_page_makes_as_many_queries_with_much_mail_as_with_little(
    browse: Browse, administrator: User, queries: Count
) -> None:
    _house(FEW)
    few = _counted(browse(administrator), queries)
    HostingAccount.objects.filter(service_name="boutique.example").update(
        service_name="was.example"
    )
    User.objects.filter(username__startswith="user").delete()
    SimulatedMessage.objects.all().delete()
    _house(MANY)
    many = _counted(browse(administrator), queries)
    assert few.keys() == many.keys()
    assert few.keys() >= MOST_WANTED
    assert many == few


class Walks:
    """Collects queries that SQLite would answer by walking through messages or recipients.

    Its plan is that of the query as it comes, with parameters: of a condition with a parameter
    SQLite does not prove that a partial index has all that is asked for.
    """

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.seen = 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if sql.startswith("SELECT") and not many:
            execute(f"EXPLAIN QUERY PLAN {sql}", params, many, context)
            for *_, step in context["cursor"].fetchall():
                self.seen += 1
                if _WALK.search(step):
                    self.found.add(f"{step}: {sql}")
        return execute(sql, params, many, context)


_WALK = re.compile(
    r"SCAN mailqueue_(message|recipient)\b(?! USING (COVERING )?INDEX)"
    r"|mailqueue_(message|recipient) USING INTEGER PRIMARY KEY \(rowid[<>]"
)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads plans of SQLite")
@pytest.mark.django_db(transaction=True)
def test_no_page_walks_through_the_mail(browse: Browse, administrator: User) -> None:
    _house(FEW)
    client = browse(administrator)
    walks = Walks()
    with connection.execute_wrapper(walks):
        for address, headers in ADDRESSES:
            response = client.get(address, headers=headers)
            assert response.getvalue() is not None
    assert walks.seen > 100
    assert walks.found == set()


@pytest.mark.django_db(transaction=True)
def test_letters_of_an_alert_cost_the_same_for_many_readers(queries: Count) -> None:
    _house(FEW)
    account = HostingAccount.objects.get(service_name="boutique.example")
    counted = []
    for key, users in (("1", 0), ("2", 30)):
        for number in range(users):
            user = User.objects.create_user(f"more{number}", f"more{number}@boutique.example")
            Membership.objects.create(user=user, account=account)
        alert = Alert.objects.create(
            account=account, kind=Alert.Kind.HOURLY_QUOTA, key=key, created_at=datetime.now(UTC)
        )
        counted.append(queries(partial(alerts.send, alert, datetime.now(UTC))))
    assert counted[0] == counted[1]
