"""The three cases that may be behind spam, after OVHcloud's guide, each with its steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, and where that is done, if on another page."""

    text: str
    address: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One of several things that may be behind a stop, and what to do about it."""

    title: str
    steps: Sequence[Step]


def cases() -> list[Case]:
    """What may be behind spam, after the guide of the page that ours is like."""
    return [
        Case(
            _("Case 1: a robot uses a form of your site"),
            [
                Step(_("Protect every script that can send e-mails with a captcha.")),
                Step(_("Then purge the e-mails: the spam that waits is deleted.")),
            ],
        ),
        Case(
            _("Case 2: somebody has put malicious files on your site"),
            [
                Step(_("Look through the logs of the site for the hole, and for infected files.")),
                Step(_("Delete or repair the malicious files and modules.")),
                Step(_("Update the CMS (WordPress, Joomla, Drupal…), its plugins and its theme.")),
                Step(_("Keep to official plugins and themes, and update them often.")),
                Step(_("Protect your forms with a captcha.")),
                Step(_("Then purge the e-mails: the spam that waits is deleted.")),
            ],
        ),
        Case(
            _("Case 3: the e-mails are yours, and were taken for spam"),
            [
                Step(text)
                for text in (
                    _("Avoid three or more words in capitals in the subject."),
                    _("Give each e-mail a subject and a text."),
                    _("Do not send an image of more than 1 MB with a few words only."),
                    _("Do not begin the subject with Hi, FREE, BUY or BUYING."),
                    _("Leave at most 70 per cent of the e-mail blank."),
                    _("Do not use enormous letters."),
                    _("Do not write in the colour of the background."),
                    _("Make sure that your public IP address is on no reputation list."),
                    _("Keep the headers to the standards (RFC 5322)."),
                    _("Check that every link leads somewhere."),
                    _("Write https:// only where the address exists in https://."),
                    _("Avoid pornographic words, and what resembles them."),
                    _(
                        "Attach no EXE, BAT, PIF, XML or XLSX file and no document with macros, "
                        "zipped or not."
                    ),
                    _("Then purge the e-mails, and send those that matter again once mended."),
                    _(
                        "If the state still becomes “SPAM” again and again, an administrator looks "
                        "at it: say on this page what you have done."
                    ),
                )
            ],
        ),
    ]
