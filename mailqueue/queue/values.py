"""Rows changed many at once, each by values of its own: one round trip for each kind of change."""

from collections.abc import Mapping, Sequence
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
    if not rows:
        return set()
    step = len(rows) if connection.vendor == "postgresql" else _MOST_ROWS
    changed: set[int] = set()
    for start in range(0, len(rows), step):
        table_given, values = statements.given(columns, rows[start : start + step])
        sql = (
            f"WITH {table_given} UPDATE {table} SET {changes} FROM given "  # noqa: S608
            f"WHERE {only} RETURNING id"
        )
        changed |= {row[0] for row in statements.fetch(sql, values)}
    return changed
