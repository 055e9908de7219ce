"""Send what is due, as a worker does; a process of its own for the bench."""

import sys
from datetime import UTC, datetime

import django
import uvloop


def main() -> None:
    """Run until nothing is due any more, over as many connections as the argument says."""
    django.setup()
    from relay.delivery import CONNECTIONS, deliver_due

    connections = int(sys.argv[1]) if len(sys.argv) > 1 else CONNECTIONS
    while uvloop.run(deliver_due(lambda: datetime.now(UTC), connections=connections)):
        pass


if __name__ == "__main__":
    main()
