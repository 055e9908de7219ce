"""`manage.py runrelay`: the relay, in the foreground."""

import asyncio
import resource
import signal
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from relay import maildrop, network, server, simulator, submission
from relay.certificate import Certificate
from relay.intake import Intake

# Ours: far more than callers at once.
MOST_DESCRIPTORS = 65_536


class Command(BaseCommand):
    """Takes mail from the sendmail command, the maildrop and the network, until SIGTERM."""

    help = "Run the relay: take mail from scripts and keep it. Stops on SIGTERM or SIGINT."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _take_descriptors()
            maildrop.prepare(settings.MAILDROP)
            uvloop.run(_serve(_certificate()))
        except server.AlreadyRunning as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The relay cannot start: {error}") from error


def _take_descriptors() -> None:
    """Have as many open connections as we may; most systems begin with 1,024 descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _certificate() -> Certificate | None:
    files = settings.SUBMISSION_CERTIFICATE, settings.SUBMISSION_KEY
    try:
        return Certificate(*files) if files[0] else None
    except OSError as error:
        raise CommandError(
            "FACTEUR_SUBMISSION_CERTIFICATE and FACTEUR_SUBMISSION_KEY are no certificate and its"
            f" key: {error}"
        ) from error


async def _serve(certificate: Certificate | None) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    intake = Intake(_utc_now)
    drop = maildrop.Maildrop(settings.MAILDROP, settings.DATA_DIR / "refused", intake, _utc_now)
    async with AsyncExitStack() as stack:
        # First: it finds out that another relay runs, whose simulator must keep its socket.
        await stack.enter_async_context(server.serve(settings.RELAY_SOCKET, intake))
        if settings.USES_SIMULATOR:
            await stack.enter_async_context(simulator.serve(settings.SIMULATOR_SOCKET))
        listeners = [network.Listener(*one) for one in settings.SUBMISSION_LISTEN]
        tls = certificate.context if certificate else None
        terms = submission.Terms(tls, plain_networks=settings.SUBMISSION_PLAIN_NETWORKS)
        await stack.enter_async_context(submission.serve(listeners, terms, intake))
        watching = [asyncio.create_task(drop.watch())]
        if certificate is not None:
            watching.append(asyncio.create_task(certificate.watch()))
        await stopping.wait()
        for task in watching:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _utc_now() -> datetime:
    return datetime.now(UTC)
