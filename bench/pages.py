"""`python -m bench.pages`: what pages cost with little mail and with much, side by side.

Fills a small database and a large one (`manage.py filldatabase`) in folders of their own, and
visits the pages of the account that holds most (`bench.visits`). Flat pages make as many queries
with much mail as with little, and take about as long.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.house import ROOT, database

# Milliseconds and queries of each page.
Figures = dict[str, tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Size:
    """How much a database holds."""

    accounts: int
    recipients: int
    held: int


# Enough to fill each page: a page with fewer rows would be no measure.
SMALL = Size(30, 20_000, 500)
MODERATE = Size(1000, 300_000, 100_000)
FULL = Size(1000, 10_000_000, 1_000_000)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--accounts", type=int, default=MODERATE.accounts)
    parser.add_argument("--recipients", type=int, default=MODERATE.recipients)
    parser.add_argument("--held", type=int, default=MODERATE.held)
    parser.add_argument("--full", action="store_true", help=f"{FULL.recipients:,} recipients")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not on SQLite")
    options = parser.parse_args()
    large = FULL if options.full else Size(options.accounts, options.recipients, options.held)
    print("Pages in process (django.test.Client), as an administrator: milliseconds (queries)")
    print(f"{os.cpu_count()} processors, {'PostgreSQL' if options.postgresql else 'SQLite'}.")
    _report(_measured(SMALL, options.postgresql), _measured(large, options.postgresql))


def _measured(size: Size, is_postgresql: bool) -> Figures:
    """The figures of a database of this size, which is made for them and goes after them."""
    folder = Path(tempfile.mkdtemp(prefix="fb-"))
    try:
        with database(is_postgresql) as url:
            others = {n: v for n, v in os.environ.items() if not n.startswith("FACTEUR_")}
            environment = others | {
                "DJANGO_SETTINGS_MODULE": "panel.settings",
                "FACTEUR_DATA_DIR": str(folder),
                "FACTEUR_DATABASE_URL": url,
            }
            began = time.monotonic()
            _run(environment, "manage.py", "migrate", "--verbosity", "0")
            _run(
                environment,
                *("manage.py", "filldatabase", "--accounts", str(size.accounts)),
                *("--recipients", str(size.recipients), "--held", str(size.held)),
            )
            print(
                f"  {size.accounts:,} accounts, {size.recipients:,} recipients, {size.held:,}"
                f" held: made in {time.monotonic() - began:.0f} s",
                flush=True,
            )
            figures: Figures = json.loads(_run(environment, "-m", "bench.visits"))
            return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(environment: dict[str, str], *arguments: str) -> str:
    """What a Python program of ours prints; its log is dropped, unless it fails."""
    result = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{result.stderr[-2000:]}")
    return result.stdout


def _report(small: Figures, large: Figures) -> None:
    print(f"\n  {'page':<34} {'small':>14} {'large':>14} {'ratio':>6}")
    for name, (large_ms, large_queries) in large.items():
        small_ms, small_queries = small[name]
        print(
            f"  {name:<34} {small_ms:8.1f} ({small_queries:>3}) {large_ms:8.1f}"
            f" ({large_queries:>3}) {large_ms / small_ms:6.1f}"
        )


if __name__ == "__main__":
    main()
