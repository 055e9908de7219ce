"""What was measured, and how it is told: medians with the least and the most, and ratios.

Owns the table that docs/performance.md takes over. It knows nothing of what the figures mean but
whether more or less of it is better.
"""

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

SQLITE = "SQLite"
POSTGRESQL = "PostgreSQL"
POSTFIX = "Postfix"
RELAY = "Facteur"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured, for one or more sides.

    `target` is the ratio to Postfix to reach: at least that for a rate, at most that for a time.
    `alone` says why there is nothing of Postfix to compare with.
    """

    title: str
    unit: str
    digits: int = 0
    target: str = ""
    alone: str = ""


@dataclass(slots=True)
class Figures:
    """All rows in the order in which they were first noted, each with its sides' runs."""

    rows: dict[Row, dict[str, list[float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, row: Row, side: str, value: float) -> None:
        """Keep one run's figure, and show it."""
        self.rows.setdefault(row, {}).setdefault(side, []).append(value)
        print(f"  {row.title:<58} {side:<11} {value:8.{row.digits}f} {row.unit}", flush=True)

    def say(self, words: str) -> None:
        """Keep a sentence for below the table, and show it."""
        self.notes.append(words)
        print(f"  {words}", flush=True)

    def table(self) -> Iterator[str]:
        """Markdown: a line for each row and side, then the notes."""
        yield "| What | Side | Median (least – most) | ÷ Postfix | to reach |"
        yield "|---|---|--:|--:|--:|"
        for row, sides in self.rows.items():
            for number, (side, runs) in enumerate(sides.items()):
                title = f"{row.title}, {row.unit}" if number == 0 else ""
                spread = f"{_text(median(runs), row)} ({_text(min(runs), row)} – "
                spread += f"{_text(max(runs), row)})"
                ratio, target = "", ""
                if side != POSTFIX:
                    target = row.target
                    others = sides.get(POSTFIX)
                    ratio = f"**{median(runs) / median(others):.2f}**" if others else row.alone
                yield f"| {title} | {side} | {spread} | {ratio} | {target} |"
        for words in self.notes:
            yield ""
            yield words


def _text(value: float, row: Row) -> str:
    return f"{value:,.{row.digits}f}"


def machine() -> str:
    """Where this was measured, in one paragraph: processor, memory, versions, the date."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    facts = [
        f"{os.cpu_count()} processors ({model})",
        f"{memory_gb:.0f} GB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *_versions(),
        f"load {os.getloadavg()[0]:.1f} at the end",
        f"{datetime.now(UTC):%d %B %Y}",
    ]
    return "; ".join(facts) + "."


def _versions() -> Iterator[str]:
    asked = (
        ("Postfix", ["/usr/sbin/postconf", "-h", "mail_version"]),
        ("PHP", ["php", "-n", "-r", "echo PHP_VERSION;"]),
        ("", ["redis-server", "--version"]),
    )
    for name, command in asked:
        if shutil.which(command[0]):
            result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
            words = result.stdout.strip()
            if name:
                yield f"{name} {words}"
            else:
                yield f"Redis {words.partition('v=')[2].partition(' ')[0]}"
    folders = sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda path: path.name)
    if folders:
        yield f"PostgreSQL {folders[-1].name}"
