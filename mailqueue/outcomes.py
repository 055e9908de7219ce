"""What became of one try at one recipient, as a value. Pure.

`relay` makes outcomes from what it heard on the wire; `queue.record` writes them down.
"""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How a try ended."""

    DELIVERED = "delivered"  # the other side answered for it (2xx after the final dot)
    DEFERRED = "deferred"  # not now: try again later
    FAILED = "failed"  # never: a permanent refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try at one recipient.

    `reply` holds the other side's words, or ours where there was no reply; `status` is the
    enhanced status code (RFC 3463), `host` the name of the server, empty if none was reached; `tls`
    what TLS there was with it, as the log has it.
    """

    result: Result
    reply: str
    status: str
    host: str = ""
    tls: str = "none"

    def __post_init__(self) -> None:
        if not self.reply:
            raise ValueError("an outcome says why")
