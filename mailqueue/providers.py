"""What the large providers take: data, one line each. Pure.

A provider is told by the names of its mail servers, so that its customers' own domains are found
too. Few of them publish figures; where one does, the line names the page. The others are cautious:
who takes more loses nothing but time, and who takes less says so, and is given less.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mailqueue.pace import Limits

# Everybody else: as KumoMTA and Postfix have it, who both stop between 10 and 20.
OTHERS = Limits(connections=20, messages=100)


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, the ends of its servers' names, and what it is given."""

    name: str
    suffixes: tuple[str, ...]
    limits: Limits


PROVIDERS = (
    # support.google.com/a/answer/81126: slow down on 421-4.7.28; no figures. Workspace is with it.
    Provider("Gmail", (".google.com", ".googlemail.com"), Limits(10, 50, 1200)),
    # sendersupport.olc.protection.outlook.com/pm/policies.aspx: no more than 500 connections.
    Provider("Outlook", (".olc.protection.outlook.com",), Limits(5, 50, 600)),
    # Exchange Online throttles strangers by 4.7.500 and 4.7.650 (learn.microsoft.com); no figures.
    Provider("Office 365", (".mail.protection.outlook.com", ".mx.microsoft"), Limits(10, 50, 900)),
    # senders.yahooinc.com/best-practices: at most 20 messages of one connection. AOL is with it.
    Provider("Yahoo", (".yahoodns.net",), Limits(5, 20, 600)),
    # support.apple.com/en-us/102322: deliver over few connections; no figures.
    Provider("iCloud", (".mail.icloud.com", ".icloud.com"), Limits(5, 10, 300)),
    # postmaster.orange.fr: OFR_104 from the fourth connection on; 100 messages of one connection.
    Provider("Orange", (".orange.fr", ".wanadoo.fr"), Limits(2, 100, 200)),
    # postmaster.free.fr: "too many connections" from one address; no figures.
    Provider("Free", (".free.fr",), Limits(2, 50, 120)),
    # No figures published; it defers with "too many connections" (421) beyond a few.
    Provider("SFR", (".sfr.fr", ".sfr.net"), Limits(2, 50, 120)),
    # www.laposte.net/postmaster: LPN007_* when a sender comes too fast; no figures.
    Provider("La Poste", (".laposte.net",), Limits(2, 50, 120)),
    # No figures published.
    Provider("Bouygues Telecom", (".bbox.fr", ".bouyguestelecom.fr"), Limits(2, 50, 120)),
    # postmaster.gmx.net: limits by the name of the sender; no figures. Web.de and 1&1 are with it.
    Provider("GMX", (".gmx.net", ".web.de", ".kundenserver.de", ".ionos.com"), Limits(5, 50, 300)),
    # postmaster.t-online.de: new senders are to write to it first; no figures.
    Provider("T-Online", (".t-online.de",), Limits(2, 50, 120)),
    # postmaster.mail.ru: limits by the name of the sender; no figures.
    Provider("Mail.ru", (".mail.ru",), Limits(5, 50, 300)),
    # No figures published.
    Provider("Yandex", (".yandex.ru", ".yandex.net"), Limits(5, 50, 300)),
    # service.mail.qq.com: frequency and connections are limited by address; no figures.
    Provider("QQ", (".qq.com",), Limits(2, 20, 60)),
    # mail.163.com/help: "MI:IMF", "MI:SPB" when it is too much; no figures.
    Provider("NetEase", (".netease.com",), Limits(2, 20, 60)),
)


def provider_of(servers: Iterable[str]) -> Provider | None:
    """The provider whose servers these are, if all of them are one's."""
    names = [f".{server.lower().rstrip('.')}" for server in servers]
    for provider in PROVIDERS:
        if names and all(name.endswith(provider.suffixes) for name in names):
            return provider
    return None
