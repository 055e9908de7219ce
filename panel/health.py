"""`python -m panel.health PART`: whether web, relay, worker, beat or engines do their work.

Exits 0 if it does, else 1 and says why.

For the health checks of docker-compose.yml and of whoever watches a server: asked often, so it
loads no more of Django than the settings. Web and relay are asked over their own sockets; worker
and beat leave signs of life (`mailqueue.pulse`).
"""

import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection

from django.conf import settings

from mailqueue import pulse

PATIENCE_S = 5.0


def web() -> str:
    """Asks for the first page; what is wrong, or nothing."""
    host, port = settings.BIND
    # "All addresses" is nowhere to connect to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/login/", headers={"Host": "localhost"})
        status = connection.getresponse().status
    except OSError as error:
        return f"the panel does not answer: {error}"
    finally:
        connection.close()
    return "" if status < 400 else f"the panel answers {status}"


def relay() -> str:
    """Greets it on its socket; what is wrong, or nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S)
        try:
            connection.connect(os.fspath(settings.RELAY_SOCKET))
            with connection.makefile("rwb") as conversation:
                conversation.write(b"EHLO localhost\r\nQUIT\r\n")
                conversation.flush()
                replies = conversation.readlines()
        except OSError as error:
            return f"the relay does not answer: {error}"
    codes = {line[:3] for line in replies}
    return "" if codes == {b"220", b"250", b"221"} else f"the relay answers {replies!r}"


def engines() -> str:
    """Looks up what workers know of Rspamd and ClamAV; which of them is away, or nothing."""
    # Rows need all of Django: loaded for this part alone.
    import django
    from django.utils import timezone

    django.setup()
    from mailqueue import engines as kept

    away = kept.away(timezone.now())
    return "; ".join(
        f"{row.get_name_display()} has not answered {row.node} since"
        f" {row.since.isoformat(' ', 'seconds')}: {row.words}"
        for row in away
    )


def pulse_of(part: str) -> str:
    """How old the last sign of life of worker or beat is; what is wrong, or nothing."""
    age_s = pulse.age_s(part)
    # One of its moments may be missed: Redis was restarted, or a run lasted half a minute.
    longest_s = 3 * settings.SWEEP_S + 30
    if age_s is None:
        return f"{part} has given no sign of life yet"
    if age_s > longest_s:
        return f"the last sign of life of {part} was {age_s:.0f} s ago"
    return ""


PARTS: dict[str, Callable[[], str]] = {
    "web": web,
    "relay": relay,
    "engines": engines,
    pulse.WORKER: partial(pulse_of, pulse.WORKER),
    pulse.BEAT: partial(pulse_of, pulse.BEAT),
}


def main(arguments: list[str]) -> int:
    """Check one part; say what is wrong with it."""
    if len(arguments) != 1 or arguments[0] not in PARTS:
        print(f"usage: python -m panel.health {{{','.join(PARTS)}}}", file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    trouble = PARTS[arguments[0]]()
    if trouble:
        print(trouble, file=sys.stderr)
    return int(bool(trouble))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
