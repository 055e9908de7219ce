"""How fast what comes back is kept and handled: stored, read, taken down, its rows changed.

Run as a program of its own (`python -m bench.returns REPORTS`), on a house's database, it makes as
many e-mails that were sent, lets each come back, and prints reports kept and handled in a second.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

from bench.figures import Row
from bench.stage import Stage

REPORTS = 2000
# As the relay's group commit has them when many servers bring some at once.
AT_ONCE = 20
KEPT = Row("reports of failures kept", "reports/s", alone="Postfix keeps none")
HANDLED = Row("reports of failures handled (1,000 a minute)", "reports/s", alone=KEPT.alone)


async def measure(stage: Stage) -> None:
    """Keep and handle reports, on each database."""
    for kind, house in stage.houses().items():
        for _ in stage.each_round():
            printed = await house.python("-m", "bench.returns", str(stage.mails(REPORTS)))
            kept, handled = (float(word) for word in printed.split())
            stage.figures.note(KEPT, kind, kept)
            stage.figures.note(HANDLED, kind, handled)


def main() -> None:
    """Keep and handle as many reports as the argument says; print both rates."""
    import django

    django.setup()
    from mailqueue import accounts, queue, returns
    from mailqueue.models import Message
    from mailqueue.outcomes import Outcome, Result
    from mailqueue.queue import Submission
    from mailqueue.return_tokens import Purpose, Token
    from mailqueue.returns import Arrival
    from tests.support.reports import report

    number, now = int(sys.argv[1]), datetime.now(UTC)
    account = accounts.create(f"retours{time.time_ns()}.example", now)
    accounts.change(account.pk, hourly_quota=0, daily_quota=0, error_limit=0, bounce_percent=0)
    content = b"Subject: Commande\r\n\r\nMerci.\r\n"
    for place in range(0, number, 100):
        queue.accept(
            [
                Submission(
                    account_id=account.pk,
                    sender="site@retours.example",
                    recipients=(f"client{one}@example.org",),
                    content=content,
                    size_bytes=len(content),
                    subject="Commande",
                    origin=Message.Origin.SOCKET,
                )
                for one in range(place, min(place + 100, number))
            ],
            now,
        )
    arrivals = []
    while claimed := queue.claim_due(now, 500, timedelta(minutes=5)):
        queue.record(
            [(one, Outcome(Result.DELIVERED, "250 2.0.0 ok", "2.0.0")) for one in claimed], now
        )
        for one in claimed:
            token, letter = Token(Purpose.RETURN, one.recipient_id, now), report(one.address)
            arrivals.append(Arrival(token, "", "192.0.2.1", letter, len(letter)))
    began = time.perf_counter()
    for place in range(0, number, AT_ONCE):
        returns.store(arrivals[place : place + AT_ONCE], now)
    kept = number / (time.perf_counter() - began)
    began = time.perf_counter()
    while returns.handle(now) is not None:
        pass
    print(kept, number / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
