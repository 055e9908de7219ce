"""Mail over the network: TLS, tokens, who is refused, what strangers may take up."""

import base64
import logging
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue import accounts, tokens
from mailqueue.models import AccountToken, HostingAccount, LastRefusal, Message, Recipient
from relay.dialogue import MOST_UNKNOWN
from relay.submission import Credentials, login_credentials, plain_credentials
from relay.throttle import MOST_BY_SOURCE, MOST_FAILURES
from tests.support.relaying import read_lines
from tests.support.submitting import LOOPBACK, Desk, certificate, running
from tests.support.waiting import eventually

SHOP = "shop.example"
LETTER = b"From: a@shop.example\r\nTo: you@example.org\r\nSubject: s\r\n\r\nbody\r\n"
PHP_LETTER = b"X-PHP-Originating-Script: 33:order.php\r\n" + LETTER


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plainly(token: str, name: str = SHOP) -> str:
    return in_base64(f"\0{name}\0{token}")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def shop(transactional_db: None, now: datetime) -> HostingAccount:
    return accounts.create(SHOP, now)


@pytest.fixture
def token(shop: HostingAccount, now: datetime) -> str:
    return tokens.make(shop.pk, "container", "admin", now)[1]


@pytest.fixture
def desk(files: tuple[Path, Path], shop: HostingAccount) -> Iterator[Desk]:
    """Nobody may speak without TLS."""
    with running(Desk(files)) as new:
        yield new


@pytest.fixture
def near(files: tuple[Path, Path], shop: HostingAccount) -> Iterator[Desk]:
    """Whoever is on the machine may speak without TLS."""
    with running(Desk(files, LOOPBACK)) as new:
        yield new


def send(client: smtplib.SMTP, letter: bytes = LETTER) -> None:
    assert client.sendmail("a@shop.example", ["you@example.org"], letter) == {}


def code_of(client: smtplib.SMTP, token: str, name: str = SHOP) -> int:
    """What AUTH is answered."""
    return client.docmd("AUTH", f"PLAIN {plainly(token, name)}")[0]


def test_a_message_by_tls_is_the_accounts_own(desk: Desk, token: str, shop: HostingAccount) -> None:
    with desk.secure_client() as client:
        client.login(SHOP, token)
        send(client, PHP_LETTER)
        send(client)
    first, _ = Message.objects.order_by("pk")
    assert first.account == shop
    assert first.origin is not None
    assert first.get_origin_display() in {"SMTP script", "script SMTP"}
    assert (first.sender, first.script) == ("a@shop.example", "order.php")
    assert Recipient.objects.filter(account=shop).count() == 2
    assert AccountToken.objects.get().last_used_at is not None


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_message_by_starttls_is_taken(desk: Desk, token: str, mechanism: str) -> None:
    with desk.client() as client:
        client.starttls(context=desk.trusting)
        client.ehlo()
        assert not client.has_extn("starttls")
        client.user, client.password = SHOP, token
        code, _ = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
        assert code == 235
        send(client)
    assert Message.objects.count() == 1


def test_login_is_heard_without_its_first_answer(desk: Desk, token: str) -> None:
    with desk.secure_client() as client:
        client.ehlo()
        assert client.docmd("AUTH", "login")[0] == 334
        assert client.docmd(in_base64("anything"))[0] == 334
        assert client.docmd(in_base64(token))[0] == 235
        assert client.docmd("AUTH", "LOGIN")[0] == 503


def test_only_new_tls_is_spoken(desk: Desk) -> None:
    old = ssl.create_default_context()
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):  # noqa: PT011 - whichever way TLS fails
        smtplib.SMTP_SSL("127.0.0.1", desk.tls_port, timeout=20, context=old)


def test_without_tls_no_token_is_heard(desk: Desk, token: str) -> None:
    """Whoever takes STARTTLS out of the answer gets no token accepted."""
    with desk.client() as client:
        client.ehlo()
        assert client.has_extn("starttls")
        assert not client.has_extn("auth")
        assert code_of(client, token) == 538
        assert client.docmd("MAIL", "FROM:<a@shop.example>")[0] == 530
    assert AccountToken.objects.get().last_used_at is None


def test_a_plain_network_needs_no_tls(near: Desk, token: str) -> None:
    with near.client() as client:
        client.ehlo()
        assert client.has_extn("auth")
        client.login(SHOP, token)
        send(client)
    assert Message.objects.count() == 1


def test_a_token_of_another_network_is_refused_and_noted(
    near: Desk, shop: HostingAccount, now: datetime
) -> None:
    _, plain = tokens.make(shop.pk, "office", "admin", now, networks="192.0.2.0/24 ::1/128")
    with near.client() as client:
        client.ehlo()
        assert client.docmd("AUTH", f"PLAIN {plainly(plain)}") == (
            535,
            b"5.7.8 The user name or the token is wrong",
        )
    refusal = eventually(LastRefusal.objects.first)
    assert refusal is not None
    assert (refusal.account, refusal.exit_code) == (shop, 77)
    assert refusal.text == "the token does not count from this address"
    assert AccountToken.objects.get().last_used_at is None


def test_a_token_counts_from_its_own_network(
    near: Desk, shop: HostingAccount, now: datetime
) -> None:
    row, plain = tokens.make(shop.pk, "host", "admin", now, networks="::ffff:127.0.0.0/104")
    with near.client() as client:
        client.login(SHOP, plain)
        send(client)
        # It is looked at with each message, so that a change counts at once.
        AccountToken.objects.filter(pk=row.pk).update(networks="192.0.2.0/24")
        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(client)
    assert caught.value.smtp_code == 550
    assert Message.objects.count() == 1


@pytest.mark.parametrize("command", ["MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA"])
def test_nothing_is_relayed_without_a_token(desk: Desk, command: str) -> None:
    with desk.secure_client() as client:
        client.ehlo()
        assert client.docmd(command) == (530, b"5.7.0 Say AUTH first")
        assert client.docmd("XSENDMAIL 1 1")[0] == 500
    assert not Message.objects.exists()


def test_no_other_token_counts(
    desk: Desk, token: str, shop: HostingAccount, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    accounts.create("blog.example", now)
    revoked, of_revoked = tokens.make(shop.pk, "old", "admin", now)
    tokens.revoke(revoked, now)
    _, of_sendmail = tokens.make(shop.pk, "sendmail", "admin", now, uid=33)
    for name, plain in [
        (SHOP, "fct_wrong"),
        (SHOP, ""),
        (SHOP, of_revoked),
        (SHOP, of_sendmail),
        ("blog.example", token),
        (" BLOG.example", token),
    ]:
        with desk.secure_client() as client:
            client.ehlo()
            assert code_of(client, plain, name) == 535, name
            assert client.docmd("MAIL", "FROM:<a@b.example>")[0] == 530
    with desk.secure_client() as client:
        client.ehlo()
        assert code_of(client, token, "Shop.Example") == 235
    assert not any(word in caplog.text for word in (of_revoked, of_sendmail, token, "fct_"))
    assert "auth=failed from=127.0.0.1" in caplog.text
    desk.stop()
    # Who had a token of the account once is told there, too.
    assert LastRefusal.objects.get().account == shop


def test_a_closed_account_sends_nothing(
    desk: Desk, token: str, shop: HostingAccount, now: datetime
) -> None:
    with desk.secure_client() as early:
        early.login(SHOP, token)
        accounts.close(shop.pk, "admin", now)
        with desk.secure_client() as late:
            late.ehlo()
            assert code_of(late, token) == 535
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(early)
        assert refused.value.smtp_code == 550
    assert not Message.objects.exists()


def test_a_token_that_is_revoked_counts_no_more_at_once(
    desk: Desk, token: str, now: datetime
) -> None:
    with desk.secure_client() as client:
        client.login(SHOP, token)
        tokens.revoke(AccountToken.objects.get(), now)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(client)
        assert refused.value.smtp_code == 550


def test_what_is_no_answer_is_refused(desk: Desk, token: str) -> None:
    with desk.secure_client() as client:
        assert client.docmd("AUTH", "PLAIN x")[0] == 503
        client.ehlo()
        assert client.docmd("AUTH")[0] == 504
        assert client.docmd("AUTH", "CRAM-MD5")[0] == 504
        assert client.docmd("AUTH", "PLAIN a b")[0] == 504
        assert client.docmd("AUTH", "PLAIN !")[0] == 501
        assert client.docmd("AUTH", "PLAIN " + in_base64(f"other\0{SHOP}\0{token}"))[0] == 501
        assert client.docmd("AUTH", "PLAIN")[0] == 334
        assert client.docmd("*")[0] == 501
        assert client.docmd("AUTH", "LOGIN")[0] == 334
        client.send("é\r\n".encode())
        assert client.getreply()[0] == 334
        assert client.docmd("=")[0] == 501
        assert code_of(client, token) == 235


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_answer_raises(one: str, other: str) -> None:
    for text in (one, in_base64(one.encode("utf-8", "replace").decode())):
        for found in (plain_credentials(text), login_credentials(text, other)):
            assert found is None or isinstance(found, Credentials)


def test_a_token_is_no_word_of_credentials_shown() -> None:
    found = plain_credentials(plainly("fct_secret"))
    assert found == Credentials(SHOP, b"fct_secret")
    assert "secret" not in repr(found)


def test_who_guesses_is_not_heard_for_a_while(desk: Desk, token: str) -> None:
    with desk.secure_client() as early:
        early.ehlo()
        for _ in range(MOST_FAILURES):
            with desk.secure_client() as client:
                client.ehlo()
                assert code_of(client, "fct_guess") == 535
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            desk.secure_client()
        assert refused.value.smtp_code == 421
        assert code_of(early, token) == 421


def test_one_connection_guesses_three_times(desk: Desk) -> None:
    with desk.secure_client() as client:
        client.ehlo()
        assert [code_of(client, "fct_guess") for _ in range(3)] == [535, 535, 421]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_a_wrong_token_is_answered_late(files: tuple[Path, Path], token: str) -> None:
    with (
        running(Desk(files, failed_after_s=0.6)) as slow,
        slow.secure_client() as client,
    ):
        client.ehlo()
        began = time.monotonic()
        assert code_of(client, "fct_wrong") == 535
        assert time.monotonic() - began >= 0.5


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_a_bare_line_end_is_refused(desk: Desk, token: str, end: bytes) -> None:
    smuggled = LETTER + b"x" + end + b"." + end + b"MAIL FROM:<b@evil.example>\r\n.\r\n"
    with desk.secure_client() as client:
        client.login(SHOP, token)
        client.mail("a@shop.example")
        client.rcpt("you@example.org")
        assert client.docmd("DATA")[0] == 354
        client.send(smuggled)
        assert client.getreply()[0] == 554
        assert client.noop()[0] == 250
    assert not Message.objects.exists()


def test_what_is_too_large_is_refused(desk: Desk, token: str) -> None:
    with desk.secure_client() as client:
        client.login(SHOP, token)
        assert client.mail("a@shop.example", ["SIZE=10485761"])[0] == 552
        client.mail("a@shop.example")
        client.rcpt("you@example.org")
        assert client.data(LETTER + b"x" * 70 + b"\r\n" + (b"y" * 78 + b"\r\n") * 131_072)[0] == 552
        send(client)
    assert Message.objects.count() == 1


def test_a_line_without_end_is_cut_off(near: Desk, token: str) -> None:
    with near.connect() as connection:
        connection.sendall(
            b"EHLO x\r\nAUTH PLAIN %s\r\nMAIL FROM:<a@shop.example>\r\n"
            b"RCPT TO:<you@example.org>\r\nDATA\r\n" % plainly(token).encode()
        )
        read_lines(connection, 14)
        with pytest.raises(OSError):  # noqa: PT011, PT012 - reset or broken pipe
            for _ in range(1000):
                connection.sendall(b"x" * 65_536)
    assert not Message.objects.exists()


def test_what_is_sent_ahead_of_tls_is_forgotten(desk: Desk, token: str) -> None:
    """CVE-2011-0411: words that another put in front are no words of ours."""
    with desk.connect() as connection:
        read_lines(connection, 1)
        connection.sendall(b"EHLO x\r\nSTARTTLS\r\nEHLO evil\r\nAUTH LOGIN\r\n" + b"NOOP\r\n" * 700)
        said = b""
        while b"220 2.0.0" not in said:
            said += connection.recv(65_536)
        with desk.trusting.wrap_socket(connection, server_hostname="127.0.0.1") as secure:
            secure.sendall(b"MAIL FROM:<a@shop.example>\r\n")
            # Neither the answers to them, nor a greeting that they gave.
            assert read_lines(secure, 1) == [b"503 Error: send HELO first"]


def test_starttls_is_forgotten_by_whom_was_known_before(near: Desk, token: str) -> None:
    with near.client() as client:
        client.login(SHOP, token)
        client.starttls(context=near.trusting)
        client.ehlo()
        assert client.mail("a@shop.example")[0] == 530
        assert client.docmd("STARTTLS")[0] == 503


def test_who_speaks_no_tls_is_let_go(desk: Desk) -> None:
    for port in (desk.tls_port, desk.port):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"EHLO x\r\nSTARTTLS\r\n")
            if port == desk.port:
                while b"220 2.0.0" not in connection.recv(65_536):
                    pass
                connection.sendall(b"EHLO in the clear\r\n")
            assert_ends(connection)
    with desk.secure_client() as client:
        assert client.noop()[0] == 250


def assert_ends(connection: socket.socket) -> None:
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return


def test_who_says_nothing_is_let_go(files: tuple[Path, Path], shop: HostingAccount) -> None:
    """Neither silence nor single letters, NOOPs or a TLS that never begins keep a place."""
    with running(Desk(files, idle_s=1.0)) as hasty:
        began = time.monotonic()
        silent, dripping, busy = (hasty.connect() for _ in range(3))
        unready = socket.create_connection(("127.0.0.1", hasty.tls_port), timeout=20)
        with pytest.raises(ConnectionError):  # noqa: PT012 - the first that notices
            while time.monotonic() < began + 10:
                dripping.sendall(b"N")
                busy.sendall(b"NOOP\r\n")
                time.sleep(0.1)
        for connection in (silent, dripping, busy, unready):
            assert_ends(connection)
            connection.close()
        assert time.monotonic() - began < 8


def test_who_is_known_is_let_go_when_idle(files: tuple[Path, Path], token: str) -> None:
    with running(Desk(files, idle_s=1.0)) as hasty, hasty.secure_client() as client:
        client.login(SHOP, token)
        for _ in range(3):
            time.sleep(0.5)
            send(client)
        time.sleep(1.5)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
    assert Message.objects.count() == 3


def test_one_source_has_so_many_connections(desk: Desk) -> None:
    held = [desk.connect() for _ in range(MOST_BY_SOURCE - 1)]
    held.append(socket.create_connection(("127.0.0.1", desk.tls_port), timeout=20))
    for connection in held[:-1]:
        assert read_lines(connection, 1)[0].startswith(b"220 ")
    with desk.connect() as connection:
        assert read_lines(connection, 2)[0].startswith(b"421 ")
    for connection in held:
        connection.close()
    eventually(lambda: is_heard(desk), 10)


def is_heard(desk: Desk) -> bool:
    with desk.connect() as connection:
        return read_lines(connection, 1)[0].startswith(b"220 ")


def test_unknown_words_end_it_and_are_not_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with desk.client() as client:
        codes = [client.docmd("Zm9vYmFy")[0] for _ in range(MOST_UNKNOWN)]
    assert codes == [500] * (MOST_UNKNOWN - 1) + [421]
    assert "zm9vymfy" not in caplog.text.lower()


def test_quotas_hold(desk: Desk, token: str, shop: HostingAccount, now: datetime) -> None:
    accounts.change(shop.pk, hourly_quota=2)
    with desk.secure_client() as client:
        client.login(SHOP, token)
        for _ in range(3):
            send(client)
    reasons = Recipient.objects.order_by("pk").values_list("hold_reason", flat=True)
    assert list(reasons) == ["", "", "overflow"]


def test_a_stop_answers_what_is_under_way(desk: Desk, token: str) -> None:
    with desk.secure_client() as client:
        client.login(SHOP, token)
        client.mail("a@shop.example")
        client.rcpt("you@example.org")
        client.docmd("DATA")
        client.send(LETTER)
        desk_stops = time.monotonic()
        stopping = threading.Thread(target=desk.stop)
        stopping.start()
        time.sleep(0.5)
        client.send(b".\r\n")
        assert client.getreply()[0] == 250
        stopping.join(10)
        assert time.monotonic() - desk_stops < 5
    assert Message.objects.count() == 1


def test_a_stop_waits_for_nobody_who_has_not_begun(desk: Desk) -> None:
    unready = [
        socket.create_connection(("127.0.0.1", port), timeout=20)
        for port in (desk.tls_port, desk.port, desk.port)
    ]
    for connection in unready[1:]:
        read_lines(connection, 1)
    unready[2].sendall(b"EHLO x\r\nSTARTTLS\r\n")
    while b"220 2.0.0" not in unready[2].recv(65_536):
        pass
    began = time.monotonic()
    desk.stop()
    assert time.monotonic() - began < 3
    for connection in unready:
        assert_ends(connection)
        connection.close()


def test_what_an_account_is_sending_takes_no_room_from_others(
    desk: Desk, token: str, shop: HostingAccount, now: datetime
) -> None:
    """However many tokens it has: who begins much and ends nothing stops only its own."""
    blog = accounts.create("blog.example", now)
    of_blog = tokens.make(blog.pk, "blog", "admin", now)[1]
    another = tokens.make(shop.pk, "another", "admin", now)[1]
    much = (b"x" * 70 + b"\r\n") * 130_000
    clients = []
    for number in range(4):
        client = desk.secure_client()
        client.login(SHOP, another if number % 2 else token)
        client.mail("a@shop.example")
        client.rcpt("you@example.org")
        assert client.docmd("DATA")[0] == 354
        client.send(much)
        clients.append(client)
    client.send(b".\r\n")
    assert client.getreply()[0] == 451
    with desk.secure_client() as client:
        client.login("blog.example", of_blog)
        send(client)
    for client in clients:
        client.close()
    assert Message.objects.get().account == blog
