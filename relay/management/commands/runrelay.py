"""`manage.py runrelay`: the relay, in the foreground."""

import asyncio
import signal
import ssl
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from relay import inbound, maildrop, network, server, simulator, submission
from relay.intake import Intake


class Command(BaseCommand):
    """Takes mail from the sendmail command, the maildrop and the network, until SIGTERM."""

    help = "Run the relay: take mail from scripts and keep it. Stops on SIGTERM or SIGINT."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            maildrop.prepare(settings.MAILDROP)
            tls = {name: _tls(name) for name in ("SUBMISSION", "BOUNCE")}
            uvloop.run(_serve(tls["SUBMISSION"], tls["BOUNCE"]))
        except server.AlreadyRunning as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The relay cannot start: {error}") from error


def _tls(name: str) -> ssl.SSLContext | None:
    """TLS with the certificate that is set for listeners of this name, if one is."""
    certificate, key = (getattr(settings, f"{name}_{kind}") for kind in ("CERTIFICATE", "KEY"))
    try:
        return network.context(certificate, key) if certificate else None
    except OSError as error:
        raise CommandError(
            f"FACTEUR_{name}_CERTIFICATE and FACTEUR_{name}_KEY are no certificate and its key:"
            f" {error}"
        ) from error


async def _serve(tls: ssl.SSLContext | None, tls_of_bounces: ssl.SSLContext | None) -> None:
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
        terms = submission.Terms(tls, plain_networks=settings.SUBMISSION_PLAIN_NETWORKS)
        await stack.enter_async_context(submission.serve(listeners, terms, intake))
        listeners = [network.Listener(*one) for one in settings.BOUNCE_LISTEN]
        inbox = inbound.Inbox(_utc_now)
        terms_of_bounces = network.Terms(tls_of_bounces)
        await stack.enter_async_context(inbound.serve(listeners, terms_of_bounces, intake, inbox))
        watching = asyncio.create_task(drop.watch())
        await stopping.wait()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _utc_now() -> datetime:
    return datetime.now(UTC)
