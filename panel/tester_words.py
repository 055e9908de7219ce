"""What « Tester un e-mail » says of a message: the verdict, the checks, what to mend, what is good.

Every rule of screening belongs to one check; one that none names belongs to the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue.examining import Examined, Fault
from mailqueue.models import Screening, SenderPolicy
from mailqueue.screening import Finding
from panel import finding_words
from panel.finding_words import Told
from panel.tester import Author

# The picture ends at so many times the threshold.
SCALE = 2
# From this share of the threshold on a message passes only just.
JUST = 0.7

_CHECKS: dict[str, tuple[str, ...]] = {
    "subject": (
        *("subject_capitals", "no_subject", "subject_opening", "subject_tail", "header_word"),
        "false_reply",
    ),
    "sender": (
        *("header_address", "free_sender", "brand_sender", "random_sender", "reply_elsewhere"),
    ),
    "headers": (
        *("header_repeated", "header_bytes", "header_long", "header_date", "header_id"),
        *("header_mime", "removal"),
    ),
    "text": (
        *("no_text", "blank", "image_only", "image_link", "only_link", "unread", "structure"),
    ),
    "look": (
        *("huge_font", "same_colour", "hidden_text", "disguised_word", "mixed_scripts"),
        *("invisible_signs", "form", "script"),
    ),
    "words": (
        *("pornographic", "adult_link", "advance_fee", "prize", "loan", "easy_income", "crypto"),
        *("shares", "pills", "diet", "gambling", "copies", "diploma", "dating", "seo_offer"),
        *("address_lists", "bulk_words", "extortion", "boss_fraud", "support_fraud"),
        *("credentials", "parcel_lure", "bill_lure", "refund_lure"),
    ),
    "links": (
        *("link_invalid", "link_text", "link_dead", "link_insecure", "link_planted", "link_user"),
        *("link_address", "link_foreign", "link_short", "link_shared", "link_cheap", "link_code"),
        *("brand_lure", "brand_link"),
    ),
    "files": (
        *("executable", "macros", "office_file", "sealed_archive", "archive_unread", "malware"),
        *("bare_program", "macro_lure", "page_attached", "sealed_with_key"),
    ),
    "script": ("injected_script", "shell_mailer"),
    "rest": (
        *("listed", "burst", "same_subject", "new_recipients", "random_senders"),
        "changing_links",
    ),
}
_CHECK_OF = {rule: check for check, rules in _CHECKS.items() for rule in rules}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a message: what it added, and how wide its bar is, from 0 to 100."""

    name: str
    title: str
    points: float
    width: str


@dataclass(frozen=True, slots=True)
class Report:
    """A message in words and pictures. `mark` is good, warn or bad; widths are from 0 to 100."""

    examined: Examined
    mark: str
    title: str
    sentence: str
    gauge: str
    limit: str
    checks: Sequence[Check]
    findings: Sequence[Told]
    good: Sequence[str]
    size_width: str
    size_left: int
    is_too_large: bool
    # The points of all checks are more than the total: families of rules have a limit.
    is_capped: bool
    notes: Sequence[str]


def report(examined: Examined, author: Author, mode: Screening) -> Report:
    """What there is to say about a message whose author stands so to the account.

    `mode` is what becomes of its mail that is judged spam.
    """
    limit = settings.MESSAGE_SIZE_LIMIT
    mark, title, sentence = _verdict(examined, _obstacle(examined, author), mode)
    checks = _checks(examined)
    return Report(
        examined=examined,
        mark=mark,
        title=title,
        sentence=sentence,
        gauge=_width(examined.score, SCALE * examined.threshold),
        limit=_width(1, SCALE),
        checks=checks,
        findings=finding_words.told(examined.findings),
        good=_good(examined, {check.name for check in checks if check.points}),
        size_width=_width(examined.size_bytes, limit),
        size_left=max(0, limit - examined.size_bytes),
        is_too_large=examined.size_bytes > limit,
        is_capped=sum(check.points for check in checks) > examined.score + 0.05,
        notes=_changes(examined),
    )


def short(examined: Examined | None, mode: Screening) -> tuple[str, str]:
    """Mark and verdict of a message that was sent, in a few words; None was not looked at."""
    if examined is None:
        return "unknown", _("Not looked at")
    mark, title, _sentence = _verdict(examined, "", mode)
    return mark, title


def fault(found: Fault) -> str:
    """Why something is no message, and what to do."""
    return {
        Fault.EMPTY: _("There is nothing to test: paste an e-mail, or choose a file."),
        Fault.OUTLOOK: _(
            "This is a file of Outlook (.msg). Save the e-mail as .eml, or paste its source."
        ),
        Fault.BINARY: _("This is no e-mail, but some other file. E-mails are saved as .eml files."),
        Fault.NO_HEADER: _(
            "This has no header. Paste the whole source of the e-mail: the lines with From, To"
            " and Subject first, then an empty line, then the text."
        ),
        Fault.LONG_HEADER: _(
            "The header is too long: the relay takes 512 kB and 10,000 fields at most."
        ),
    }[found]


def too_large() -> str:
    """That a file is larger than any message may be."""
    return _("This file is larger than %(size)s: the relay would refuse it.") % {
        "size": _megabytes(settings.MESSAGE_SIZE_LIMIT)
    }


def _megabytes(size: int) -> str:
    return _("%(number)d MB") % {"number": size // 2**20}


def _obstacle(examined: Examined, author: Author) -> str:
    """Why the relay would not even take the message; "" if it would."""
    if examined.size_bytes > settings.MESSAGE_SIZE_LIMIT:
        return _("It is larger than %(size)s.") % {"size": _megabytes(settings.MESSAGE_SIZE_LIMIT)}
    if examined.obstacle:
        return _("Its structure does not allow it: “%(why)s”.") % {"why": examined.obstacle}
    if not author.is_own and author.policy is SenderPolicy.REFUSE and examined.author_domain:
        return _("This hosting plan may not write in the name of %(domain)s.") % {
            "domain": examined.author_domain
        }
    return ""


def _verdict(examined: Examined, obstacle: str, mode: Screening) -> tuple[str, str, str]:
    """Mark, title and sentence."""
    number = len(examined.findings)
    if obstacle:
        return "bad", _("This e-mail would be refused"), obstacle
    if examined.is_spam and mode is not Screening.HOLD:
        return (
            "bad",
            _("This e-mail looks like spam"),
            _(
                "It would go out all the same, as nothing is held here, and end among spam"
                " elsewhere."
            ),
        )
    if examined.has_malware:
        return (
            "bad",
            _("This e-mail contains malware"),
            _("It would be held, and a single one is enough to block the service."),
        )
    if examined.is_spam:
        return (
            "bad",
            _("This e-mail would be held as spam"),
            _("Mend what weighs most first, then test it again."),
        )
    if not number:
        return "good", _("This e-mail goes out"), _("Nothing was found that needs mending.")
    mend = ngettext(
        "%(number)d thing could be made better.", "%(number)d things could be made better.", number
    ) % {"number": number}
    if examined.score >= JUST * examined.threshold:
        left = formats.number_format(examined.threshold - examined.score, 1)
        words = _("Only %(points)s points are missing until it would be held.") % {"points": left}
        return "warn", _("This e-mail goes out, but only just"), f"{words} {mend}"
    return "good", _("This e-mail goes out"), mend


def _checks(examined: Examined) -> list[Check]:
    points = dict.fromkeys(_CHECKS, 0.0)
    for finding in examined.findings:
        points[_check_of(finding)] += finding.score
    names = _names()
    return [
        Check(name, names[name], round(value, 2), _width(value, examined.threshold))
        for name, value in points.items()
        if value or name not in _missing(examined)
    ]


def _check_of(finding: Finding) -> str:
    return _CHECK_OF.get(finding.rule, "rest")


def _missing(examined: Examined) -> set[str]:
    """Checks that had nothing to look at."""
    missing = {"rest"}
    if not examined.hosts:
        missing.add("links")
    if not any(part.is_attached for part in examined.parts):
        missing.add("files")
    if not examined.programs:
        missing.add("script")
    return missing


def _names() -> dict[str, str]:
    return {
        "subject": _("Subject"),
        "sender": _("Sender"),
        "headers": _("Headers"),
        "text": _("Text"),
        "look": _("Appearance"),
        "words": _("Vocabulary"),
        "links": _("Links"),
        "files": _("Attachments"),
        "script": _("Script"),
        "rest": _("Everything else"),
    }


def _good(examined: Examined, bad: set[str]) -> list[str]:
    """What is as it should be, in sentences."""
    sentences = {
        "subject": _("The subject says what the e-mail is about, without shouting."),
        "sender": _("The sender has a valid address and does not pretend to be somebody else."),
        "headers": _("The headers follow the standards."),
        "text": _("There is enough text to read."),
        "look": _("All text can be seen, at a size that can be read."),
        "words": _("No words of known scams or adult content."),
        "links": _("The links lead where they say."),
        "files": _("No program, no macro, no locked file among the attachments."),
        "script": _("The script is not one of the known tools of spammers."),
    }
    skipped = bad | _missing(examined)
    found = [sentence for name, sentence in sentences.items() if name not in skipped]
    if examined.is_bulk:
        found.append(_("Recipients can unsubscribe with one click (List-Unsubscribe)."))
    return found


def _changes(examined: Examined) -> list[str]:
    """What the relay changes before the e-mail goes out."""
    found = []
    if examined.added:
        names = ", ".join(map(_field, examined.added))
        found.append(_("Adds what is missing in the header: %(names)s.") % {"names": names})
    if examined.removed:
        names = ", ".join(map(_field, examined.removed))
        found.append(_("Removes from the header: %(names)s.") % {"names": names})
    if examined.is_folded:
        found.append(_("Breaks lines of more than 998 bytes, which other servers would refuse."))
    return found


def _field(name: str) -> str:
    """The name of a header field as it is usually written."""
    return name.title().replace("Message-Id", "Message-ID").replace("Mime-", "MIME-")


def _width(value: float, whole: float) -> str:
    """A part of a whole for a picture, from 0 to 100; in digits, whatever the language is."""
    return f"{100 * min(1.0, value / whole):.1f}" if whole > 0 else "0"
