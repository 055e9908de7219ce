"""What alerts say that concern the whole house: who refuses its mail, which engine is silent."""

from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import bounces
from mailqueue.bounces import Category
from mailqueue.models import Alert, EngineState
from panel import letters, wording
from panel.alert_content import Content, number_of, text_of
from panel.letters import Part


def refused(alert: Alert, now: datetime) -> Content:
    """That a destination refuses mail because of this server, not because of who sends it."""
    figures = alert.figures
    since = parse_datetime(text_of(figures, "since"))
    accounts = number_of(figures, "accounts") or 0
    values = {
        "destination": letters.one_line(text_of(figures, "destination"), 120),
        "accounts": wording.number(accounts),
        "number": wording.number(number_of(figures, "number") or 0),
    }
    told = ngettext(
        "%(destination)s refused e-mails of %(accounts)s hosting plan because of this server, not"
        " because of the plan: %(number)s refusals.",
        "%(destination)s refused e-mails of %(accounts)s hosting plans because of this server, not"
        " because of the plans: %(number)s refusals.",
        accounts,
    )
    sentences = [told % values]
    if since is not None:
        sentences.append(_("The first came %(moment)s.") % {"moment": wording.moment(since, now)})
    category = text_of(figures, "category")
    if category in set(Category):
        sentences.append(_(bounces.advice(Category(category))))
    sentences.append(_("No hosting plan is stopped for this."))
    names = figures.get("names")
    shown = (
        [letters.one_line(name, 120) for name in names if isinstance(name, str)]
        if isinstance(names, list)
        else []
    )
    return Content(
        subject=_("%(destination)s refuses e-mails of this server") % values,
        sentences=sentences,
        quote=letters.lines(text_of(figures, "words"), 500),
        parts=[Part(_("Hosting plans concerned"), shown)] if shown else [],
        is_grave=True,
    )


def engine(alert: Alert, now: datetime) -> Content:
    """That an engine that looks at mail does not answer, or that our own rules fail."""
    if alert.figures.get("engine") == EngineState.Name.RULES.label:
        return _rules(alert, now)
    figures = alert.figures
    since = parse_datetime(text_of(figures, "since"))
    missed = number_of(figures, "missed") or 0
    values = {"engine": letters.one_line(text_of(figures, "engine"), 40)}
    sentences = []
    if since is not None:
        sentences.append(
            _("%(engine)s stopped answering %(moment)s.")
            % {**values, "moment": wording.moment(since, now)}
        )
    sentences.append(
        _("E-mails go out all the same: the rules of Facteur look at them, %(engine)s does not.")
        % values
    )
    if missed:
        sentences.append(
            ngettext(
                "It has not seen %(number)s e-mail since then.",
                "It has not seen %(number)s e-mails since then.",
                missed,
            )
            % {"number": wording.number(missed)}
        )
    return Content(
        subject=_("%(engine)s does not answer") % values,
        sentences=sentences,
        quote=letters.lines(text_of(figures, "words"), 300),
        parts=[
            Part(
                _("What to do"),
                [
                    _("Look whether it runs, and at its log."),
                    _("Look at FACTEUR_RSPAMD_URL and FACTEUR_CLAMD in the settings."),
                    _("Facteur asks it again by itself; the dashboard shows when it answers."),
                ],
            )
        ],
    )


def _rules(alert: Alert, now: datetime) -> Content:
    """That our own rules fail."""
    figures = alert.figures
    since = parse_datetime(text_of(figures, "since")) or alert.created_at
    missed = number_of(figures, "missed") or 0
    return Content(
        subject=_("The screening of e-mails fails"),
        sentences=[
            _("The rules of Facteur have failed on e-mails since %(moment)s.")
            % {"moment": wording.moment(since, now)},
            ngettext(
                "%(number)s e-mail has gone out without having been judged.",
                "%(number)s e-mails have gone out without having been judged.",
                missed,
            )
            % {"number": wording.number(missed)},
        ],
        quote=letters.lines(text_of(figures, "words"), 300),
        parts=[
            Part(
                _("What to do"),
                [
                    _("Look at the log of the worker: the lines with these words tell the cause."),
                    _("The dashboard shows when e-mails are judged again."),
                ],
            )
        ],
    )
