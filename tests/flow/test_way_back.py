"""What comes back reaches the page, the ratio, the state and the report: the whole way round."""

import re
import smtplib
import ssl
from pathlib import Path

from tests.support.house import ACCOUNT, House, free_port, house
from tests.support.pages import Pages
from tests.support.php import guide_script
from tests.support.remote import Remote, remote
from tests.support.reports import report, sample
from tests.support.submitting import certificate
from tests.support.waiting import eventually

PAGE = f"/web/hosting/{ACCOUNT}/scripts-emails/"
MANY = """<?php
foreach (range(1, 24) as $number) {
    mail("c$number@example.org", "Commande $number", "Merci", "From: shop@boutique.example");
}
foreach (["c20", "c21"] as $name) {
    mail("$name@example.org", "Relance", "Merci", "From: shop@boutique.example");
}
mail("late@example.org", "Absente", "Merci", "From: shop@boutique.example");
"""
AGAIN = """<?php
foreach (["c20@example.org", "c21@example.org", "c1@example.org"] as $address) {
    var_dump(mail($address, "Encore", "Merci", "From: shop@boutique.example"));
}
"""
# The reports of yesterday, as if it were tomorrow morning.
REPORT = """
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo
from mailqueue import accounts
from panel import reports
from panel.models import DailyReport
account = accounts.named("boutique.example")
accounts.report_to(account.pk, "owner@boutique.example")
today = datetime.now(ZoneInfo(account.time_zone))
reports.send_due(today.replace(hour=12) + timedelta(days=1))
print("\\n".join(DailyReport.objects.values_list("text", flat=True)))
"""


def bring(home: House, address: str, content: bytes, sender: str = "") -> int:
    """What the relay answers to a message for a return path."""
    port = int(home.environment["FACTEUR_BOUNCE_LISTEN"].rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo("mx.example.net")
        if authority := home.environment.get("FACTEUR_BOUNCE_CERTIFICATE"):
            client.starttls(context=ssl.create_default_context(cafile=authority))
            client.ehlo("mx.example.net")
        client.mail(sender)
        code = client.rcpt(address)[0]
        return code if code != 250 else client.data(content)[0]


def return_paths(mx: Remote) -> dict[str, str]:
    """The return path of each recipient, as it was on the wire."""
    return {message.recipients[0]: message.sender for message in mx.messages}


def figures(home: House) -> tuple[int, ...]:
    names = ("sent", "failed", "returned", "bounced", "suppressed")
    return tuple(home.total(name) for name in names)


def state(pages: Pages) -> str:
    found = re.search(r'class="badge state-(\w+)"', pages.get(PAGE).text)
    assert found
    return found[1]


def test_bounces_of_both_kinds_stop_a_site_and_are_told(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    with (
        remote() as mx,
        house(
            sweep_seconds="1",
            smarthost=f"127.0.0.1:{mx.port}",
            bounce_domain="back.example",
            bounce_listen=f"127.0.0.1:{free_port()}",
            bounce_certificate=str(chain),
            bounce_key=str(key),
            bounce_percent="25",
        ) as home,
    ):
        # Two are refused at RCPT, twice, one after its content; the others are taken, for now.
        mx.script.recipients["c20@example.org"] = "550 5.1.1 User unknown"
        mx.script.recipients["c21@example.org"] = "550 5.1.1 User unknown"
        mx.script.contents["c22@example.org"] = "552 5.2.2 Mailbox full"
        home.start()
        pages = home.pages()
        assert home.php(MANY).returncode == 0
        eventually(lambda: figures(home)[:2] == (22, 5), 20)
        paths = return_paths(mx)
        assert all(path.startswith("b+") for path in paths.values())
        assert state(pages) == "ok"

        # Nothing of this counts.
        assert bring(home, "b+x@back.example", report("c1@example.org")) == 550
        assert bring(home, paths["late@example.org"], sample("holiday.eml"), "l@e.org") == 250
        late = report("c9@example.org", "450 4.2.0 greylisted", action="delayed")
        assert bring(home, paths["c9@example.org"], late) == 250
        # Six come back, each told twice; one of them was refused for what this house is.
        for _ in range(2):
            for number in range(1, 6):
                address = f"c{number}@example.org"
                assert bring(home, paths[address].upper(), report(address)) == 250
            blocked = report("c8@example.org", "550 5.7.1 blocked using zen.spamhaus.org")
            assert bring(home, paths["c8@example.org"], blocked) == 250
        eventually(lambda: figures(home) == (22, 5, 6, 10, 0), 20)
        eventually(lambda: state(pages) == "bounce", 10)
        home.ledger()

        words = pages.get(PAGE).words
        assert "10 erreurs pour 27 e-mails" in words
        errors = pages.get(f"{PAGE}errors/").words
        assert "Revenu après l’envoi." in errors
        assert "c5@example.org" in errors
        assert "late@example.org" not in errors

        # What failed hard twice is excluded; the third waits, held.
        assert home.php(AGAIN).stdout.count("bool(true)") == 3
        eventually(lambda: home.total("suppressed") == 2)
        excluded = pages.get(f"/web/hosting/{ACCOUNT}/exclusions/").words
        assert "c20@example.org" in excluded
        assert [row["recipient"] for row in home.queue()] == ["c1@example.org"]
        home.ledger()

        told = home.manage("shell", "--no-imports", "-c", REPORT)
        assert "En erreur : 11" in told.stdout.replace("\xa0", " "), told.stdout + told.stderr
        assert "Adresse inconnue" in told.stdout


def test_what_the_simulator_sends_back_goes_the_whole_way() -> None:
    with house(
        sweep_seconds="1",
        bounce_domain="back.example",
        bounce_listen=f"127.0.0.1:{free_port()}",
    ) as home:
        home.start()
        for name in ("bounce-later", "complain", "bounce", "you"):
            assert home.php(guide_script(f"{name}@example.org")).returncode == 0
        eventually(lambda: figures(home) == (3, 1, 1, 2, 0), 20)
        eventually(lambda: home.total("complaints") == 1)
        words = home.pages().get(f"/web/hosting/{ACCOUNT}/exclusions/").words
        assert "complain@example.org" in words
        home.ledger()
