"""Patterns over time: findings from counts that somebody else made. Pure.

How a site behaves says more than words. Each pattern is a finding as those of a message are, and
goes into the `Context` of the next messages.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mailqueue.screening.catalogue import RULES
from mailqueue.screening.verdicts import Finding, quoted

# All numbers here are ours. Below these counts a pattern is chance.
BURST_LEAST = 50
# A burst is this many times the most that the script sent in any hour before.
BURST_FACTOR = 10
SILENT_DAYS = 14
STRANGERS_LEAST = 200
# Newsletters go to people that were written to before.
STRANGERS_SHARE = 0.8
NEW_LEAST = 50
NEW_SHARE = 0.8
# A site that is young has only new recipients.
KNOWN_LEAST = 100
SENDERS_LEAST = 20
LINKS_LEAST = 20
# Of copies of one text, at least this share has a link of its own host.
LINKS_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Counts:
    """What an account, or one of its scripts, did within the last hour, and before.

    `sent` counts recipients of that hour; `busiest_hour` is the most of any hour in the weeks
    before; `silent_days` since it last sent. `known` are the addresses the account wrote to in
    ninety days, `new` those of the hour that were not among them. `subject_recipients` and
    `subject_new` are those of the hour with the message's subject. `senders` are distinct From
    addresses and names of what went to new ones. `copies` is the number of messages with the
    message's text once links and names are taken out, `copy_hosts` the distinct domains they link
    to, but for the site's own.
    """

    script: str = ""
    sent: int = 0
    busiest_hour: int = 0
    silent_days: int = 0
    known: int = 0
    new: int = 0
    subject: str = ""
    subject_recipients: int = 0
    subject_new: int = 0
    senders: int = 0
    copies: int = 0
    copy_hosts: int = 0


def patterns(counts: Counts) -> tuple[Finding, ...]:
    """The patterns that counts show; each finding has its full weight."""
    return tuple(_found(counts))


def _found(counts: Counts) -> Iterator[Finding]:
    is_much = counts.sent >= max(BURST_LEAST, BURST_FACTOR * counts.busiest_hour)
    if counts.silent_days >= SILENT_DAYS and is_much:
        details = {"count": str(counts.sent), "days": str(counts.silent_days)}
        yield _finding("burst", counts.script, details)
    strangers = counts.subject_new
    if strangers >= STRANGERS_LEAST and strangers >= STRANGERS_SHARE * counts.subject_recipients:
        yield _finding("same_subject", counts.subject, {"count": str(strangers)})
    is_grown = counts.known >= KNOWN_LEAST and counts.sent > counts.busiest_hour
    if is_grown and counts.new >= max(NEW_LEAST, NEW_SHARE * counts.sent):
        details = {"count": str(counts.new), "total": str(counts.sent)}
        yield _finding("new_recipients", counts.script, details)
    if counts.senders >= SENDERS_LEAST and 2 * counts.senders >= counts.sent:
        yield _finding("random_senders", counts.script, {"count": str(counts.senders)})
    if counts.copy_hosts >= max(LINKS_LEAST, LINKS_SHARE * counts.copies):
        yield _finding("changing_links", counts.script, {"count": str(counts.copy_hosts)})


def _finding(rule: str, what: str, details: dict[str, str]) -> Finding:
    return Finding(rule, RULES[rule].weight, "history", {"what": quoted(what), **details})
