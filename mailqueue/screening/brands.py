"""Brands that are imitated, and where they are at home. Data, and what a name borrows. Pure."""

from mailqueue.screening.hosts import SHARED_PAGES, registered

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
    "kraken": ("kraken.com",),
    "bybit": ("bybit.com",),
    "revolut": ("revolut.com",),
    "spotify": ("spotify.com",),
    "disney": ("disneyplus.com", "disney.com", "disney.fr"),
    "sharepoint": ("microsoft.com", "sharepoint.com", "sharepointonline.com", "office.com"),
    "zimbra": ("zimbra.com", "synacor.com"),
    "meta business": ("meta.com", "facebook.com", "facebookmail.com"),
    "tiktok": ("tiktok.com",),
    "boursobank": ("boursobank.com", "boursorama.com"),
    "free mobile": ("free.fr", "mobile.free.fr", "free-mobile.fr"),
    "urssaf": ("urssaf.fr",),
    "sncf": ("sncf.com", "sncf.fr", "sncf-connect.com"),
    "ulys": ("ulys.com", "vinci-autoroutes.com"),
    "compte formation": ("moncompteformation.gouv.fr", "gouv.fr"),
    "finances publiques": ("gouv.fr", "dgfip.finances.gouv.fr"),
    "bouygues telecom": ("bouyguestelecom.fr",),
    "fortuneo": ("fortuneo.fr",),
    "postepay": ("poste.it", "postepay.it"),
    "agenzia delle entrate": ("agenziaentrate.gov.it", "gov.it"),
    "agencia tributaria": ("agenciatributaria.gob.es", "gob.es"),
    "seur": ("seur.com",),
    "postnl": ("postnl.nl", "postnl.com"),
    "bpost": ("bpost.be",),
    "belastingdienst": ("belastingdienst.nl",),
    "rabobank": ("rabobank.nl", "rabobank.com"),
    "abn amro": ("abnamro.nl", "abnamro.com"),
    "digid": ("digid.nl",),
    "ctt expresso": ("ctt.pt", "cttexpresso.pt"),
    "millennium bcp": ("millenniumbcp.pt",),
    "correios": ("correios.com.br",),
    "itau": ("itau.com.br",),
    "bradesco": ("bradesco.com.br",),
    "nubank": ("nubank.com.br",),
    "inpost": ("inpost.pl", "inpost.eu", "inpost.fr", "inpost.it"),
    "allegro": ("allegro.pl",),
    "olx": ("olx.pl", "olx.pt", "olx.ua", "olx.ro"),
    "poczta polska": ("poczta-polska.pl",),
    "pko bank": ("pkobp.pl", "ipko.pl"),
    "mbank": ("mbank.pl",),
    "госуслуги": ("gosuslugi.ru",),
    "сбербанк": ("sberbank.ru", "sber.ru"),
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
    {
        "orange",
        "apple",
        "hermes",
        "ing",
        "ups",
        "chase",
        "ledger",
        "outlook",
        "gls",
        "caf",
        "antai",
        "kraken",
        "allegro",
        "disney",
        "seur",
    }
)

# Brands by their first word, and those written without blanks.
_BY_WORD: dict[str, list[str]] = {}
for _brand in filter(str.isascii, BRANDS):
    _BY_WORD.setdefault(_brand.partition(" ")[0], []).append(_brand)
_DENSE_BRANDS = tuple(brand for brand in BRANDS if not brand.isascii())

# Where brands are at home; not what they lend to anybody.
HOMES = frozenset(home for homes in BRANDS.values() for home in homes) - set(SHARED_PAGES)

# Hosts that are made for one lure are called after what it is about.
_ABOUT = """
acces acceso access account accounts activation admin aduana airdrop alert ameli amende amendes
antai auth bank banque betalen billing cadeau carte center check claim client clients colis compte
confirm confirmation conto cpf critair cuenta customs delivery document documents domain domaine
domaines doplata dossier douane droits entrega espace facturation facture fraud gouv id impots
info kyc livraison login message notice online paczka paiement pakket payer payment peage portail
prime refund register remboursement renew renouveler renouvellement scan secure securite security
server service services session signin sondage suivi support tax token track tracking update
urssaf valid validation verif verifica verificatie verification verify vignette vitale wallet
webmail weryfikacja zahlung
"""
_BAIT = frozenset(_ABOUT.split())


def is_bait(host: str) -> bool:
    """Whether a host is called after what a lure is about: two such words, or one and a brand."""
    name = registered(host).partition(".")[0]
    if "-" not in name:
        return False
    words = name.split("-")
    return sum(word in _BAIT or word in _BY_WORD for word in words) >= 2


def brands_in(words: list[str], text: str) -> list[str]:
    """The brands that a folded text names; `words` are its words."""
    joined = f" {' '.join(words)} "
    found = {brand for word in words for brand in _BY_WORD.get(word, ()) if f" {brand} " in joined}
    if not text.isascii():
        found |= {brand for brand in _DENSE_BRANDS if brand in text}
    return [brand for brand in BRANDS if brand in found] if found else []
