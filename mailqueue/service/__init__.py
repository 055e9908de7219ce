"""The service state of accounts: its only writer, and the history of its changes.

Owns what people click (`clicks`), also of one script (`blocking`), what rules decide by themselves
(`rules`), the slow work that follows (`jobs`), and the reviews that some blocks require
(`reviews`).
"""

from mailqueue.service.blocking import (
    advance_script,
    block_script,
    open_script_jobs,
    purge_script,
    start_script_job,
    unblock_script,
)
from mailqueue.service.clicks import block, lift, purge, unblock
from mailqueue.service.forgetting import forget
from mailqueue.service.jobs import SLICE, advance, drip, drip_due, next_line, open_jobs
from mailqueue.service.reviews import open_review, refuse_review, state_review
from mailqueue.service.rules import (
    judge_arrivals,
    judge_complaints,
    judge_failures,
    judge_spam,
    recover,
    report_spam,
)

__all__ = [
    "SLICE",
    "advance",
    "advance_script",
    "block",
    "block_script",
    "drip",
    "drip_due",
    "forget",
    "judge_arrivals",
    "judge_complaints",
    "judge_failures",
    "judge_spam",
    "lift",
    "next_line",
    "open_jobs",
    "open_review",
    "open_script_jobs",
    "purge",
    "purge_script",
    "recover",
    "refuse_review",
    "report_spam",
    "start_script_job",
    "state_review",
    "unblock",
    "unblock_script",
]
