"""What the large providers take: data, one line each. Pure.

A provider is told by the names of its mail servers, so that its customers' own domains are found
too. Few of them publish figures; where one does, the line names the page. The others are cautious:
who takes more loses nothing but time, and who takes less says so, and is given less.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mailqueue.pace import Limits

# Everybody else: as many connections as Postfix opens (20), as many messages as KumoMTA sends.
OTHERS = Limits(connections=20, messages=100)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, the ends of its servers' names, and what it is given."""

    name: str
    suffixes: tuple[str, ...]
    limits: Limits


PROVIDERS = (
    # support.google.com/a/answer/81126: slow down when told so; no figures. Workspace is with it.
    Provider("Gmail", (".google.com", ".googlemail.com"), Limits(10, 50, 1200)),
    # sendersupport.olc.protection.outlook.com/pm/policies.aspx; cautious. Outlook.com, Hotmail.
    Provider("Outlook", (".olc.protection.outlook.com",), Limits(5, 50, 600)),
    # learn.microsoft.com: Exchange Online slows strangers with 4.7.500 and 4.7.650; no figures.
    Provider("Office 365", (".mail.protection.outlook.com", ".mx.microsoft"), Limits(10, 50, 900)),
    # senders.yahooinc.com/best-practices: at most 20 messages of one connection. AOL is with it.
    Provider("Yahoo", (".yahoodns.net",), Limits(5, 20, 600)),
    # support.apple.com/en-us/102322: the postmaster page; no figures.
    Provider("iCloud", (".mail.icloud.com", ".icloud.com"), Limits(5, 10, 300)),
    # messagerie.orange.fr/postmaster.html; it answers OFR_104, too many connections, above three.
    Provider("Orange", (".orange.fr", ".wanadoo.fr"), Limits(2, 100, 200)),
    # No figures published.
    Provider("Free", (".free.fr",), Limits(2, 50, 120)),
    # No figures published.
    Provider("SFR", (".sfr.fr", ".sfr.net"), Limits(2, 50, 120)),
    # No figures published.
    Provider("La Poste", (".laposte.net",), Limits(2, 50, 120)),
    # No figures published.
    Provider("Bouygues Telecom", (".bbox.fr", ".bouyguestelecom.fr"), Limits(2, 50, 120)),
    # postmaster.gmx.net: no figures. Web.de, IONOS and 1&1 are with it.
    Provider("GMX", (".gmx.net", ".web.de", ".kundenserver.de", ".ionos.com"), Limits(5, 50, 300)),
    # postmaster.t-online.de: no figures.
    Provider("T-Online", (".t-online.de",), Limits(2, 50, 120)),
    # postmaster.mail.ru: no figures.
    Provider("Mail.ru", (".mail.ru",), Limits(5, 50, 300)),
    # No figures published.
    Provider("Yandex", (".yandex.ru", ".yandex.net"), Limits(5, 50, 300)),
    # service.mail.qq.com: it limits frequency and connections; no figures.
    Provider("QQ", (".qq.com",), Limits(2, 20, 60)),
    # No figures published.
    Provider("NetEase", (".netease.com",), Limits(2, 20, 60)),
)


def provider_of(servers: Iterable[str]) -> Provider | None:
    """The provider whose servers these are, if all of them are one's."""
    names = [f".{server.lower().rstrip('.')}" for server in servers]
    for provider in PROVIDERS:
        if names and all(name.endswith(provider.suffixes) for name in names):
            return provider
    return None
