"""Real PHP that calls mail(), as a site would."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

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


def command(path: Path, sendmail: Path) -> list[str]:
    """How to run a PHP file, with no setting of the machine but our own."""
    settings = {
        "sendmail_path": f"{sendmail} -t -i",
        "mail.add_x_header": "1",
        "display_errors": "stderr",
    }
    options = [word for name, value in settings.items() for word in ("-d", f"{name}={value}")]
    return ["php", "-n", *options, str(path)]
