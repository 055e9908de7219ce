"""The Celery application, its clock, and the names of its tasks.

Tasks carry no mail and no truth: a lost hint costs one sweep, and Redis may be emptied at any time.
"""

import gc
import logging
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_before_create_process
from django.conf import settings
from kombu.exceptions import OperationalError

from mailqueue import pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

DELIVER = "relay.deliver"
SWEEP = "relay.sweep"
FIND_OUT = "relay.find_out"
ENGINES = "relay.engines"
WORK = "mailqueue.work"
PRUNE = "mailqueue.prune"
WARN = "mailqueue.warn"
CLASSIFY = "mailqueue.classify"
REPORT = "panel.report"
ALERT = "panel.alert"
PRUNE_PANEL = "panel.prune"

logger = logging.getLogger("facteur.hints")

app = Celery("facteur")
app.config_from_object(
    {
        "broker_url": settings.CELERY_BROKER_URL,
        "broker_connection_retry_on_startup": True,
        # For ever: Redis may be away for an hour, and the worker must come back by itself.
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            # Whoever gives a hint does not wait for Redis: it took 6 s before it gave up. The
            # worker's own way back is broker_connection_max_retries.
            "max_retries": 0,
        },
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_ignore_result": True,
        "task_default_queue": "facteur",
        # A worker takes what it can do now: a reserved hint behind a long task is a late hint.
        "worker_prefetch_multiplier": 1,
        "timezone": "UTC",
        "beat_schedule": {
            "sweep": {
                "task": SWEEP,
                "schedule": settings.SWEEP_S,
                # A sweep that could not run in time is of no use beside the next one.
                "options": {"expires": settings.SWEEP_S},
            },
            "work": {
                "task": WORK,
                "schedule": settings.SWEEP_S,
                "options": {"expires": settings.SWEEP_S},
            },
            "classify": {
                "task": CLASSIFY,
                "schedule": settings.SWEEP_S,
                "options": {"expires": settings.SWEEP_S},
            },
            "find_out": {
                "task": FIND_OUT,
                "schedule": settings.SWEEP_S,
                "options": {"expires": settings.SWEEP_S},
            },
            # Often: accounts have their morning at different times.
            "report": {"task": REPORT, "schedule": 900.0, "options": {"expires": 900}},
            "alert": {"task": ALERT, "schedule": 60.0, "options": {"expires": 60}},
            "engines": {"task": ENGINES, "schedule": 60.0, "options": {"expires": 60}},
            "warn": {"task": WARN, "schedule": 900.0, "options": {"expires": 900}},
            "prune_panel": {
                "task": PRUNE_PANEL,
                "schedule": 3600.0,
                "options": {"expires": 3600},
            },
            "prune": {"task": PRUNE, "schedule": 3600.0, "options": {"expires": 3600}},
        },
    }
)
app.autodiscover_tasks()
pulse.listen()


@setup_logging.connect
def _keep_logging(**_: Any) -> None:
    """Log as the settings have it: with nobody here Celery would let nothing below WARNING through.

    Then a worker told of no delivery.
    """


@worker_before_create_process.connect
def _freeze(**_: Any) -> None:
    """Let the collector leave alone what is loaded by now.

    It writes into what it looks at: the processes that a worker forks would no longer share it.
    """
    gc.collect()
    gc.freeze()


def hint(task: str) -> bool:
    """Tell a worker that `task` has something to do; return whether Redis took it.

    Waits up to a second or so when Redis is away: never call it in an event loop. A hint that is
    lost costs one sweep, so its loss is only logged.
    """
    try:
        app.send_task(task, retry=False, expires=settings.SWEEP_S)
    except OperationalError as error:
        logger.warning("hint=%s lost=%r", task, str(error))
        return False
    return True
