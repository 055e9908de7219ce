"""`manage.py checkroute DOMAIN`: how mail for a domain would go now, and why."""

import asyncio
from argparse import ArgumentParser
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from mailqueue.outcomes import Outcome, Result
from relay.client import connect
from relay.database import in_database
from relay.mx import explain
from relay.routes import Hop, Level, Route
from relay.wire import Timeouts

# Somebody waits at the keyboard.
TIMEOUTS = Timeouts(*([15.0] * 9))


class Command(BaseCommand):
    """Tells the route, its servers and what TLS they must give; with --connect, tries them."""

    help = "Tell how mail for a domain would go: servers, addresses, TLS, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", help="a domain, or an address, of which the domain counts")
        parser.add_argument(
            "--connect", action="store_true", help="also connect to each server, and send nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        domain = options["domain"].rpartition("@")[2].strip().removesuffix(".")
        if not uvloop.run(self._check(domain, does_connect=options["connect"])):
            raise CommandError(f"Mail for {domain} does not go out now.")

    async def _check(self, domain: str, *, does_connect: bool) -> bool:
        self._say(f"Mail for {domain}:")
        try:
            answer = await explain(domain, lambda words: self._say(f"  {words}"))
        finally:
            await in_database(connections.close_all)
        if isinstance(answer, Outcome):
            meaning = "fails" if answer.result is Result.FAILED else "waits"
            self._say(f"It {meaning} ({answer.status}): {answer.reply}")
            return False
        if answer.socket is not None:
            self._say("It goes to the mailbox simulator: nothing leaves the machine.")
            return True
        self._say("It goes to, in this order:")
        for hop in answer.hops:
            self._say(f"  {_told(hop)}")
        if answer.login is not None:
            self._say(f"  with the login of {answer.login.user}")
        return not does_connect or await self._connect(answer)

    async def _connect(self, route: Route) -> bool:
        """Greet each server alone; return whether one took us."""
        results = []
        for hop in route.hops:
            self._say(f"Connecting to {hop.name}…")
            alone = Route(hop.name, (hop,), login=route.login)
            answer = await connect(alone, settings.HOSTNAME, TIMEOUTS)
            if isinstance(answer, Outcome):
                self._say(f"  no ({answer.status}): {answer.reply}")
            else:
                self._say(f"  yes, TLS: {answer.tls}")
                answer.quit()
                await asyncio.sleep(0)
            results.append(not isinstance(answer, Outcome))
        return any(results)

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _told(hop: Hop) -> str:
    addresses = ", ".join(hop.addresses) or "the system finds its address"
    begin = "TLS from the start" if hop.tls.is_implicit else "STARTTLS"
    meaning = {
        Level.NONE: "not asked for",
        Level.OPPORTUNISTIC: "if it is offered",
        Level.REQUIRED: "demanded",
        Level.VERIFIED: "demanded, with a certificate for this name",
        Level.DANE: "demanded, with a certificate that DANE vouches for",
    }[hop.tls.level]
    why = f" ({hop.tls.why})" if hop.tls.why else ""
    return f"{hop.rank + 1}. {hop.name}:{hop.port} [{addresses}], {begin} {meaning}{why}"
