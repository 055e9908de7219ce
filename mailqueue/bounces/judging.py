"""From words and codes to a verdict: words first, then the code, then the class. Pure."""

import re
from collections.abc import Iterator

from mailqueue.bounce_rules import DEAD, Category
from mailqueue.bounce_rules.codes import certain, likely
from mailqueue.bounce_rules.english import OWN_WORDS, STRONG, WEAK
from mailqueue.bounce_rules.languages import LANGUAGES
from mailqueue.bounce_rules.tags import LINKS, TAGS
from mailqueue.bounce_rules.words import MAX_WORDS, Text, first_match, plain
from mailqueue.bounces.verdicts import Verdict

# A quoted reply: RFC 5321 §4.5.3.1.5 allows 512 octets a line, and a few lines are enough.
MAX_REPLY = 1500

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\w.:+/@-])([245]\d\d)(?=[ \-:,;\n]|\Z)")
# Which command was refused: as Postfix, Exim, qmail and Sendmail tell it.
_AT_SENDER = re.compile(
    r"in reply to mail from|after mail from|sender was rejected|did not like our mail from"
    r"|>>> mail from:[^\n]{0,400}\n\s{0,8}<<< [45]",
    re.I,
)
_AT_GREETING = re.compile(r"refused to talk to me", re.I)
# Our own words, before those of the server that mail is handed to.
_AT_LOGIN = re.compile(r"does not take the login: ")
_OF_RECIPIENT = DEAD | {Category.SUSPENDED}
_OF_SERVER = frozenset({Category.UNREACHABLE, Category.REMOTE_ERROR, Category.UNDEFINED})
_PASSING_CAUSES = frozenset({Category.UNREACHABLE, Category.REMOTE_ERROR, Category.RATE_LIMITED})
_PASSING = re.compile(
    r"temporar|will (?:be )?retr|try(?:ing)? again|try later|later time|deferred|delayed|transient"
    r"|warning only",
    re.I,
)


def judge(words: str, status: str = "", action: str = "", around: str = "") -> Verdict:
    """The verdict on a server's words, with the status and action a report states beside them.

    `around` is the text the words stand in; it is asked only where they tell nothing.
    """
    words, around = words[:MAX_WORDS], around[:MAX_WORDS]
    reply = _reply_in(words) or _reply_in(around)
    status = _status_of(words, status) or _status_of(around, "")
    is_permanent = _is_permanent(reply, status, action, words or around)
    category = _at_its_stage(
        _category(words, around, reply, status, is_permanent, action), words or around
    )
    if not (reply or status or action) and category in _PASSING_CAUSES:
        # Our own client's words, such as "connection refused": nobody refused anything.
        is_permanent = False
    return Verdict(category, status, is_permanent, is_permanent and category in DEAD)


def _category(
    words: str, around: str, reply: str, status: str, is_permanent: bool, action: str
) -> Category:
    code = status or ("5" if is_permanent else "4")
    if reply == "556" or (reply == "521" and status in ("", "5.3.2", "5.1.10")):
        return Category.HOST_UNKNOWN
    if not reply and (own := first_match(OWN_WORDS, plain(words or around), code)):
        return own
    vague: Category | None = None
    for text in _layers(words, around):
        said = plain(text)
        found = _by_words(said, code)
        if found:
            return found
        vague = vague or first_match(WEAK, said, code)
        by_code = likely(status, "")
        if by_code and (by_code is not Category.POLICY_BLOCK or not vague):
            return by_code
        if by_code and vague:
            return vague
    category = vague or likely("", reply) or Category.UNDEFINED
    if action == "delayed" and category in (Category.UNDEFINED, Category.REMOTE_ERROR):
        # Still trying, and no word why: nobody answered yet.
        return Category.UNREACHABLE
    return category


def _at_its_stage(category: Category, words: str) -> Category:
    """The category, seen from the command that was refused.

    What is refused at MAIL FROM is the sender: "does not exist" then speaks of nobody else. At the
    login it is our own user.
    """
    if _AT_LOGIN.search(words):
        return Category.RELAY_DENIED
    if category in _OF_RECIPIENT and _AT_SENDER.search(words):
        return Category.POLICY_BLOCK
    if category in _OF_SERVER and _AT_GREETING.search(words):
        return Category.REPUTATION_BLOCK
    return category


def _layers(words: str, around: str) -> Iterator[str]:
    """The text to ask, from the server's own reply outwards to all that surrounds it."""
    for text in (words, around):
        match = _reply_at(text)
        if match and match.start():
            yield text[match.start() :].partition("\n\n")[0][:MAX_REPLY]
        if text.strip():
            yield text


def _by_words(text: Text, code: str) -> Category | None:
    return (
        first_match(TAGS, text, code)
        or (certain(code) if "." in code else None)
        or next((category for category, mark in LINKS if mark in text.links), None)
        or first_match(STRONG, text, code)
        or first_match(LANGUAGES, text, code)
    )


def _reply_at(text: str) -> re.Match[str] | None:
    """The first SMTP reply of a refusal in a text."""
    match = _REPLY.search(text)
    while match and match[1][0] == "2":
        match = _REPLY.search(text, match.end())
    return match


def _reply_in(text: str) -> str:
    match = _reply_at(text)
    return match[1] if match else ""


def _status_of(words: str, stated: str) -> str:
    """The stated status, or the one in the words where it tells more."""
    said = [match[0] for match in _STATUS.finditer(words) if match[1] != "2"]
    told = next((code for code in said if not code.endswith(".0.0")), said[0] if said else "")
    if not stated:
        return told
    is_vague = stated.endswith(".0.0")
    return told if is_vague and told and told[0] == stated[0] else stated


def _is_permanent(reply: str, status: str, action: str, words: str) -> bool:
    if action == "delayed":
        return False
    if status:
        return status[0] == "5" and not (reply.startswith("4") and not action)
    if reply:
        return reply[0] == "5"
    return action == "failed" or not _PASSING.search(words)
