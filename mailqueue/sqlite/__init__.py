"""SQLite as a database backend whose writers queue up instead of starving."""
