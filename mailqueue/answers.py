"""Answers by e-mail to a letter about a stop: what the owner says was done.

Who answers is told by the address alone that the answer was sent to: it stands in the letter, and
nobody else can make it. What the answer quotes of the letter is left out, and what is left is text
of bounded length.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from mailqueue import queue, service
from mailqueue.dsn import mime
from mailqueue.dsn.mail import taken_apart
from mailqueue.errors import NoReview, UnknownAccount
from mailqueue.models import StateChange
from mailqueue.queue import storable
from mailqueue.service.reviews import LONGEST_STATEMENT

LONGEST_AUTHOR = 150
# How programs announce what they quote: nothing behind such a line is an answer.
_QUOTES = re.compile(
    r"(?:-{2,20} ?(?:original message|message d.origine|message transf|forwarded message)"
    r"|_{20,200}$"
    r"|(?:le|on|am|el|il) [^\n]{4,200}(?:a écrit|wrote|schrieb|escribió|ha scritto)\s{0,4}:$"
    r"|(?:de|from|von) ?: ?[^\n]{0,200}@)",
    re.I,
)
# A sentence of that kind may be wrapped.
_LONGEST_LINE = 500


def read(content: bytes) -> tuple[str, str]:
    """Who an answer says it is from, and what it says itself; empty where it says nothing."""
    mail = taken_apart(content)
    author = " ".join(mime.decoded_header(mail.header("from"))[:400].split())
    return storable(author, LONGEST_AUTHOR), storable(_own_words(mail.note), LONGEST_STATEMENT)


def lock(change_ids: Iterable[int]) -> None:
    """Lock the accounts of these stops, before several are answered: by number, as everywhere."""
    stops = StateChange.objects.filter(pk__in=list(change_ids))
    queue.lock_accounts(stops.values_list("account_id", flat=True))


def state(change_id: int, author: str, statement: str, now: datetime) -> int | None:
    """State a review for the account of this stop; return its number.

    None if the stop is not known any more, nobody has to answer for it, or nothing is said.
    """
    account_id = (
        StateChange.objects.filter(pk=change_id).values_list("account_id", flat=True).first()
    )
    if account_id is None or not statement:
        return None
    try:
        service.state_review(account_id, author, statement, now, by_mail=True)
    except (NoReview, UnknownAccount):
        return None
    return account_id


def _own_words(text: str) -> str:
    lines: list[str] = []
    written = [line.rstrip()[:_LONGEST_LINE] for line in text.splitlines()]
    for place, line in enumerate(written):
        # "Le … à …, Facteur <…> a" / "écrit :" is one sentence in two lines.
        wrapped = f"{line} {written[place + 1]}" if place + 1 < len(written) else line
        if line == "--" or _QUOTES.match(line) or _QUOTES.fullmatch(wrapped):
            break
        if not line.startswith(">"):
            lines.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
