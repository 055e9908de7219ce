"""What an alert says to do about a stop, after OVHcloud's guide.

Owns the steps for each state (« Gérer les états “Désactivé”, “Bounce” et “SPAM” »), in the current
language; they are short, for the page that the letter leads to has more.
"""

from django.utils.translation import gettext as _

from mailqueue.states import State
from panel import guide_cases
from panel.letters import Part


def after_stop(state: State, *, needs_review: bool) -> list[Part]:
    """What the guide says to do in a state; after too many blocks, an administrator decides."""
    open_page = _("Open the page “Script e-mails” of the hosting with the link below.")
    purge = _("Click “Purge the e-mails”, then “Confirm”: the queue is deleted for good.")
    review = _(
        "This has happened too often: an administrator must lift the stop. State on that page"
        " what you have done; you get the answer by e-mail."
    )
    if state is State.SPAM:
        way_out = [open_page, purge]
        if needs_review:
            way_out.append(review)
        else:
            way_out.append(_("The state becomes “Enabled” again, and sending goes on."))
        cases = [
            Part(case.title, [step.text for step in case.steps], is_checklist=True)
            for case in guide_cases.cases()
        ]
        return [*cases, Part(_("Then"), way_out, is_ordered=True)]
    find = _("Find what sent these e-mails, and protect your forms with a captcha.")
    if needs_review:
        return [Part(_("What to do"), [find, open_page, review], is_ordered=True)]
    if state is State.BOUNCE:
        return [
            Part(
                _("What to do"),
                [_("Remove the unknown addresses from your lists."), open_page],
                is_ordered=True,
            ),
            Part(
                _("Two ways lead on"),
                [
                    _(
                        "“Unblock sending”: what waits in the queue goes out, and the state"
                        " becomes “Force”. The share of errors allowed before a new stop is"
                        " doubled."
                    ),
                    _(
                        "“Purge the e-mails”: the queue is deleted for good, and the state becomes"
                        " “Enabled”. The share of errors allowed stays as it is."
                    ),
                ],
            ),
        ]
    unblock = _("Click “Unblock sending”, then “Confirm”. Sending goes on within a few minutes.")
    return [Part(_("What to do"), [find, open_page, unblock], is_ordered=True)]
