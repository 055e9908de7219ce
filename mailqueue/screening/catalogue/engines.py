"""What the engines beside our own rules say: weights and words. Data."""

from mailqueue.screening.catalogue.shape import Rule, gettext_noop

RULES = (
    Rule(
        "rspamd",
        3.5,
        gettext_noop("Suspicious to Rspamd"),
        gettext_noop(
            "Rspamd gives it %(score)s points, and refuses e-mails from %(most)s on. Look up what "
            "it names: %(what)s."
        ),
    ),
    Rule(
        "virus",
        10.0,
        gettext_noop("A virus"),
        gettext_noop(
            "The antivirus software recognises %(what)s. Clean the site: look for foreign files, "
            "update it, change its passwords."
        ),
    ),
    Rule(
        "suspect_file",
        3.0,
        gettext_noop("Suspicious to the antivirus software"),
        gettext_noop(
            "It names it %(what)s. Leave out the file or the link that it may mean, or send a PDF."
        ),
    ),
)
