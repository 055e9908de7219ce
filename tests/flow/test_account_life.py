"""A site comes, sends with a token, and leaves: by the panel's pages alone."""

import os
import re
from pathlib import Path

from tests.support import php
from tests.support.house import House
from tests.support.php import FAILURE, SUCCESS, guide_script
from tests.support.remote import Remote
from tests.support.waiting import eventually

BLOG = "blog.example"
PAGE = f"/web/hosting/{BLOG}/"


def test_a_site_that_shares_its_user_is_added_sends_and_is_closed(home: House, mx: Remote) -> None:
    admin = home.pages()
    page = admin.post(
        "/web/hosting/add/",
        service_name=BLOG,
        uid="",
        report_to="",
        language="fr",
        time_zone="Europe/Paris",
    )
    assert page.url.endswith(PAGE), page.words

    page = admin.post(f"{PAGE}tokens/", name="Blog", uid=str(os.getuid()))
    found = re.search(r'sendmail_path = "(.*? --token=.*?) -t -i"', page.text)
    assert found, page.words
    # As it is to be pasted; php.run adds the options that follow.
    command = Path(found[1])

    def mail(to: str) -> str:
        return php.run(guide_script(to), command, home.scripts).stdout

    assert mail("blog@example.org") == SUCCESS
    eventually(lambda: any("blog@example.org" in message.recipients for message in mx.messages))
    assert home.ledger()[BLOG]["accepted"] == 1
    assert (
        "jamais" not in re.findall(r"<tbody>.*?</tbody>", admin.get(f"{PAGE}tokens/").text, re.S)[0]
    )

    assert "Fermé" in admin.post(f"{PAGE}close/").words
    assert mail("closed@example.org") == FAILURE
    assert "Fermé" not in admin.post(f"{PAGE}reopen/").words
    assert mail("reopened@example.org") == SUCCESS
    (row,) = home.queue()
    assert (row["recipient"], row["status"]) == ("reopened@example.org", "held")

    admin.post(f"{PAGE}scripts-emails/unblock/", referrer=admin.get(f"{PAGE}scripts-emails/"))
    eventually(lambda: home.queue() == [])
    number = re.findall(r"tokens/(\d+)/revoke/", admin.get(f"{PAGE}tokens/").text)[0]
    admin.post(f"{PAGE}tokens/{number}/revoke/")
    assert mail("revoked@example.org") == FAILURE
    assert home.ledger()[BLOG]["accepted"] == 2
    assert not re.search(r"fct_\w", home.output), "the token stands in the log"
