"""What a message is about: weights and words of the topics. Data.

Topics bring points of their own; their weight is a factor.
"""

from mailqueue.screening.catalogue.shape import Rule, gettext_noop

_FORM = gettext_noop(
    "If visitors typed it, protect the form with a captcha and send copies to no address a "
    "visitor gives. If the site sent it unasked, it has been broken into. Words found: %(what)s."
)

RULES = (
    Rule("advance_fee", 1.0, gettext_noop("Promises a fortune for help or a fee"), _FORM),
    Rule("prize", 1.0, gettext_noop("Promises a prize"), _FORM),
    Rule("loan", 1.0, gettext_noop("Offers loans"), _FORM),
    Rule("easy_income", 1.0, gettext_noop("Promises easy money"), _FORM),
    Rule("crypto", 1.0, gettext_noop("Promises gains with coins, or asks for a wallet"), _FORM),
    Rule("shares", 1.0, gettext_noop("Praises shares"), _FORM),
    Rule("pills", 1.0, gettext_noop("Sells drugs"), _FORM),
    Rule("diet", 1.0, gettext_noop("Promises to make slim or young"), _FORM),
    Rule("gambling", 1.0, gettext_noop("Advertises games of chance"), _FORM),
    Rule("copies", 1.0, gettext_noop("Sells copies of brands or of software"), _FORM),
    Rule("diploma", 1.0, gettext_noop("Sells diplomas or papers"), _FORM),
    Rule("dating", 1.0, gettext_noop("Lures with company"), _FORM),
    Rule("seo_offer", 1.0, gettext_noop("Offers better places in search engines"), _FORM),
    Rule("address_lists", 1.0, gettext_noop("Sells addresses or bulk mail"), _FORM),
    Rule("bulk_words", 1.0, gettext_noop("Speaks as bulk mail does"), _FORM),
    Rule("extortion", 1.0, gettext_noop("Threatens and asks for money"), _FORM),
    Rule("boss_fraud", 1.0, gettext_noop("Orders payments in somebody's name"), _FORM),
    Rule("support_fraud", 1.0, gettext_noop("Pretends a subscription or an infection"), _FORM),
    Rule(
        "job_lure", 1.0, gettext_noop("Offers work that pays by the day for next to nothing"), _FORM
    ),
    Rule("recovery_lure", 1.0, gettext_noop("Promises to bring back money lost to fraud"), _FORM),
    Rule(
        "payout_lure",
        1.0,
        gettext_noop("Pretends that money waits"),
        gettext_noop(
            "If visitors typed it, send no copies to addresses that a visitor gives. If the site "
            "sent it unasked, it has been broken into. Words found: %(what)s."
        ),
    ),
    Rule(
        "fine_lure",
        1.0,
        gettext_noop("Demands a fine or a charge through a page of strangers"),
        gettext_noop(
            "If this is yours, link to your own domain only. If not, pages or scripts of "
            "strangers are on the site. Words found: %(what)s."
        ),
    ),
    Rule(
        "renewal_lure",
        1.0,
        gettext_noop("Pretends that a domain is about to be lost"),
        gettext_noop(
            "If this is yours, link to your own domain only, or to the registrar's. If not, "
            "somebody else writes through the site. Words found: %(what)s."
        ),
    ),
    Rule(
        "credentials",
        1.0,
        gettext_noop("Asks for passwords or data under a pretext"),
        gettext_noop(
            "If this is yours, link to your own domain only and ask for nothing under pressure. "
            "If not, pages or scripts of strangers are on the site. Words found: %(what)s."
        ),
    ),
    Rule(
        "parcel_lure",
        1.0,
        gettext_noop("Pretends that a parcel waits"),
        gettext_noop(
            "If this is yours, link to your own domain only. If not, pages or scripts of "
            "strangers are on the site. Words found: %(what)s."
        ),
    ),
    Rule(
        "bill_lure",
        1.0,
        gettext_noop("Presses to open an attachment"),
        gettext_noop("Send bills as PDF and say whom they are for. Words found: %(what)s."),
    ),
    Rule(
        "refund_lure",
        1.0,
        gettext_noop("Promises money back for bank details"),
        gettext_noop(
            "Pay back the way you were paid, and ask for no numbers by e-mail. Words found: "
            "%(what)s."
        ),
    ),
)
