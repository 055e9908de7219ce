"""The guide's four checks for e-mails that do not leave, each with what Facteur saw itself.

Owns the verdicts and their sentences; what was seen comes from `mailqueue.evidence`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from mailqueue.evidence import Call, Evidence
from mailqueue.models import LastRefusal, RecipientStatus
from panel import wording

# A call as fresh as this shows that the way from the script to here works.
FRESH = timedelta(hours=24)
# From this share of the largest size on, a little more content is too much.
NEARLY_TOO_LARGE = 0.9
EX_DATAERR = 65


class Mark(StrEnum):
    """How a check ends."""

    FINE = "fine"
    LOOK = "look"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it is called, how it ends, and what was seen, with foreign words apart."""

    name: str
    mark: Mark
    seen: str
    quoted: str = ""

    @property
    def word(self) -> str:
        """How it ends, in words."""
        return {
            Mark.FINE: _("Fine"),
            Mark.LOOK: _("To look at"),
            Mark.UNKNOWN: _("Not known"),
        }[self.mark]


def all_four(evidence: Evidence, now: datetime) -> list[Check]:
    """The checks in the guide's order."""
    return [
        _script(evidence, now),
        _test(evidence.last_test, now),
        _no_smtp(evidence.last_call, now),
        _size(evidence),
    ]


def _script(evidence: Evidence, now: datetime) -> Check:
    call, refusal = evidence.last_call, evidence.refusal
    if refusal is not None and (call is None or refusal.refused_at > call.at):
        seen = _("The last call was refused %(moment)s: %(meaning)s (exit code %(code)d).") % {
            "moment": wording.moment(refusal.refused_at, now),
            "meaning": meaning(refusal.exit_code),
            "code": refusal.exit_code,
        }
        return Check("script", Mark.LOOK, seen, refusal.text)
    if call is None:
        return Check("script", Mark.LOOK, _("No script has handed over an e-mail in 90 days."))
    told = {"moment": wording.moment(call.at, now)}
    if now - call.at <= FRESH:
        return Check(
            "script", Mark.FINE, _("A script handed over an e-mail %(moment)s.") % told, call.script
        )
    seen = _("The last e-mail was handed over %(moment)s, and none since.") % told
    return Check("script", Mark.UNKNOWN, seen, call.script)


def _test(test: Call | None, now: datetime) -> Check:
    if test is None:
        return Check("test", Mark.UNKNOWN, _("Facteur has not seen the e-mail of this script yet."))
    told = {"moment": wording.moment(test.at, now)}
    if RecipientStatus.SENT in test.statuses:
        seen = _("The test e-mail of %(moment)s was delivered: this way works.")
        return Check("test", Mark.FINE, seen % told)
    if RecipientStatus.FAILED in test.statuses:
        seen = _("The test e-mail of %(moment)s was refused by the other server.")
        return Check("test", Mark.LOOK, seen % told)
    if test.statuses & {RecipientStatus.WAITING, RecipientStatus.SENDING, RecipientStatus.HELD}:
        seen = _("The test e-mail of %(moment)s came in and is still in the queue.")
        return Check("test", Mark.LOOK, seen % told)
    seen = _("The test e-mail of %(moment)s came in, but was not sent.")
    return Check("test", Mark.LOOK, seen % told)


def _no_smtp(call: Call | None, now: datetime) -> Check:
    if call is not None and now - call.at <= FRESH:
        seen = _("Your scripts hand over their e-mails here, and not to another SMTP server.")
        return Check("smtp", Mark.FINE, seen)
    seen = _(
        "What goes out through another SMTP server is not seen here. If your site claims to have"
        " sent something lately, look at its settings."
    )
    return Check("smtp", Mark.UNKNOWN if call else Mark.LOOK, seen)


def _size(evidence: Evidence) -> Check:
    refusal = evidence.refusal
    if refusal is not None and _is_about_size(refusal):
        return Check("size", Mark.LOOK, _("The last refusal was for its size."), refusal.text)
    if not evidence.largest_bytes:
        return Check("size", Mark.UNKNOWN, _("The size of no e-mail is known yet."))
    told = {"size": filesizeformat(evidence.largest_bytes)}
    if evidence.largest_bytes >= NEARLY_TOO_LARGE * settings.MESSAGE_SIZE_LIMIT:
        seen = _("The largest e-mail so far had %(size)s: a little more is too much.")
        return Check("size", Mark.LOOK, seen % told)
    return Check("size", Mark.FINE, _("The largest e-mail so far had %(size)s.") % told)


def _is_about_size(refusal: LastRefusal) -> bool:
    return refusal.exit_code == EX_DATAERR and "larger than" in refusal.text


def meaning(exit_code: int) -> str:
    """What the sendmail command means by its exit code (sysexits.h), in a few words."""
    return {
        64: _("wrong options, or no recipient"),
        EX_DATAERR: _("a wrong address, or a message that cannot be sent as it is"),
        67: _("no hosting plan belongs to this user"),
        69: _("there was no room for it, or the service could not be reached"),
        75: _("it could not be kept just then"),
        77: _("it was not allowed"),
    }.get(exit_code, _("the call was refused"))
