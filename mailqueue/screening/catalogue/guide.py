"""The habits that the guide advises against: weights and words. Data.

No weight here reaches the threshold of a verdict: honest mail has each of these habits.
"""

from mailqueue.screening.catalogue.shape import Rule, gettext_noop

RULES = (
    Rule(
        "subject_capitals",
        1.2,
        gettext_noop("Three or more words in capitals in the subject"),
        gettext_noop("Write the subject in small letters; capitals are for names."),
    ),
    Rule(
        "no_subject",
        1.0,
        gettext_noop("No subject"),
        gettext_noop("Give each e-mail a subject that says what it is about."),
    ),
    Rule(
        "no_text",
        1.0,
        gettext_noop("No text"),
        gettext_noop(
            "Write a few sentences; an empty e-mail, or one that is only a file, looks like a "
            "test of spammers."
        ),
    ),
    Rule(
        "image_only",
        1.8,
        gettext_noop("One large image and only a few words"),
        gettext_noop("Write as text what the image says, and make the image smaller than 1 MB."),
    ),
    Rule(
        "subject_opening",
        0.8,
        gettext_noop("The subject begins as spam does"),
        gettext_noop("Begin the subject with what the e-mail is about instead of “%(what)s”."),
    ),
    Rule(
        "blank",
        1.2,
        gettext_noop("More than 70 per cent of the text is blank"),
        gettext_noop(
            "Remove spaces and empty lines; blanks make up %(percent)s per cent of the text."
        ),
    ),
    Rule(
        "huge_font",
        1.2,
        gettext_noop("Enormous letters"),
        gettext_noop("Make the letters smaller than 56 pixels; use headings for what matters."),
    ),
    Rule(
        "same_colour",
        1.8,
        gettext_noop("Text in the colour of its background"),
        gettext_noop("Give “%(what)s” a colour that can be read on its background, or remove it."),
    ),
    Rule(
        "listed",
        2.0,
        gettext_noop("An address on a reputation list"),
        gettext_noop(
            "%(what)s is listed by %(zone)s. Find out why there, mend it, and ask to be taken off."
        ),
    ),
    Rule(
        "header_repeated",
        1.2,
        gettext_noop("A header that may stand only once stands there again"),
        gettext_noop(
            "Let the script write %(what)s once. If a form fills it in, refuse line ends in "
            "what visitors type."
        ),
        "headers",
    ),
    Rule(
        "header_bytes",
        0.4,
        gettext_noop("A header with letters that were not encoded"),
        gettext_noop("Encode %(what)s (RFC 2047): in PHP with mb_encode_mimeheader()."),
        "headers",
    ),
    Rule(
        "header_long",
        0.6,
        gettext_noop("A header that is far too long"),
        gettext_noop("Shorten %(what)s: a line of a header has at most 998 bytes."),
        "headers",
    ),
    Rule(
        "header_date",
        0.8,
        gettext_noop("A date that is none"),
        gettext_noop("Leave out the header Date, or write it with date(DATE_RFC2822)."),
        "headers",
    ),
    Rule(
        "header_id",
        0.6,
        gettext_noop("A Message-ID against the standard"),
        gettext_noop("Leave out the header Message-ID, or write it as <unique@domain>."),
        "headers",
    ),
    Rule(
        "header_address",
        1.0,
        gettext_noop("A sender without a valid address"),
        gettext_noop("Write the sender as “Name <address@domain>”; found: %(what)s."),
        "headers",
    ),
    Rule(
        "header_mime",
        0.8,
        gettext_noop("A structure against the MIME standard"),
        gettext_noop("Let a library, as PHPMailer, build the e-mail; wrong is: %(what)s."),
        "headers",
    ),
    Rule(
        "header_word",
        0.5,
        gettext_noop("A subject that is encoded wrongly"),
        gettext_noop("Encode the subject (RFC 2047): in PHP with mb_encode_mimeheader()."),
        "headers",
    ),
    Rule(
        "link_invalid",
        0.8,
        gettext_noop("A link that leads nowhere"),
        gettext_noop("Write links in full, with https://; wrong is: %(what)s."),
        "links",
    ),
    Rule(
        "link_text",
        1.5,
        gettext_noop("A link that shows another site than it leads to"),
        gettext_noop(
            "The text says %(what)s, the link leads to %(host)s. Make both the same, or let the "
            "text be words."
        ),
        "links",
    ),
    Rule(
        "link_dead",
        1.0,
        gettext_noop("A link to a host that does not exist"),
        gettext_noop("Correct or remove the link to %(what)s."),
        "links",
    ),
    Rule(
        "link_insecure",
        0.6,
        gettext_noop("A link with https:// to a host that has only http://"),
        gettext_noop("Set up a certificate for %(what)s, or write the link with http://."),
        "links",
    ),
    Rule(
        "pornographic",
        4.0,
        gettext_noop("Pornographic terms"),
        gettext_noop(
            "Remove these words: %(what)s. If visitors typed them, protect the form with a captcha."
        ),
    ),
    Rule(
        "executable",
        4.2,
        gettext_noop("A program in the attachments"),
        gettext_noop(
            "Do not send %(what)s: offer it for download. Programs are not delivered by most "
            "mailboxes."
        ),
    ),
    Rule(
        "macros",
        2.6,
        gettext_noop("A document with macros or other programs inside"),
        gettext_noop("Save %(what)s without macros, or as PDF."),
    ),
    Rule(
        "office_file",
        0.2,
        gettext_noop("A spreadsheet or XML file"),
        gettext_noop("Nothing to do if %(what)s is what the recipient expects; a PDF is safer."),
    ),
    Rule(
        "sealed_archive",
        1.2,
        gettext_noop("A file that is locked with a password"),
        gettext_noop(
            "Nobody can check %(what)s on the way. Offer it for download behind a login instead."
        ),
    ),
    Rule(
        "archive_unread",
        0.4,
        gettext_noop("An archive that could not be looked into completely"),
        gettext_noop("Send the files one by one, or as a plain ZIP."),
    ),
    Rule(
        "malware",
        10.0,
        gettext_noop("Malware"),
        gettext_noop(
            "%(what)s is a program in disguise, or starts one. Clean the site: look for foreign "
            "files, update it, change its passwords."
        ),
    ),
)
