"""The sentences of the pages « Scripts »: what a script is called, and what a button will do."""

import unicodedata
from enum import StrEnum

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue.models import HostingAccount, Message, Script, ScriptJob
from mailqueue.script_view import Held, Line
from mailqueue.states import DELIVERING
from panel import wording

# Controls, signs of format (those that turn the direction of text, among others), line ends.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Step(StrEnum):
    """What can be done with a script."""

    BLOCK = "block"
    UNBLOCK = "unblock"
    PURGE = "purge"


def name(line: Line) -> str:
    """What a script is called, if it is."""
    return _("All other scripts") if line.is_rest else name_of(line.script)


def name_of(script: Script) -> str:
    """Likewise, of one that does not stand for others."""
    return visible(script.name) or _("(no name)")


def visible(told: str) -> str:
    """What a script tells of itself, with a mark for each sign that shows nothing or turns text."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _UNSEEN else sign
        for sign in told
    )


def way(script: Script) -> str:
    """How its e-mails come in."""
    return str(Message.Origin(script.origin).label) if script.origin else ""


def share(part: int, whole: int) -> str:
    """So many of so many in per cent; empty where there is nothing to compare with."""
    if not whole:
        return ""
    percent = formats.number_format(round(min(100.0, 100 * part / whole), 1), 1, use_l10n=True)
    return _("%(share)s%%") % {"share": percent}


def title(step: Step) -> str:
    """The name of a button."""
    return {
        Step.BLOCK: _("Block this script"),
        Step.UNBLOCK: _("Unblock this script"),
        Step.PURGE: _("Purge its e-mails"),
    }[step]


def why_not(step: Step, script: Script) -> str:
    """Why a button does not apply; empty if it does."""
    if step is Step.BLOCK and script.blocked_at is not None:
        return _("This script is blocked already.")
    if step is Step.UNBLOCK and script.blocked_at is None:
        return _("This script is not blocked.")
    return ""


def consequences(step: Step, account: HostingAccount, held: Held) -> list[str]:
    """What will happen, before somebody confirms."""
    stays = _("Sending is stopped for the whole service: its e-mails stay held for that.")
    if step is Step.BLOCK:
        return [
            _(
                "Its e-mails are held in the queue, those that wait now and those to come. The"
                " other scripts go on sending, and the state of the service stays as it is."
            ),
            _("If the script changes its name or folder, it is another one for Facteur."),
        ]
    if step is Step.UNBLOCK:
        return [
            _("The script sends again, as far as the quotas allow."),
            *([_goes(held)] if held.number else []),
            *([] if account.state in DELIVERING else [stays]),
        ]
    return [
        _("All e-mails of this script that stand in the queue are deleted for good."),
        _("The script stays as it is: blocked, or not."),
    ]


def held_told(held: Held) -> str:
    """How much is held because the script is blocked."""
    if held.is_more:
        return _("More than %(number)s e-mails held") % {"number": wording.number(held.number)}
    return ngettext("%(number)s e-mail held", "%(number)s e-mails held", held.number) % {
        "number": wording.number(held.number)
    }


def _goes(held: Held) -> str:
    """That what is held because the script is blocked goes out."""
    if held.is_more:
        return _(
            "The e-mails that were held because of the block go out: more than %(number)s."
        ) % {"number": wording.number(held.number)}
    return ngettext(
        "%(number)s e-mail that was held because of the block goes out.",
        "%(number)s e-mails that were held because of the block go out.",
        held.number,
    ) % {"number": wording.number(held.number)}


def done(step: Step, script: Script) -> str:
    """That it was done."""
    return {
        Step.BLOCK: _("The script %(name)s is blocked: its e-mails are held."),
        Step.UNBLOCK: _("The script %(name)s may send again."),
        Step.PURGE: _("The e-mails of the script %(name)s are purged."),
    }[step] % {"name": name_of(script)}


def working(job: ScriptJob | None) -> str:
    """What is being done with its mail at this moment."""
    if job is None:
        return ""
    return {
        ScriptJob.Kind.HOLD: _("Its e-mails are being held: %(number)s so far."),
        ScriptJob.Kind.RELEASE: _("Its e-mails are being let go: %(number)s so far."),
        ScriptJob.Kind.PURGE: _("Its e-mails are being purged: %(number)s so far."),
    }[ScriptJob.Kind(job.kind)] % {"number": wording.number(job.done)}
