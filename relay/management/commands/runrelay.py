"""`manage.py runrelay`: the relay, in the foreground."""

import asyncio
import resource
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from relay import inbound, maildrop, network, server, simulator, submission
from relay.certificate import Certificate
from relay.intake import Intake
from relay.processes import Family

MOST_PROCESSES = 64
# Ours: far more than callers at once.
MOST_DESCRIPTORS = 65_536


class Command(BaseCommand):
    """Takes mail from the sendmail command, the maildrop and the network, until SIGTERM."""

    help = "Run the relay: take mail from scripts and keep it. Stops on SIGTERM or SIGINT."
    # Django's own look at all pages of the panel: 11 MB that stay (measured). The settings refuse
    # nonsense by themselves.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes",
            type=int,
            choices=range(1, MOST_PROCESSES + 1),
            metavar="NUMBER",
            default=settings.RELAY_PROCESSES,
            help="processes that take mail (FACTEUR_RELAY_PROCESSES if not given)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        certificates = (_certificate("SUBMISSION"), _certificate("BOUNCE"))
        try:
            _take_descriptors()
            maildrop.prepare(settings.MAILDROP)
            with ExitStack() as stack:
                # First: it finds out that another relay runs, whose simulator must keep its socket.
                wire = stack.enter_context(server.listening(settings.RELAY_SOCKET))
                bound, back = (
                    stack.enter_context(network.bound([network.Listener(*one) for one in listed]))
                    for listed in (settings.SUBMISSION_LISTEN, settings.BOUNCE_LISTEN)
                )
                _run(options["processes"], _Doors(wire, bound, back, certificates))
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


@dataclass(frozen=True, slots=True)
class _Doors:
    """Where mail comes in: the Unix socket, and the listeners on the network."""

    wire: socket.socket
    bound: Sequence[network.Bound]
    # For what comes back.
    back: Sequence[network.Bound]
    # Of the network's listeners, and of those for what comes back.
    certificates: tuple[Certificate | None, Certificate | None]

    def close(self) -> None:
        """Accept no more here: who has connected already learns of it."""
        for wire in (self.wire, *(wire for one in (*self.bound, *self.back) for wire in one.wires)):
            wire.close()


def _run(processes: int, doors: _Doors) -> None:
    if processes == 1:
        uvloop.run(_serve(doors, is_first=True))
        return

    def work(number: int, lifeline: int) -> None:
        uvloop.run(_serve(doors, is_first=number == 0, lifeline=lifeline))

    Family(processes, work).run(when_stopping=doors.close)


def _certificate(name: str) -> Certificate | None:
    """The certificate that is set for listeners of this name, if one is."""
    files = [getattr(settings, f"{name}_{kind}") for kind in ("CERTIFICATE", "KEY")]
    try:
        return Certificate(*files) if files[0] else None
    except OSError as error:
        raise CommandError(
            f"FACTEUR_{name}_CERTIFICATE and FACTEUR_{name}_KEY are no certificate and its key"
            f" ({' and '.join(files)}): {error}"
        ) from error


async def _serve(doors: _Doors, *, is_first: bool, lifeline: int | None = None) -> None:
    """Take mail until SIGTERM. The first process alone has the maildrop and the simulator."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if lifeline is not None:
        loop.add_reader(lifeline, stopping.set)
    intake = Intake(_utc_now)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server.serve(doors.wire, intake))
        if is_first and settings.USES_SIMULATOR:
            await stack.enter_async_context(simulator.serve(settings.SIMULATOR_SOCKET))
        tls, tls_of_back = (one.context if one else None for one in doors.certificates)
        terms = submission.Terms(tls, plain_networks=settings.SUBMISSION_PLAIN_NETWORKS)
        await stack.enter_async_context(submission.serve(doors.bound, terms, intake))
        terms_of_back = network.Terms(tls_of_back)
        inbox = inbound.Inbox(_utc_now)
        await stack.enter_async_context(inbound.serve(doors.back, terms_of_back, intake, inbox))
        for certificate in filter(None, doors.certificates):
            await stack.enter_async_context(_watching(certificate.watch()))
        if is_first:
            refused = settings.DATA_DIR / "refused"
            drop = maildrop.Maildrop(settings.MAILDROP, refused, intake, _utc_now)
            await stack.enter_async_context(_watching(drop.watch()))
        await stopping.wait()
        if lifeline is not None:
            loop.remove_reader(lifeline)


@asynccontextmanager
async def _watching(watch: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    watching = asyncio.create_task(watch)
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _utc_now() -> datetime:
    return datetime.now(UTC)
