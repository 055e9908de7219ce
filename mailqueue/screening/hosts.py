"""Hosts that many share. Data, and what a host belongs to. Pure."""

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
    "te.legra.ph",
    "graph.org",
    "t.me",
    "chat.whatsapp.com",
    "linktr.ee",
    "carrd.co",
    "webflow.io",
    "framer.website",
    "mystrikingly.com",
    "notion.site",
    "canva.site",
    "tilda.ws",
    "onrender.com",
    "fly.dev",
    "backblazeb2.com",
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
