"""The queue as its page shows it: searched, narrowed, both ways, at a bounded cost."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import queue, queue_view, service
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue_view import Page, Standing, Wish

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
ALL = Wish()


def addresses(page: Page) -> list[str]:
    return [row.address.partition("@")[0] for row in page.rows]


def fill(submit: Submit, number: int, name: str = "r") -> None:
    submit(*(f"{name}{index}@x.example" for index in range(number)))


def test_a_row_tells_what_stands_there(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    queue_id = submit("a@x.example")
    Message.objects.update(script="commande.php", subject="Votre commande")
    [row] = queue_view.page(account, ALL).rows
    assert (row.queue_id, row.subject, row.script) == (queue_id, "Votre commande", "commande.php")
    assert row.size_bytes == Message.objects.get().size_bytes
    assert row.deadline == now + timedelta(hours=72)


def test_pages_lead_both_ways(account: HostingAccount, submit: Submit) -> None:
    fill(submit, 7)
    first = queue_view.page(account, ALL, limit=3)
    assert addresses(first) == ["r0", "r1", "r2"]
    assert first.before is None
    second = queue_view.page(account, ALL, after=first.after, limit=3)
    assert addresses(second) == ["r3", "r4", "r5"]
    third = queue_view.page(account, ALL, after=second.after, limit=3)
    assert addresses(third) == ["r6"]
    assert third.after is None
    back = queue_view.page(account, ALL, before=third.before, limit=3)
    assert addresses(back) == ["r3", "r4", "r5"]
    assert addresses(queue_view.page(account, ALL, after=back.after, limit=3)) == ["r6"]
    start = queue_view.page(account, ALL, before=back.before, limit=3)
    assert addresses(start) == ["r0", "r1", "r2"]


def test_the_way_back_from_the_middle_ends_at_a_full_first_page(
    account: HostingAccount, submit: Submit
) -> None:
    fill(submit, 5)
    third = Recipient.objects.order_by("pk")[2]
    page = queue_view.page(account, ALL, before=third.pk, limit=3)
    assert addresses(page) == ["r0", "r1", "r2"]
    assert page.before is None


def test_a_place_beyond_the_end_leads_back(account: HostingAccount, submit: Submit) -> None:
    fill(submit, 2)
    page = queue_view.page(account, ALL, after=10**9)
    assert not page.rows
    assert addresses(queue_view.page(account, ALL, before=page.before)) == ["r0", "r1"]


@pytest.mark.parametrize("word", ["ZOE@", "bestellung", "kasse.p"])
def test_it_searches_recipient_subject_and_script(
    account: HostingAccount, submit: Submit, word: str
) -> None:
    fill(submit, 3)
    queue_id = submit("zoe@x.example")
    Message.objects.filter(queue_id=queue_id).update(subject="Bestellung", script="kasse.php")
    assert addresses(queue_view.page(account, Wish(search=word))) == ["zoe"]


@pytest.mark.parametrize("word", ["%", "_", "\\"])
def test_signs_of_the_database_are_letters(
    account: HostingAccount, submit: Submit, word: str
) -> None:
    fill(submit, 3)
    queue_id = submit("zoe@x.example")
    Message.objects.filter(queue_id=queue_id).update(subject=f"100 {word}")
    assert addresses(queue_view.page(account, Wish(search=word))) == ["zoe"]


def test_it_narrows_to_where_mail_stands(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("sending@x.example")
    queue.claim_due(now, 1, timedelta(hours=1))
    service.block(account.pk, "claire", now)
    reasons = ("blocked", "overflow", "spam", "script")
    submit(*(f"{reason}@x.example" for reason in reasons))
    for reason in reasons:
        Recipient.objects.filter(address=f"{reason}@x.example").update(hold_reason=reason)
    HostingAccount.objects.update(state="ok")
    submit("waiting@x.example")
    for standing in Standing:
        assert addresses(queue_view.page(account, Wish(standing))) == [standing.value]
    assert len(queue_view.page(account, ALL).rows) == len(Standing)


def test_what_has_ended_and_what_is_another_accounts_is_not_there(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    fill(submit, 2)
    submit("theirs@x.example", account_id=other.pk)
    Recipient.objects.filter(address="r0@x.example").update(
        status="sent", ended_at=now, next_attempt_at=None
    )
    assert addresses(queue_view.page(account, ALL)) == ["r1"]
    every = list(Recipient.objects.values_list("pk", flat=True))
    assert [row.address for row in queue_view.chosen(account, every)] == ["r1@x.example"]


def test_a_search_looks_so_far_and_is_continued(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    fill(submit, 9)
    submit("zoe@x.example")
    fill(submit, 4, "s")
    wish = Wish(search="zoe")
    first = queue_view.page(account, wish, look_at=5)
    assert not first.rows
    assert first.looked_until == now
    second = queue_view.page(account, wish, after=first.after, look_at=5)
    assert addresses(second) == ["zoe"]
    assert second.looked_until == now
    last = queue_view.page(account, wish, after=second.after, look_at=5)
    assert (addresses(last), last.after, last.looked_until) == ([], None, None)
    # And the same way back.
    back = queue_view.page(account, wish, before=last.before, look_at=5)
    assert addresses(back) == ["zoe"]
    before = queue_view.page(account, wish, before=back.before, look_at=5)
    assert addresses(before) == []
    assert before.looked_until == now
    # The way back is at its end, and shows the beginning.
    assert addresses(queue_view.page(account, wish, before=before.before, look_at=20)) == ["zoe"]


def _many(account: HostingAccount, first: int, number: int, now: datetime) -> None:
    message = Message.objects.create(
        account=account, queue_id=f"M{first}", origin="socket", accepted_at=now, size_bytes=9
    )
    Recipient.objects.bulk_create(
        Recipient(
            message=message,
            account=account,
            address=f"m{index}@x.example",
            domain="x.example",
            status="held",
            hold_reason="blocked",
            accepted_at=now,
            deadline=now + timedelta(hours=72),
        )
        for index in range(first, first + number)
    )


def _steps(call: Callable[[], object]) -> int:
    """How much work a call is for the database: steps of SQLite's machine, in tens."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.connection.set_progress_handler(step, 10)
    try:
        call()
    finally:
        connection.connection.set_progress_handler(None, 10)
    return steps


@pytest.mark.parametrize(
    "wish", [ALL, Wish(Standing.BLOCKED), Wish(search="nothing like it"), Wish(Standing.SENDING)]
)
@pytest.mark.parametrize("is_back", [False, True])
def test_a_page_costs_the_same_however_long_the_queue_is(
    account: HostingAccount, other: HostingAccount, now: datetime, wish: Wish, is_back: bool
) -> None:
    def look() -> Callable[[], object]:
        middle = Recipient.objects.filter(account=account).order_by("pk")[100].pk
        place = {"before": middle} if is_back else {"after": middle}
        return lambda: queue_view.page(account, wish, limit=20, look_at=100, **place)

    _many(account, 0, 400, now)
    short = look()
    cost = _steps(short) if connection.vendor == "sqlite" else 0
    Recipient.objects.all().delete()
    # Mail of others lies on both sides, and much more follows.
    _many(account, 400, 80, now)
    _many(other, 1000, 2000, now)
    _many(account, 3000, 40, now)
    _many(other, 4000, 2000, now)
    _many(account, 6000, 600, now)
    if connection.vendor == "sqlite":
        assert 0 < _steps(look()) <= cost * 1.2 + 5
        return
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mailqueue_recipient")
        with CaptureQueriesContext(connection) as captured:
            look()()
        queries = [query["sql"] for query in captured.captured_queries]
        walks = [query for query in queries if "mailqueue_recipient.status" in query]
        assert walks
        for query in walks:
            cursor.execute(f"EXPLAIN {query}")
            plan = str(cursor.fetchall())
            assert "using recipient_queued" in plan or "using recipient_held" in plan
