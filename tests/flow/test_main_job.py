"""A script's mail() reaches a mailbox, once and as it was; and the page can stop it."""

import re
import time
from functools import partial

from tests.support import php
from tests.support.house import ACCOUNT, House, house
from tests.support.pages import Page, Pages
from tests.support.php import FAILURE, SUCCESS, guide_script
from tests.support.remote import Received, Remote
from tests.support.waiting import eventually

SCRIPTS_EMAILS = f"/web/hosting/{ACCOUNT}/scripts-emails/"
# What must arrive as it was: dots and "From " at the beginning of a line, blanks at its end, bytes
# beyond ASCII, all three kinds of line ends that scripts write, no line end at the end.
BODY = (
    r'"Bonjour été,\n.\n..two dots\nFrom here\ntrailing blanks   \n\r\nCRLF\r\n'
    r'tab\tand \xe2\x82\xac\n\n\nend"'
)
# Added when a script gives none.
OURS = {b"Date", b"Message-ID", b"Received"}


def arrived(mx: Remote, address: str) -> list[Received]:
    return [message for message in mx.messages if address in message.recipients]


def act(pages: Pages, event: str) -> Page:
    """Click a button of the page, then « Valider »."""
    confirm = pages.get(f"{SCRIPTS_EMAILS}{event}/confirm/")
    assert confirm.status == 200
    page = pages.post(f"{SCRIPTS_EMAILS}{event}/", referrer=confirm)
    assert page.status == 200
    return page


def test_the_guides_script_arrives_once_and_byte_for_byte(home: House, mx: Remote) -> None:
    handed_over = _what_php_hands_over(home, guide_script("once@example.org", content=BODY))
    result = home.php(guide_script("once@example.org", content=BODY))
    assert (result.stdout, result.stderr, result.returncode) == (SUCCESS, "", 0)
    eventually(lambda: arrived(mx, "once@example.org"))
    # Longer than a sweep: whoever would send it again has had the time.
    time.sleep(1.5)
    (message,) = arrived(mx, "once@example.org")

    expected_headers, expected_body = handed_over
    headers, _, body = message.content.partition(b"\r\n\r\n")
    assert body == expected_body
    kept = [line for line in headers.split(b"\r\n") if line.partition(b":")[0] not in OURS]
    assert [line for line in kept if line[:1] not in b" \t"] == expected_headers
    names = [line.partition(b":")[0] for line in headers.split(b"\r\n")]
    assert names.count(b"Date") == names.count(b"Message-ID") == 1
    assert message.recipients == ["once@example.org"]
    assert home.ledger()[ACCOUNT]["sent"] >= 1


def _what_php_hands_over(home: House, script: str) -> tuple[list[bytes], bytes]:
    """The header lines and the body that PHP gives to sendmail, with CRLF line ends."""
    recorder = home.scripts / "sendmail-recorder"
    recorder.write_text(f'#!/bin/sh\nexec cat > "{home.scripts}/recorded"\n')
    recorder.chmod(0o755)
    assert php.run(script, recorder, home.scripts).stdout == SUCCESS
    raw = (home.scripts / "recorded").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    headers, _, body = raw.partition(b"\r\n\r\n")
    return headers.split(b"\r\n"), body


def test_a_blocked_account_keeps_its_mail_until_it_is_unblocked(home: House, mx: Remote) -> None:
    pages = home.pages()
    page = act(pages, "block")
    assert "Désactivé" in page.words

    result = home.php(guide_script("held@example.org", subject="Retenu un moment"))
    assert result.stdout == SUCCESS
    (row,) = home.queue()
    assert (row["recipient"], row["status"]) == ("held@example.org", "held")
    assert "Retenu un moment" in pages.get(SCRIPTS_EMAILS).words
    time.sleep(2.5)
    assert arrived(mx, "held@example.org") == []

    page = act(pages, "unblock")
    assert "Activé" in page.words
    eventually(lambda: arrived(mx, "held@example.org"))
    eventually(lambda: home.queue() == [])
    assert "Retenu un moment" not in pages.get(SCRIPTS_EMAILS).words


def test_a_purge_deletes_the_queue_and_unblocks(home: House, mx: Remote) -> None:
    pages = home.pages()
    act(pages, "block")
    for number in range(3):
        assert home.php(guide_script(f"gone{number}@example.org")).stdout == SUCCESS
    assert len(home.queue()) == 3

    purged = home.total("purged")
    page = act(pages, "purge")
    assert "Activé" in page.words
    assert home.queue() == []
    assert home.total("purged") == purged + 3
    time.sleep(1.5)
    assert not any("gone" in address for message in mx.messages for address in message.recipients)

    # The service runs again.
    assert home.php(guide_script("after@example.org")).stdout == SUCCESS
    eventually(lambda: arrived(mx, "after@example.org"))


def test_one_script_is_blocked_and_the_others_go_on(home: House, mx: Remote) -> None:
    def send(script: str, to: str) -> None:
        result = php.run(guide_script(to), home.sendmail, home.scripts, name=script)
        assert result.stdout == SUCCESS

    for script in ("robot.php", "contact.php"):
        send(script, f"first@{script}.example")
        eventually(partial(arrived, mx, f"first@{script}.example"))
    pages = home.pages()
    listed = pages.get(f"/web/hosting/{ACCOUNT}/scripts/")
    [link] = re.findall(r'href="([^"]+/scripts/[0-9a-f]{64}/)"><bdi>robot.php<', listed.text)
    confirm = pages.get(f"{link}block/confirm/")
    assert "Valider" in confirm.words
    assert "Bloqué" in pages.post(f"{link}block/", referrer=confirm).words

    send("robot.php", "held@robot.php.example")
    send("contact.php", "second@contact.php.example")
    eventually(lambda: arrived(mx, "second@contact.php.example"))
    (row,) = home.queue()
    assert (row["recipient"], row["status"]) == ("held@robot.php.example", "held")
    assert "Activé" in pages.get(SCRIPTS_EMAILS).words
    page = pages.get(link)
    assert "1 e-mail retenu" in page.words
    assert not arrived(mx, "held@robot.php.example")

    confirm = pages.get(f"{link}unblock/confirm/")
    pages.post(f"{link}unblock/", referrer=confirm)
    eventually(lambda: arrived(mx, "held@robot.php.example"))
    eventually(lambda: home.queue() == [])
    home.ledger()


def test_a_refused_recipient_is_counted_as_an_error(home: House, mx: Remote) -> None:
    before = home.total("failed")
    mx.script.recipients["gone@example.net"] = "550 5.1.1 <gone@example.net>: User unknown"
    assert home.php(guide_script("gone@example.net")).stdout == SUCCESS
    eventually(lambda: home.total("failed") == before + 1)
    assert home.queue() == []
    home.ledger()


def test_without_a_route_nothing_leaves_the_machine() -> None:
    with house(sweep_seconds="1") as new:
        new.start()
        assert new.php(guide_script("you@example.org", subject="Bien dedans")).stdout == SUCCESS
        pages = new.pages()
        eventually(lambda: "Bien dedans" in pages.get("/simulator/").words)
        assert new.total("sent") == 1
        # With the relay's word for it that nothing was taken, mail() is false.
        assert new.php(guide_script("")).stdout == FAILURE
