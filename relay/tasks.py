"""Celery tasks of the wire: deliver what is due, sweep up, find out facts, ask engines.

Owns how a run is started and stopped in a worker; the runs are for `delivery` and `inquiries`.
All tasks may be lost, doubled or late: the rows say what is to be done.
"""

import fcntl
import logging
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import uvloop
from celery import shared_task
from celery.signals import worker_init, worker_shutting_down
from django.conf import settings
from django.db import Error

import mailqueue.engines
import mailqueue.probes
from mailqueue import queue
from mailqueue.celery import DELIVER, ENGINES, FIND_OUT, SWEEP, hint
from relay import inquiries, mx, probing
from relay.delivery import deliver_due
from relay.engines import Engines

# Rows that a sweep changes in one transaction.
SLICE = 1000

logger = logging.getLogger("facteur.delivery")

# One byte that the worker shares with the children it forks: 1 when it shuts down. Not an Event of
# multiprocessing: its lock would stay taken for ever when a child is killed while it looks.
_shutdown = mmap.mmap(-1, 1)


@worker_init.connect
def _begin(**_: Any) -> None:
    _shutdown[0] = 0


@worker_shutting_down.connect
def _shut_down(**_: Any) -> None:
    _shutdown[0] = 1


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other run is delivering on this machine; if so, none begins meanwhile.

    One run keeps many conversations going: a second would only take the place of a purge.
    """
    lock = os.open(settings.RUN_DIR / "delivery.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _takes(lock)
    finally:
        os.close(lock)


def _takes(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@shared_task(name=DELIVER)
def deliver() -> None:
    """Send what is due, for half a minute; then leave the rest to a new task.

    Before it, look at what scripts sent to be looked at: somebody waits for that before a page.
    """
    has_more = _look()
    try:
        with alone() as is_alone:
            if not is_alone:
                if has_more and not _is_shutting_down():
                    hint(DELIVER)
                return
            uvloop.run(deliver_due(_utc_now, should_stop=_is_shutting_down))
        # Asked when others may begin again: what came in just before had its hint turned away.
        if not _is_shutting_down() and (has_more or queue.has_due(_utc_now())):
            hint(DELIVER)
    except Error as error:
        # The next sweep comes again; by then the database may have.
        logger.warning("run=failed error=%r", str(error))


def _look() -> bool:
    """Look at probes, beside a run that is under way; return whether some are left.

    Mail does not wait for what fails here.
    """
    try:
        return probing.look(_utc_now)
    except Error as error:
        logger.warning("probes=failed error=%r", str(error))
        return False


def _is_shutting_down() -> bool:
    return _shutdown[0] == 1


@shared_task(name=SWEEP)
def sweep() -> None:
    """Take mail back from workers that died, end what is too old, and get the due mail sent."""
    while queue.recover_leases(_utc_now(), SLICE) == SLICE:
        pass
    while queue.expire(_utc_now(), SLICE) == SLICE:
        pass
    if queue.has_due(_utc_now()) or mailqueue.probes.waiting(1):
        hint(DELIVER)


@shared_task(name=FIND_OUT)
def find_out() -> None:
    """Find out what screening wants to know of hosts and addresses, for some seconds."""
    if not settings.CHECK_LINKS and not settings.DNSBL:
        return
    try:
        uvloop.run(inquiries.check_due(_utc_now, mx.resolver()))
    except Error as error:
        # It is due again; by then the database may be back.
        logger.warning("facts=failed error=%r", str(error))


@shared_task(name=ENGINES)
def check_engines() -> None:
    """Ask engines that no message asked lately whether they are there."""
    if mailqueue.engines.set_up():
        uvloop.run(_check_engines())


async def _check_engines() -> None:
    engines = Engines(_utc_now)
    await engines.check()
    await engines.keep()


def _utc_now() -> datetime:
    return datetime.now(UTC)
