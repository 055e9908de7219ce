"""Who refuses mail because of this house: its address, its name, its settings. The only writer.

What a destination refuses for these reasons is no account's fault, so it never stops one; it is
noted by destination, day and account, and administrators are told once a day of each destination.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Count, Min, Q, Sum

from mailqueue import alerts
from mailqueue.bounces import OF_HOUSE, Category
from mailqueue.models import Refused
from mailqueue.providers import provider_of

LONGEST_WORDS = 500
# So long after the first refusal administrators are told: by then it shows how many it concerns.
TOLD_AFTER = timedelta(minutes=15)
# SPF and DKIM may be a site's own trouble; where they fail for so many sites, they are the house's.
SEVERAL = 3
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Trouble:
    """That a destination refused one recipient because of us."""

    account_id: int
    destination: str
    category: Category
    words: str


def destination_of(host: str, domain: str) -> str:
    """Under what name servers of one operator are counted: the provider's, or the end of theirs.

    The domain of the recipient where the server has no name.
    """
    provider = provider_of([host] if host else ())
    if provider is not None:
        return provider.name
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1].isdigit() or ":" in host:
        return domain
    # As in co.uk and com.br; a short name right below a country is taken for one of these.
    is_deep = len(labels[-1]) == 2 and len(labels[-2]) <= 3 and len(labels) > 2
    return ".".join(labels[-3 if is_deep else -2 :])[:255]


def trouble_of(
    account_id: int, category: Category, destination: str, words: str, *, is_for_good: bool = True
) -> list[Trouble]:
    """The trouble that a refusal of this category tells; none for what is the account's.

    A server that wants us slower for a while is no trouble; one that refuses for good is.
    """
    is_ours = category is Category.REPUTATION_BLOCK or (is_for_good and category in OF_HOUSE)
    return [Trouble(account_id, destination, category, words)] if is_ours else []


def note(troubles: Iterable[Trouble], now: datetime) -> None:
    """Count refusals. Part of the caller's transaction."""
    found = list(troubles)
    last = {(one.destination, one.account_id): one for one in found}
    counted = Counter((one.destination, one.account_id) for one in found)
    table = Refused._meta.db_table
    sql = (
        f"INSERT INTO {table} (day, destination, account_id, number, category, words, first_at)"  # noqa: S608
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (day, destination, account_id)"
        f" DO UPDATE SET number = {table}.number + excluded.number,"
        " category = excluded.category, words = excluded.words"
    )
    with connection.cursor() as cursor:
        for key in sorted(last):
            one = last[key]
            cursor.execute(
                sql,
                [
                    connection.ops.adapt_datefield_value(now.astimezone(UTC).date()),
                    one.destination,
                    one.account_id,
                    counted[key],
                    one.category.value,
                    one.words[:LONGEST_WORDS],
                    connection.ops.adapt_datetimefield_value(now),
                ],
            )


def tell(system_account_id: int, now: datetime) -> int:
    """Raise an alert for each destination that refused us today or yesterday; return how many.

    Once for each destination and day. The alerts are the system account's: they concern the house.
    """
    since = (now - timedelta(days=1)).astimezone(UTC).date()
    groups = (
        Refused.objects.filter(day__gte=since)
        .values("day", "destination")
        .annotate(
            first=Min("first_at"),
            accounts=Count("account_id"),
            number=Sum("number"),
            of_house=Count("account_id", filter=~Q(category=Category.AUTH_FAILURE)),
        )
        .order_by("day", "destination")
    )
    raised = 0
    for group in groups:
        if group["first"] > now - TOLD_AFTER:
            continue
        if not group["of_house"] and group["accounts"] < SEVERAL:
            continue
        rows = Refused.objects.filter(day=group["day"], destination=group["destination"])
        worst = rows.order_by("-number", "account_id").select_related("account")
        figures = {
            "destination": group["destination"],
            "accounts": group["accounts"],
            "number": int(group["number"]),
            "since": group["first"].isoformat(),
            "category": worst[0].category,
            "words": worst[0].words,
            "names": [row.account.service_name for row in worst[:20]],
        }
        key = f"{group['day']:%Y%m%d} {group['destination']}"[:64]
        raised += alerts.raise_once(system_account_id, alerts.Kind.REFUSED, key, now, figures)
    return raised


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` notes that are older than 90 days; return how many."""
    old = Refused.objects.filter(day__lt=(now - KEPT).date()).order_by("day")
    return Refused.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]
