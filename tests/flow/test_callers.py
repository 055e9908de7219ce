"""Programs that sites and servers really send with: their letter arrives as they wrote it.

All share one house; each writes to addresses of its own.
"""

import email
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import pytest

from tests.support.callers import BODY, CALLERS, CC, OVER_THE_NETWORK, SUBJECT, Call
from tests.support.house import ACCOUNT, House, free_port, house
from tests.support.remote import Received, Remote
from tests.support.submitting import certificate
from tests.support.waiting import eventually

NUMBERS = count(1)
MAKE = f"""
from django.utils import timezone
from mailqueue import tokens
from mailqueue.models import HostingAccount
account = HostingAccount.objects.get(service_name="{ACCOUNT}")
print(tokens.make(account.pk, "script", "admin", timezone.now())[1])
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def home(mx: Remote, files: tuple[Path, Path]) -> Iterator[House]:
    with house(
        smarthost=f"127.0.0.1:{mx.port}",
        submission_listen=f"tls://127.0.0.1:{free_port()}",
        submission_certificate=str(files[0]),
        submission_key=str(files[1]),
        sweep_seconds="1",
    ) as new:
        new.start()
        yield new
    print(new.output)


@pytest.fixture
def call(home: House, tmp_path: Path) -> Call:
    number = next(NUMBERS)
    return Call(home.sendmail, tmp_path, f"to-{number}@example.org", f"bcc-{number}@example.org")


def arrived(mx: Remote, call: Call) -> Received:
    """The one message to the address of this test, when it has come."""

    def look() -> list[Received]:
        return [message for message in mx.messages if call.to in message.recipients]

    (message,) = eventually(look, 20, f"mail to {call.to}")
    return message


def read(message: Received) -> EmailMessage:
    parsed = email.message_from_bytes(message.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.fixture(scope="module")
def token(home: House) -> str:
    return home.manage("shell", "--no-imports", "-c", MAKE).stdout.split()[-1]


def check(message: Received, call: Call) -> None:
    parsed = read(message)
    assert sorted(message.recipients) == sorted([call.to, CC, call.bcc])
    assert parsed["Subject"] == SUBJECT
    assert str(parsed["To"]) == call.to
    assert call.bcc.encode() not in message.content, "a blind copy is not blind"
    assert parsed.get_content().rstrip("\r\n").splitlines() == BODY.rstrip("\n").splitlines()
    names = [header.lower() for header in parsed]
    assert all(names.count(header) == 1 for header in ("from", "date", "message-id", "subject"))


@pytest.mark.parametrize("name", CALLERS)
def test_a_letter_arrives_as_it_was_written(name: str, call: Call, mx: Remote) -> None:
    result = CALLERS[name](call)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    check(arrived(mx, call), call)


@pytest.mark.parametrize("name", OVER_THE_NETWORK)
def test_a_letter_arrives_over_the_network(
    name: str, call: Call, mx: Remote, home: House, token: str, files: tuple[Path, Path]
) -> None:
    port = int(home.environment["FACTEUR_SUBMISSION_LISTEN"].rpartition(":")[2])
    result = OVER_THE_NETWORK[name](call, port, ACCOUNT, token, files[0])
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    check(arrived(mx, call), call)


def test_crons_mail_goes_to_a_login_of_this_host(call: Call, mx: Remote) -> None:
    text = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@web> run-parts\n\ndone\n"
    options = ("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root")
    result = call.run(str(call.sendmail), *options, text=text)
    assert (result.returncode, result.stderr) == (0, "")
    (message,) = eventually(lambda: [m for m in mx.messages if "root@house.test" in m.recipients])
    assert read(message)["Subject"] == "Cron <root@web> run-parts"
    assert message.content.count(b"From:") == 1


def test_what_a_form_injects_into_options_does_nothing(call: Call, mx: Remote) -> None:
    """As escapeshellcmd lets it through in the fifth parameter of mail()."""
    log, queue = call.folder / "log", call.folder / "queue"
    options = f"-X{log} -C/etc/passwd -oQ{queue} -OQueueDirectory={queue}"
    script = (
        "exit(mail($_ENV['TO'], 'Injected', 'Body', 'From: ' . $_ENV['SENDER'], '%s') ? 0 : 1);"
    )
    result = call.php(script % options)
    assert (result.returncode, result.stderr) == (0, "")
    assert arrived(mx, call).recipients == [call.to]
    assert sorted(path.name for path in call.folder.iterdir()) == ["script.php"]
