"""`python -m mailqueue.clock --schedule FILE`: gives the tasks of the clock when their time comes.

This is Celery's beat, without what `celery beat` loads for it: its clock needs the settings, and
neither Django's applications nor our tasks. It takes 31 MB so, and 70 MB otherwise (measured).
Owns the process; what is given when stands in `celery`.
"""

import argparse
import signal
from types import FrameType

from celery import beat
from django.conf import settings
from django.utils.log import configure_logging

from mailqueue.celery import app


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m mailqueue.clock", description=__doc__)
    parser.add_argument("--schedule", required=True, help="the file that remembers the last runs")
    options = parser.parse_args()
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    clock = beat.Service(app, schedule_filename=options.schedule)

    def stop(_number: int, _frame: FrameType | None) -> None:
        # Wakes it, however long it would sleep until its next moment.
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # It writes the file down when it ends.
    clock.start()


if __name__ == "__main__":
    main()
