"""Rows changed many at once, each by values of its own: one round trip for each kind of change."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import connection

from mailqueue import statements

# Rows of one statement on SQLite, which ends at some ten thousand values.
_MOST_ROWS = 500


def update_matching(
    table: str, changes: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], only: str
) -> set[int]:
    """Change the rows of a table each by values of its own; return the numbers of those changed.

    `rows` have a value for each of `columns`, which tell PostgreSQL's types; `changes` and the
    condition `only` name them as `given.<column>`. Part of the caller's transaction, which has
    locked what must be.
    """
    update = f"UPDATE {table} SET {changes} FROM given WHERE {only} RETURNING id"  # noqa: S608
    names = ", ".join(columns)
    if not rows:
        return set()
    if connection.vendor == "postgresql":
        # A list for each column: one text for any number of rows, which is prepared once.
        lists = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        sql = f"WITH given({names}) AS (SELECT * FROM unnest({lists})) {update}"  # noqa: S608
        return {
            row[0]
            for row in statements.fetch(sql, [list(column) for column in zip(*rows, strict=True)])
        }
    changed: set[int] = set()
    places = ", ".join(["%s"] * len(columns))
    for start in range(0, len(rows), _MOST_ROWS):
        some = rows[start : start + _MOST_ROWS]
        given = ", ".join([f"({places})"] * len(some))
        sql = f"WITH given({names}) AS (VALUES {given}) {update}"
        changed |= {row[0] for row in statements.fetch(sql, list(chain.from_iterable(some)))}
    return changed
