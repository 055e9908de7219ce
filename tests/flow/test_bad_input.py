"""What cannot be sent is refused at once: an exit status, one line on stderr, nothing kept."""

import os
import subprocess
from collections.abc import Sequence

import pytest

from tests.support import php
from tests.support.house import ACCOUNT, House, house
from tests.support.php import FAILURE, SUCCESS, guide_script
from tests.support.remote import Remote
from tests.support.waiting import eventually

MESSAGE = b"To: you@example.org\nSubject: Test\n\nHello\n"
LIMIT = 10_485_760
USAGE, DATA, NO_USER = 64, 65, 67
# A user number that no account has here.
STRANGER = 54_321


def sendmail(
    home: House, arguments: Sequence[str | bytes], message: bytes
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [home.sendmail, *arguments],
        input=message,
        capture_output=True,
        timeout=60,
        check=False,
    )


def assert_refused(
    home: House, result: "subprocess.CompletedProcess[bytes]", status: int, accepted: int
) -> None:
    assert (result.returncode, result.stdout) == (status, b"")
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert b"Traceback" not in result.stderr
    assert home.total("accepted") == accepted


@pytest.fixture
def accepted(home: House) -> int:
    """What the account had accepted before the test."""
    return home.total("accepted")


def test_over_ten_megabytes_is_refused_whole(home: House, accepted: int) -> None:
    line = b"x" * 70 + b"\r\n"
    message = MESSAGE + line * (LIMIT // len(line) + 1)
    assert_refused(home, sendmail(home, ["-t", "-i"], message), DATA, accepted)


def test_over_ten_megabytes_php_hears_false(home: House, accepted: int) -> None:
    content = f'str_repeat(str_repeat("x", 70) . "\\n", {LIMIT // 72 + 1})'
    result = home.php(guide_script("you@example.org", content=content))
    assert result.stdout == FAILURE
    assert home.total("accepted") == accepted


def test_just_under_ten_megabytes_is_taken(home: House, mx: Remote) -> None:
    line = b"x" * 70 + b"\n"
    message = MESSAGE.replace(b"you@", b"large@") + line * ((LIMIT - 2000) // (len(line) + 1))
    result = sendmail(home, ["-t", "-i"], message)
    assert (result.returncode, result.stderr) == (0, b"")
    eventually(lambda: [m for m in mx.messages if m.recipients == ["large@example.org"]], 30)


def test_no_recipients(home: House, accepted: int) -> None:
    nobody = MESSAGE.replace(b"To: you@example.org\n", b"")
    assert_refused(home, sendmail(home, ["-t", "-i"], nobody), USAGE, accepted)
    assert_refused(home, sendmail(home, [], MESSAGE), USAGE, accepted)


def test_nul_in_the_message(home: House, accepted: int) -> None:
    result = sendmail(home, ["-t", "-i"], MESSAGE + b"\0\n")
    assert_refused(home, result, DATA, accepted)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_a_line_end_in_the_envelope(home: House, accepted: int, end: str) -> None:
    sender = f"me@example.org>{end}RCPT TO:<victim@example.org"
    assert_refused(home, sendmail(home, ["-t", "-i", "-f", sender], MESSAGE), DATA, accepted)
    recipient = f"you@example.org{end}victim@example.org"
    assert_refused(home, sendmail(home, ["-i", "--", recipient], MESSAGE), DATA, accepted)


def test_a_user_without_an_account() -> None:
    with house(has_account=False) as new:
        # The account is somebody else's, whoever runs the tests.
        new.create_account(ACCOUNT, os.getuid() + 1)
        new.start()
        result = sendmail(new, ["-t", "-i"], MESSAGE)
        assert_refused(new, result, NO_USER, accepted=0)
        assert new.php(guide_script("you@example.org")).stdout == FAILURE


@pytest.mark.skipif(os.geteuid() != 0, reason="to change the user takes root")
def test_mail_belongs_to_the_account_of_the_user_whose_script_it_was(home: House) -> None:
    home.create_account("another.example", STRANGER)
    user = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
    # The tests' Python may stand in a home that others cannot enter; Debian's does not.
    command = home.scripts / "sendmail"
    _, _, rest = home.sendmail.read_text().partition("\n")
    command.write_text(f"#!/usr/bin/python3 -IS\n{rest}")
    command.chmod(0o755)
    mine = home.total("accepted")
    result = php.run(guide_script("you@example.org"), command, home.scripts, user=user)
    assert (result.stdout, result.stderr) == (SUCCESS, "")
    assert home.total("accepted", "another.example") == 1
    assert home.total("accepted") == mine
