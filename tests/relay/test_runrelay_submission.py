"""The relay as a process that listens on the network."""

import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.house import ROOT, House, free_port, house, is_listening
from tests.support.submitting import certificate
from tests.support.waiting import eventually

MAKE = """
from django.utils import timezone
from mailqueue import accounts, tokens
account = accounts.create("shop.example", timezone.now())
print(tokens.make(account.pk, "container", "admin", timezone.now())[1])
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def home(files: tuple[Path, Path]) -> Iterator[House]:
    with house(
        hostname="house.test",
        submission_listen=f"tls://127.0.0.1:{free_port()}",
        submission_certificate=str(files[0]),
        submission_key=str(files[1]),
    ) as new:
        yield new


def test_a_script_sends_by_smtp_as_phpmailer_does(home: House, files: tuple[Path, Path]) -> None:
    token = home.manage("shell", "--no-imports", "-c", MAKE).stdout.split()[-1]
    port = int(home.environment["FACTEUR_SUBMISSION_LISTEN"].rpartition(":")[2])
    process = subprocess.Popen(
        [sys.executable, "manage.py", "runrelay"],
        cwd=ROOT,
        env=home.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        trusting = ssl.create_default_context(cafile=str(files[0]))
        letter = EmailMessage()
        letter["From"], letter["To"] = "Boutique <a@shop.example>", "claire@example.org"
        letter["Subject"] = "Commande nº 12"
        letter.set_content("Merci.")
        eventually(lambda: is_listening(port), 30)
        with smtplib.SMTP_SSL("127.0.0.1", port, timeout=20, context=trusting) as client:
            client.login("shop.example", token)
            client.send_message(letter)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "origin=smtp" in errors
    assert token not in errors
    assert "claire@example.org" in home.manage("showqueue", "shop.example").stdout


def test_it_does_not_start_with_a_certificate_that_is_none(
    home: House, files: tuple[Path, Path]
) -> None:
    for wrong in (files[0], files[1].with_name("missing")):
        environment = {**home.environment, "FACTEUR_SUBMISSION_KEY": str(wrong)}
        ended = subprocess.run(
            [sys.executable, "manage.py", "runrelay"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1
        assert "FACTEUR_SUBMISSION_CERTIFICATE and FACTEUR_SUBMISSION_KEY" in ended.stderr
        assert f"its key ({files[0]} and {wrong})" in ended.stderr
        assert "Traceback" not in ended.stderr
