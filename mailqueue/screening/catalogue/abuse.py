"""What abuse looks like beyond the guide, save for what it is about: weights and words. Data."""

from mailqueue.screening.catalogue.shape import Rule, gettext_noop

RULES = (
    Rule(
        "removal",
        0.7,
        gettext_noop("Tells how to leave a list without the header for it"),
        gettext_noop("Add the header List-Unsubscribe, which mail programs show as a button."),
    ),
    Rule(
        "free_sender",
        0.8,
        gettext_noop("Sells from a free mailbox"),
        gettext_noop("Write from your own domain instead of %(what)s."),
    ),
    Rule(
        "adult_link",
        1.2,
        gettext_noop("Pornographic terms with a link to another site"),
        gettext_noop(
            "Remove the link to %(what)s; if visitors wrote it, protect the form with a captcha."
        ),
    ),
    Rule(
        "contact_elsewhere",
        0.8,
        gettext_noop("Sells, and takes answers through a messenger or a free mailbox"),
        gettext_noop("Take answers at your own domain or on your own page instead of %(what)s."),
    ),
    Rule(
        "subject_tail",
        1.2,
        gettext_noop("A subject that ends in letters drawn by lot"),
        gettext_noop("Remove “%(what)s” from the subject."),
    ),
    Rule(
        "image_link",
        1.0,
        gettext_noop("Hardly more than an image that is a link"),
        gettext_noop("Write as text what the image says; the link leads to %(what)s."),
    ),
    Rule(
        "bare_program",
        1.0,
        gettext_noop("A program or a script, and only a few words"),
        gettext_noop("Say in a few sentences what %(what)s is, or better, offer it for download."),
    ),
    Rule(
        "macro_lure",
        2.6,
        gettext_noop("A document with macros that asks to switch them on"),
        gettext_noop(
            "Send %(what)s without macros. If it is not yours, the site has been broken into."
        ),
    ),
    Rule(
        "brand_lure",
        2.2,
        gettext_noop("In the name of a brand, with a link to neither brand nor sender"),
        gettext_noop(
            "Remove the link to %(what)s; if it is not yours, the site has been broken into."
        ),
    ),
    Rule(
        "brand_sender",
        2.4,
        gettext_noop("The sender bears the name of a brand that is not his"),
        gettext_noop("“%(what)s” writes from %(host)s. Put your own name into From."),
    ),
    Rule(
        "brand_link",
        2.4,
        gettext_noop("A link imitates a brand"),
        gettext_noop(
            "%(what)s is not a host of %(brand)s. Remove the link; if it is not yours, the site "
            "has been broken into."
        ),
    ),
    Rule(
        "name_link",
        2.6,
        gettext_noop("A greeting whose name is a link"),
        gettext_noop(
            "Refuse links in the field for the name, and send no copies to addresses that a "
            "visitor gives. Found: “%(what)s”."
        ),
    ),
    Rule(
        "subject_link",
        1.0,
        gettext_noop("A link in the subject"),
        gettext_noop(
            "Leave %(what)s out of the subject; put nothing there that visitors type unchecked."
        ),
    ),
    Rule(
        "forum_markup",
        2.0,
        gettext_noop("Links in the markup of forums"),
        gettext_noop(
            "Robots write %(what)s into forms: protect the form with a captcha, and refuse "
            "messages with [url]."
        ),
    ),
    Rule(
        "word_salad",
        1.6,
        gettext_noop("Words drawn by lot around a link"),
        gettext_noop("Write sentences. If “%(what)s” is not yours, the site has been broken into."),
    ),
    Rule(
        "many_cheap",
        1.4,
        gettext_noop("Links to several hosts of the kind that is used once"),
        gettext_noop("Remove the links to %(what)s; if visitors wrote them, protect the form."),
        "links",
    ),
    Rule(
        "link_recipient",
        1.4,
        gettext_noop("A link that carries the recipient’s address behind a #"),
        gettext_noop(
            "Do not write addresses into links: only pages of phishing need them (%(what)s)."
        ),
        "links",
    ),
    Rule(
        "link_planted",
        2.4,
        gettext_noop("A link to a page in a folder that keeps no pages"),
        gettext_noop(
            "Look at the folder of the link to %(what)s: such pages are put there by break-ins."
        ),
    ),
    Rule(
        "link_user",
        1.5,
        gettext_noop("A link with a name before the host"),
        gettext_noop("Write the link to %(what)s without anything before an @."),
        "links",
    ),
    Rule(
        "link_address",
        1.5,
        gettext_noop("A link to an IP address or an unusual port"),
        gettext_noop("Link to a host by its name instead of %(what)s."),
        "links",
    ),
    Rule(
        "link_foreign",
        0.6,
        gettext_noop("A link to a host in another script"),
        gettext_noop("Make sure that %(what)s is the site you mean."),
        "links",
    ),
    Rule(
        "link_short",
        1.4,
        gettext_noop("A link through a shortening service"),
        gettext_noop("Link to the page itself instead of %(what)s."),
        "links",
    ),
    Rule(
        "link_shared",
        1.0,
        gettext_noop("A link to pages that anybody can make"),
        gettext_noop("Link to your own site instead of %(what)s."),
        "links",
    ),
    Rule(
        "link_bait",
        1.0,
        gettext_noop("A link to a host that is named like a lure"),
        gettext_noop("Make sure that %(what)s is the site you mean."),
        "links",
    ),
    Rule(
        "link_cheap",
        0.8,
        gettext_noop("A link below an ending that spammers like"),
        gettext_noop("Make sure that %(what)s is the site you mean."),
        "links",
    ),
    Rule(
        "only_link",
        0.8,
        gettext_noop("Little more than a link to another site"),
        gettext_noop("Say in a few sentences why somebody should follow the link to %(what)s."),
    ),
    Rule(
        "link_code",
        2.0,
        gettext_noop("A link that carries a page or a script in itself"),
        gettext_noop("Link to a page on your site instead of %(what)s."),
    ),
    Rule(
        "form",
        1.5,
        gettext_noop("A form inside of the e-mail"),
        gettext_noop("Link to the form on your site; most mail programs show none (%(what)s)."),
    ),
    Rule(
        "script",
        0.8,
        gettext_noop("A script, a frame or a redirection inside of the e-mail"),
        gettext_noop("Remove it; mail programs do not run it."),
    ),
    Rule(
        "page_attached",
        3.4,
        gettext_noop("A page with a form or a script as an attachment"),
        gettext_noop("Link to the page on your site instead of sending %(what)s."),
    ),
    Rule(
        "sealed_with_key",
        2.2,
        gettext_noop("A locked file, and its password beside it"),
        gettext_noop(
            "Offer the file for download behind a login, or send the password another way."
        ),
    ),
    Rule(
        "hidden_text",
        2.8,
        gettext_noop("Text that nobody can see"),
        gettext_noop("Remove the %(words)s hidden words, which begin: “%(what)s”."),
    ),
    Rule(
        "disguised_word",
        2.6,
        gettext_noop("Words written so that filters do not know them"),
        gettext_noop("Write these as everybody does: %(what)s."),
    ),
    Rule(
        "mixed_scripts",
        2.2,
        gettext_noop("Words with letters of several scripts"),
        gettext_noop("Write these in one script: %(what)s."),
    ),
    Rule(
        "invisible_signs",
        1.6,
        gettext_noop("Invisible signs inside of words"),
        gettext_noop("Remove what is between the letters (%(what)s)."),
    ),
    Rule(
        "random_sender",
        0.8,
        gettext_noop("A sender that looks drawn by lot"),
        gettext_noop("Write from an address that exists and says who writes, not from %(what)s."),
    ),
    Rule(
        "injected_script",
        2.8,
        gettext_noop("Sent by code that does not belong to the site"),
        gettext_noop(
            "Look at the file %(what)s: remove it, update the site, change its passwords."
        ),
    ),
    Rule(
        "shell_mailer",
        3.0,
        gettext_noop("Sent by a known tool of spammers"),
        gettext_noop("Look for foreign files: “%(what)s” does not belong to any site."),
    ),
    Rule(
        "false_reply",
        0.7,
        gettext_noop("Pretends to answer an e-mail"),
        gettext_noop("Leave out “Re:” where nobody wrote before (%(what)s)."),
    ),
    Rule(
        "reply_elsewhere",
        0.6,
        gettext_noop("Answers go to a free mailbox"),
        gettext_noop("Take answers at your own domain instead of %(what)s."),
    ),
    Rule(
        "structure",
        2.6,
        gettext_noop("More parts inside of parts than any honest e-mail has"),
        gettext_noop("Let a library, as PHPMailer, build the e-mail."),
    ),
    Rule(
        "unread",
        0.2,
        gettext_noop("Too long to be read to its end"),
        gettext_noop("Send long texts as a file or a link."),
    ),
    Rule(
        "burst",
        2.0,
        gettext_noop("A script that was silent suddenly sends much"),
        gettext_noop(
            "Look at %(what)s: %(count)s e-mails after %(days)s silent days. If you did not "
            "start it, somebody else did."
        ),
        "mailing",
    ),
    Rule(
        "same_subject",
        2.0,
        gettext_noop("One subject to many strangers"),
        gettext_noop(
            "“%(what)s” went to %(count)s addresses the site never wrote to. Write only to "
            "people who asked for it."
        ),
        "mailing",
    ),
    Rule(
        "new_recipients",
        1.6,
        gettext_noop("Suddenly many new recipients"),
        gettext_noop(
            "%(count)s of %(total)s addresses are new. Protect forms with a captcha, and check "
            "where addresses come from."
        ),
        "mailing",
    ),
    Rule(
        "random_senders",
        2.0,
        gettext_noop("Many different senders"),
        gettext_noop(
            "%(count)s sender names within an hour. A site writes under a few names of its own."
        ),
    ),
    Rule(
        "changing_links",
        2.4,
        gettext_noop("The same text with ever-changing links"),
        gettext_noop(
            "%(count)s links in copies of one text. If you did not write it, the site has been "
            "broken into."
        ),
    ),
)
