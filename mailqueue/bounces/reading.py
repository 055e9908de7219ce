"""Replies and reports to verdicts: what `bounces` offers. Pure."""

import re

from mailqueue import dsn
from mailqueue.bounce_rules import Category
from mailqueue.bounces.judging import judge
from mailqueue.bounces.verdicts import Report, Verdict
from mailqueue.dsn.fields import status_in

# Of a server's words, what is kept in a report.
MAX_WORDS_KEPT = 1000

_ACCEPTED = re.compile(r"\s{0,8}2\d\d(?:[ -]|\Z)")
# How reports for people say that the message still waits.
_STILL_TRYING = (
    "will be retried",
    "warning only",
    "will retry",
    "will keep trying",
    "has been delayed",
    "is delayed",
    "still trying",
    "still being retried",
    "not yet been delivered",
    "attempts will continue",
    "tentatives continueront",
    "wird weiterhin versucht",
)
# "deliverable" is Postfix's answer to a test (`sendmail -bv`).
_DONE = frozenset({"delivered", "relayed", "expanded", "deliverable"})


def classify_reply(reply: str) -> Verdict:
    """What a reply at delivery time means, as in `550 5.1.1 <a@example.org>: User unknown`.

    Several lines are taken as one reply. A first digit 4 always means "try again".
    """
    if _ACCEPTED.match(reply[:40]):
        return Verdict(Category.DELIVERED, status_in(reply[:40]), False, False)
    return judge(reply)


def classify_report(message: bytes) -> list[Report]:
    """What a message that came back says of each recipient; empty for ordinary mail.

    Automatic answers, complaints and reports of success are told by their category.
    """
    notice = dsn.read(message)
    match notice.kind:
        case dsn.Kind.ORDINARY:
            return []
        case dsn.Kind.AUTO_REPLY:
            return [_no_failure(row, Category.AUTO_REPLY) for row in notice.rows]
        case dsn.Kind.COMPLAINT:
            return [_no_failure(row, Category.COMPLAINT, notice.feedback) for row in notice.rows]
        case dsn.Kind.REPORT:
            return [_report(row, notice) for row in notice.rows]


def _no_failure(row: dsn.Row, category: Category, feedback: str = "") -> Report:
    return Report(
        row.recipient or None, row.original or None, "", "", False, False, category, "", feedback
    )


def _report(row: dsn.Row, notice: dsn.Notice) -> Report:
    if row.action in _DONE:
        return Report(
            row.recipient or None,
            row.original or None,
            row.action,
            row.status,
            False,
            False,
            Category.DELIVERED,
            _kept(row.words),
        )
    action = row.action if row.action in ("failed", "delayed") else _action(notice)
    # A sole recipient may be judged by all that the note says.
    around = row.around or (notice.note if len(notice.rows) == 1 else "")
    stated = "delayed" if action == "delayed" else row.action
    verdict = judge(row.words, row.status, stated, around)
    return Report(
        row.recipient or None,
        row.original or None,
        action,
        verdict.status,
        verdict.permanent,
        verdict.hard,
        verdict.category,
        _kept(row.words or row.around),
    )


def _action(notice: dsn.Notice) -> str:
    """Whether a report without fields says that the server still tries."""
    note = " ".join(notice.note[:4000].lower().split())
    return "delayed" if any(phrase in note for phrase in _STILL_TRYING) else "failed"


def _kept(words: str) -> str:
    return " ".join(words[: 4 * MAX_WORDS_KEPT].split())[:MAX_WORDS_KEPT]
