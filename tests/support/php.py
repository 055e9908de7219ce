"""Real PHP that calls mail(), as a site would."""

import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import eventually

# The test script of the guide « Scripts emails », with the addresses and words left open.
GUIDE = """<?php
$to = "{to}";
$subject = "{subject}";
$content = {content};
$headers = "From: Website <site@boutique.example>\\r\\nReply-To: site@boutique.example";

if (mail($to, $subject, $content, $headers))
echo "The email has been sent successfully!";
else
echo "Email did not leave correctly!";
?>
"""
SUCCESS = "The email has been sent successfully!"
FAILURE = "Email did not leave correctly!"


def guide_script(to: str, subject: str = "Test mail PHP", content: str = '"The body"') -> str:
    """The guide's script; `content` is an expression in PHP."""
    # The guide's lines have braces of no kind, so the three places are all there is to fill.
    return GUIDE.format(to=to, subject=subject, content=content)


def run(
    script: str,
    sendmail: Path,
    folder: Path,
    *,
    user: Sequence[str] = (),
    timeout_s: float = 120,
    name: str = "script.php",
) -> subprocess.CompletedProcess[str]:
    """Run a script of `folder`, under this name, with php.ini's `sendmail_path` set to `sendmail`.

    `user` is a command in front that changes the user, such as `setpriv --reuid=…`.
    """
    path = folder / name
    path.write_text(script, encoding="utf-8")
    path.chmod(0o644)
    return subprocess.run(
        [*user, *command(path, sendmail)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


class Site:
    """A site behind PHP's own web server, on the loopback."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def post(self, page: str, **fields: str) -> str:
        """What a page of it answers to a form."""
        form = urllib.parse.urlencode(fields).encode()
        with urllib.request.urlopen(f"{self._url}/{page}", form, timeout=60) as answer:
            return str(answer.read().decode())


@contextmanager
def serving(folder: Path, sendmail: Path, port: int) -> Iterator[Site]:
    """The site in a folder, whose mail() calls `sendmail`, while the block runs."""
    server = subprocess.Popen(
        [*_program(sendmail), "-S", f"127.0.0.1:{port}", "-t", str(folder)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _answers(port), 10, "PHP serves the site")
        yield Site(port)
    finally:
        server.terminate()
        server.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def command(path: Path, sendmail: Path) -> list[str]:
    """How to run a PHP file, with no setting of the machine but our own."""
    return [*_program(sendmail), str(path)]


def _program(sendmail: Path) -> list[str]:
    settings = {
        "sendmail_path": f"{sendmail} -t -i",
        "mail.add_x_header": "1",
        "display_errors": "stderr",
    }
    options = [word for name, value in settings.items() for word in ("-d", f"{name}={value}")]
    return ["php", "-n", *options]
