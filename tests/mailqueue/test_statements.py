"""SQL of our own gives and keeps what the ORM would, on both databases."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import Error, connection, transaction

from mailqueue import accounts, statements
from mailqueue.models import Alert, HostingAccount, Message

pytestmark = pytest.mark.django_db(transaction=True)


def new_ids(number: int) -> list[int]:
    answer = statements.fetch(*statements.asking_ids(Message, number))
    return statements.new_ids(answer, number)


def test_a_row_is_read_as_the_orm_reads_it(account: HostingAccount) -> None:
    [read] = statements.load(HostingAccount, "WHERE id = %s", [account.pk])
    names = [field.attname for field in HostingAccount._meta.concrete_fields]
    known = HostingAccount.objects.get(pk=account.pk)
    assert [getattr(read, name) for name in names] == [getattr(known, name) for name in names]
    assert read.created_at.tzinfo is not None


def test_what_is_not_given_has_the_default_of_its_field(
    account: HostingAccount, now: datetime
) -> None:
    columns = ("account_id", "kind", "key", "created_at")
    rows = [(account.pk, "blocked", key, statements.moment(now)) for key in ("a", "b")]
    statements.insert(Alert, columns, rows)
    found = Alert.objects.order_by("pk")
    assert [(row.key, row.figures, row.handled_at) for row in found] == [
        ("a", {}, None),
        ("b", {}, None),
    ]
    assert {row.created_at for row in found} == {now}


def test_numbers_are_never_given_twice(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit()
    message = Message.objects.get()
    with transaction.atomic():
        first = new_ids(3)
        assert len(set(first)) == 3
        assert min(first) > message.pk
        rows = [(pk, account.pk, f"Q{pk}", "socket", statements.moment(now), "", 5) for pk in first]
        columns = ("id", "account_id", "queue_id", "origin", "accepted_at", "sender", "size_bytes")
        statements.insert(Message, columns, rows)
    Message.objects.filter(pk__in=first).delete()
    with transaction.atomic():
        assert min(new_ids(1)) > max(first)


def test_values_are_looked_for_and_asked_for_one_by_one(now: datetime) -> None:
    made = [accounts.create(f"{name}.example", now, uid=uid) for name, uid in (("a", 7), ("b", 8))]
    condition, values = statements.among([7, 8, 9])
    sql = f"SELECT id FROM {HostingAccount._meta.db_table} WHERE uid {condition} ORDER BY id"
    assert [pk for (pk,) in statements.fetch(sql, values)] == [row.pk for row in made]
    one = f"SELECT id FROM {HostingAccount._meta.db_table} WHERE uid = %s"
    with transaction.atomic():
        found = statements.fetch_all([(one, (number,)) for number in (8, 9, 7)])
    assert found == [[(made[1].pk,)], [], [(made[0].pk,)]]
    assert statements.fetch_all([]) == []


def test_one_bad_statement_of_several_undoes_all(account: HostingAccount, now: datetime) -> None:
    columns = ("account_id", "kind", "key", "created_at")
    at = statements.moment(now)

    def tell(*keys: str) -> None:
        with transaction.atomic(), statements.together():
            for key in keys:
                statements.insert(Alert, columns, [(account.pk, "blocked", key, at)])

    with pytest.raises(Error):
        tell("a", "b", "a", "c")
    assert not Alert.objects.exists()
    tell("d")
    assert Alert.objects.get().created_at == now


def test_a_connection_that_was_cut_is_an_error_of_the_database(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections that could end")
    statements.fetch("SELECT 1")
    [(number,)] = statements.fetch("SELECT pg_backend_pid()")
    with pytest.raises(Error):
        statements.fetch("SELECT pg_terminate_backend(%s)", [number])
    connection.close()
    assert statements.fetch("SELECT 1") == [(1,)]
