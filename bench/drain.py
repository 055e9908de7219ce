"""Send what is due, as a worker does; a process of its own for the bench."""

from datetime import UTC, datetime

import django
import uvloop


def main() -> None:
    """Run until nothing is due any more."""
    django.setup()
    from relay.delivery import deliver_due

    while uvloop.run(deliver_due(lambda: datetime.now(UTC))):
        pass


if __name__ == "__main__":
    main()
