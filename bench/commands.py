"""The sendmail command and PHP's mail() through it, beside Postfix's sendmail.

Postfix's command has written the mail to its maildrop when it returns; ours has had the relay's 250
after the commit. Postfix's pickup and cleanup work on what it wrote while it is measured, as they
would on a server.
"""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.figures import POSTFIX, Row
from bench.load import message_of
from bench.stage import Stage

ALONE = Row("sendmail command, alone", "ms", 2, "≤ 0.95")
TOGETHER = Row("sendmail command, 8 in parallel", "ms", 2)
PHP = Row("mails from one PHP process", "mails/s", 0, "≥ 1.2")
PARALLEL = 8
_LOOP = r"""<?php
$body = str_repeat("Bonjour, nous avons bien recu votre commande.\n", 80);
$began = hrtime(true);
for ($i = 0; $i < %d; $i++)
    if (!mail("client@example.org", "Votre commande $i", $body, "From: site@boutique.example"))
        exit(1);
echo (hrtime(true) - $began) / 1e9;
"""


async def measure(stage: Stage) -> None:
    """Call the commands, alone and at once, and from PHP."""
    houses = stage.houses()
    postfix = stage.postfix()
    folder = stage.new_folder()
    message, script = folder / "message", folder / "loop.php"
    message.write_bytes(message_of(4000).replace(b"\r\n", b"\n"))
    php_mails = stage.mails(200)
    script.write_text(_LOOP % php_mails, encoding="ascii")
    with ExitStack() as stack:
        commands: dict[str, Sequence[str]] = {}
        for kind, house in houses.items():
            stack.enter_context(house.accepting())
            commands[kind] = (str(house.sendmail),)
        if postfix is not None:
            stack.enter_context(postfix.accepting())
            commands[POSTFIX] = postfix.sendmail
        for _ in stage.each_round():
            for side, command in commands.items():
                calls = stage.mails(60)
                alone = await asyncio.to_thread(_calls, command, message, calls, 1)
                stage.figures.note(ALONE, side, alone)
            for side, command in commands.items():
                calls = stage.mails(160)
                together = await asyncio.to_thread(_calls, command, message, calls, PARALLEL)
                stage.figures.note(TOGETHER, side, together)
            if (php := shutil.which("php")) is None:
                continue
            for side, command in commands.items():
                elapsed = await asyncio.to_thread(_php, php, command, script)
                stage.figures.note(PHP, side, php_mails / elapsed)


def _calls(command: Sequence[str], message: Path, number: int, at_once: int) -> float:
    """The median of what a call takes, in milliseconds."""
    words = [*command, "-i", "-f", "site@boutique.example", "client@example.org"]

    def call(_: int) -> float:
        stdin = os.open(message, os.O_RDONLY)
        try:
            began = time.perf_counter()
            # As cheap as a process can be started from here.
            pid = os.posix_spawn(
                words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, stdin, 0)]
            )
            _, status = os.waitpid(pid, 0)
            took = time.perf_counter() - began
        finally:
            os.close(stdin)
        if status:
            raise RuntimeError(f"{words[0]} ended with {os.waitstatus_to_exitcode(status)}")
        return took

    with ThreadPoolExecutor(at_once) as pool:
        return 1000 * median(pool.map(call, range(number)))


def _php(php: str, command: Sequence[str], script: Path) -> float:
    """The seconds that all mails of the script took."""
    path = " ".join([*command, "-t", "-i"])
    result = subprocess.run(  # noqa: S603
        [php, "-n", "-d", f"sendmail_path={path}", str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"mail() was false: {result.stdout}{result.stderr}")
    return float(result.stdout)
