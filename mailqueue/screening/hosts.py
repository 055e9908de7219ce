"""Hosts that many share, and brands that are imitated. Data, and what a host belongs to. Pure."""

import re

# Anyone can make a link there that leads anywhere.
SHORTENERS = frozenset(
    [
        "bit.ly",
        "tinyurl.com",
        "goo.gl",
        "t.co",
        "ow.ly",
        "is.gd",
        "buff.ly",
        "cutt.ly",
        "rebrand.ly",
        "shorturl.at",
        "rb.gy",
        "t.ly",
        "tiny.cc",
        "bl.ink",
        "s.id",
        "soo.gd",
        "v.gd",
        "clck.ru",
        "u.to",
        "adf.ly",
        "shorte.st",
        "ouo.io",
        "lnkd.in",
        "qr.ae",
        "x.co",
        "po.st",
        "bit.do",
        "mcaf.ee",
        "urlz.fr",
        "url.kr",
        "vk.cc",
        "surl.li",
        "n9.cl",
        "acortar.link",
        "shorturl.asia",
        "tny.im",
        "qrco.de",
        "tinu.be",
        "kutt.it",
        "dub.sh",
        "l1nk.dev",
        "me2.kr",
        "han.gl",
        "did.li",
    ]
)

# Anyone can put a page there, under a name that people trust.
SHARED_PAGES = (
    "telegra.ph",
    "t.me",
    "wa.me",
    "api.whatsapp.com",
    "script.google.com",
    "sites.google.com",
    "docs.google.com",
    "drive.google.com",
    "forms.gle",
    "storage.googleapis.com",
    "firebaseapp.com",
    "web.app",
    "blogspot.com",
    "weebly.com",
    "wixsite.com",
    "000webhostapp.com",
    "github.io",
    "pages.dev",
    "workers.dev",
    "r2.dev",
    "netlify.app",
    "vercel.app",
    "glitch.me",
    "herokuapp.com",
    "azurewebsites.net",
    "web.core.windows.net",
    "blob.core.windows.net",
    "amazonaws.com",
    "ipfs.io",
    "dweb.link",
    "cloudflare-ipfs.com",
    "godaddysites.com",
    "square.site",
    "jimdosite.com",
    "yolasite.com",
    "ngrok.io",
    "ngrok-free.app",
    "trycloudflare.com",
    "duckdns.org",
    "typeform.com",
    "jotform.com",
    "hostingerapp.com",
    "myfreesites.net",
    "replit.app",
    "surge.sh",
    "geocities.com",
    "tripod.com",
    "angelfire.com",
)

# Endings that are given away or sold for cents, and used accordingly.
CHEAP_ENDINGS = frozenset(
    [
        "top",
        "xyz",
        "icu",
        "click",
        "link",
        "buzz",
        "monster",
        "rest",
        "quest",
        "cyou",
        "cfd",
        "sbs",
        "loan",
        "win",
        "bid",
        "stream",
        "download",
        "gq",
        "cf",
        "ml",
        "ga",
        "tk",
        "work",
        "date",
        "racing",
        "party",
        "review",
        "trade",
        "science",
        "cricket",
        "accountant",
        "faith",
        "men",
        "kim",
        "gdn",
        "country",
        "hair",
        "beauty",
        "skin",
        "makeup",
        "lol",
        "mom",
        "autos",
        "boats",
        "bond",
    ]
)

FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "hotmail.fr",
        "live.com",
        "live.fr",
        "msn.com",
        "yahoo.com",
        "yahoo.fr",
        "yahoo.co.uk",
        "yahoo.co.jp",
        "ymail.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "gmx.com",
        "web.de",
        "mail.ru",
        "yandex.ru",
        "yandex.com",
        "rambler.ru",
        "bk.ru",
        "list.ru",
        "inbox.ru",
        "proton.me",
        "protonmail.com",
        "tutanota.com",
        "laposte.net",
        "orange.fr",
        "wanadoo.fr",
        "free.fr",
        "sfr.fr",
        "icloud.com",
        "me.com",
        "mail.com",
        "qq.com",
        "163.com",
        "126.com",
        "rediffmail.com",
        "libero.it",
        "virgilio.it",
        "tiscali.it",
        "terra.es",
        "netscape.net",
        "excite.com",
        "lycos.com",
        "caramail.com",
        "financier.com",
        "consultant.com",
        "zoho.com",
    ]
)

# What each brand is called, as words of a name, and the domains it writes from and links to.
BRANDS: dict[str, tuple[str, ...]] = {
    "paypal": ("paypal.com", "paypal.fr", "paypal.de", "paypal.me", "paypalobjects.com"),
    "amazon": (
        "amazon.com",
        "amazon.fr",
        "amazon.de",
        "amazon.es",
        "amazon.it",
        "amazon.co.uk",
        "amazon.co.jp",
        "amazonses.com",
        "amazonaws.com",
        "amazon.dev",
        "amazon.jobs",
    ),
    "microsoft": (
        "microsoft.com",
        "office.com",
        "live.com",
        "outlook.com",
        "microsoftonline.com",
        "office365.com",
        "sharepoint.com",
        "windows.com",
        "azure.com",
        "msn.com",
    ),
    "office 365": ("microsoft.com", "office.com", "office365.com", "microsoftonline.com"),
    "outlook": ("microsoft.com", "office.com", "live.com", "outlook.com", "hotmail.com"),
    "onedrive": ("microsoft.com", "live.com", "onedrive.com", "sharepoint.com"),
    "apple": ("apple.com", "icloud.com", "me.com"),
    "icloud": ("apple.com", "icloud.com"),
    "netflix": ("netflix.com",),
    "facebook": ("facebook.com", "facebookmail.com", "fb.com", "meta.com"),
    "instagram": ("instagram.com", "facebook.com", "meta.com"),
    "whatsapp": ("whatsapp.com", "whatsapp.net"),
    "linkedin": ("linkedin.com", "licdn.com"),
    "dropbox": ("dropbox.com", "dropboxmail.com"),
    "docusign": ("docusign.com", "docusign.net"),
    "wetransfer": ("wetransfer.com", "we.tl"),
    "adobe": ("adobe.com",),
    "ebay": ("ebay.com", "ebay.fr", "ebay.de", "ebay.co.uk", "ebay.it", "ebay.es"),
    "dhl": ("dhl.com", "dhl.de", "dhl.fr", "dhl.es", "dhl.it"),
    "fedex": ("fedex.com",),
    "ups": ("ups.com",),
    "usps": ("usps.com",),
    "dpd": ("dpd.com", "dpd.fr", "dpd.de", "dpd.co.uk"),
    "gls": ("gls-group.com", "gls-group.eu", "gls-pakete.de"),
    "hermes": ("hermes.com", "hermesworld.com", "myhermes.de", "hermes-europe.co.uk"),
    "chronopost": ("chronopost.fr",),
    "colissimo": ("laposte.fr", "colissimo.fr"),
    "la poste": ("laposte.fr", "laposte.net", "laposte.info"),
    "mondial relay": ("mondialrelay.fr", "mondialrelay.com"),
    "correos": ("correos.es", "correos.com"),
    "poste italiane": ("poste.it", "posteitaliane.it"),
    "deutsche post": ("deutschepost.de", "dhl.de"),
    "royal mail": ("royalmail.com",),
    "ameli": ("ameli.fr",),
    "assurance maladie": ("ameli.fr", "assurance-maladie.fr"),
    "impots": ("impots.gouv.fr", "gouv.fr"),
    "antai": ("antai.gouv.fr", "gouv.fr"),
    "caf": ("caf.fr",),
    "credit agricole": ("credit-agricole.fr", "ca-connect.fr"),
    "banque postale": ("labanquepostale.fr",),
    "bnp paribas": ("bnpparibas.com", "bnpparibas.net", "bnpparibas"),
    "societe generale": ("societegenerale.fr", "societegenerale.com", "sg.fr"),
    "caisse d epargne": ("caisse-epargne.fr",),
    "credit mutuel": ("creditmutuel.fr", "creditmutuel.com"),
    "boursorama": ("boursorama.com", "boursorama.fr", "boursobank.com"),
    "orange": ("orange.fr", "orange.com", "wanadoo.fr"),
    "sfr": ("sfr.fr", "sfr.com"),
    "ovh": ("ovh.com", "ovh.net", "ovhcloud.com", "ovh.fr"),
    "ovhcloud": ("ovh.com", "ovh.net", "ovhcloud.com", "ovh.fr"),
    "ionos": ("ionos.com", "ionos.fr", "ionos.de", "1und1.de"),
    "edf": ("edf.fr",),
    "leboncoin": ("leboncoin.fr",),
    "vinted": ("vinted.fr", "vinted.com", "vinted.de"),
    "sparkasse": ("sparkasse.de",),
    "volksbank": ("volksbank.de", "vr.de"),
    "postbank": ("postbank.de", "deutsche-bank.de"),
    "commerzbank": ("commerzbank.de", "commerzbank.com"),
    "deutsche bank": ("deutsche-bank.de", "db.com"),
    "ing": ("ing.com", "ing.de", "ing.es", "ing.it"),
    "n26": ("n26.com",),
    "klarna": ("klarna.com",),
    "telekom": ("telekom.de", "t-online.de"),
    "santander": ("santander.com", "santander.es", "santander.co.uk", "santander.de"),
    "bbva": ("bbva.es", "bbva.com"),
    "caixabank": ("caixabank.es", "caixabank.com", "lacaixa.es"),
    "unicredit": ("unicredit.it", "unicredit.eu"),
    "intesa sanpaolo": ("intesasanpaolo.com",),
    "chase": ("chase.com", "jpmorgan.com"),
    "wells fargo": ("wellsfargo.com",),
    "bank of america": ("bankofamerica.com", "bofa.com"),
    "citibank": ("citi.com", "citibank.com"),
    "hsbc": ("hsbc.com", "hsbc.co.uk", "hsbc.fr"),
    "barclays": ("barclays.com", "barclays.co.uk"),
    "coinbase": ("coinbase.com",),
    "binance": ("binance.com",),
    "metamask": ("metamask.io",),
    "ledger": ("ledger.com",),
    "trust wallet": ("trustwallet.com",),
    "norton": ("norton.com", "nortonlifelock.com", "gen digital.com"),
    "mcafee": ("mcafee.com",),
    "geek squad": ("geeksquad.com", "bestbuy.com"),
    "rakuten": ("rakuten.co.jp", "rakuten.com", "rakuten.fr"),
    "mercari": ("mercari.com", "mercari.jp"),
    "三井住友": ("smbc.co.jp", "smbc-card.com", "vpass.ne.jp"),
    "楽天": ("rakuten.co.jp", "rakuten-card.co.jp"),
    "アマゾン": ("amazon.co.jp", "amazon.com"),
    "ヤマト運輸": ("kuronekoyamato.co.jp",),
    "佐川急便": ("sagawa-exp.co.jp",),
    "日本郵便": ("japanpost.jp", "post.japanpost.jp"),
}
# Names that are everyday words, too: alone in a display name they say nothing.
AMBIGUOUS = frozenset(
    {"orange", "apple", "hermes", "ing", "ups", "chase", "ledger", "outlook", "gls", "caf", "antai"}
)

# Brands by their first word, and those written without blanks.
_BY_WORD: dict[str, list[str]] = {}
for _brand in filter(str.isascii, BRANDS):
    _BY_WORD.setdefault(_brand.partition(" ")[0], []).append(_brand)
_DENSE_BRANDS = tuple(brand for brand in BRANDS if not brand.isascii())

# Second levels under which anybody registers, below endings of two letters.
_SECOND_LEVEL = frozenset(
    {"co", "com", "org", "net", "gov", "gouv", "ac", "edu", "or", "ne", "go", "asso"}
)
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z|0x[0-9a-f]{8}\Z|\d{8,10}\Z")


def is_address(host: str) -> bool:
    """Whether a host is written as an IP address."""
    if host.startswith("["):
        return True
    return (host[-1:].isdigit() or host.startswith("0x")) and bool(_IPV4.match(host))


def registered(host: str) -> str:
    """The domain that a host belongs to, as far as that can be told without a list of endings."""
    if is_address(host):
        return host
    labels = host.split(".")
    keeps = 3 if len(labels[-1]) == 2 and labels[-2:-1] and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-keeps:])


def is_under(host: str, domains: tuple[str, ...] | frozenset[str]) -> bool:
    """Whether a host is one of the domains, or below one."""
    while host not in domains:
        _, dot, host = host.partition(".")
        if not dot:
            return False
    return True


def brands_in(words: list[str], text: str) -> list[str]:
    """The brands that a folded text names; `words` are its words."""
    joined = f" {' '.join(words)} "
    found = {brand for word in words for brand in _BY_WORD.get(word, ()) if f" {brand} " in joined}
    if not text.isascii():
        found |= {brand for brand in _DENSE_BRANDS if brand in text}
    return [brand for brand in BRANDS if brand in found] if found else []
