"""Writes the sendmail command to its place, with the interpreter and the paths in it.

The interpreter is named by its real path: the one of a virtual environment is a link, and one of
pyenv a shell script that costs 74 ms. Where other users cannot reach ours (it lies in somebody's
home), the system's Python runs the command: nothing of ours is imported there.

Another mail system's command is never replaced: a word in the file tells ours.
"""

import os
import stat
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("sendmail")
MARK = b"Facteur's sendmail"
# Isolated from the environment, without site-packages; arguments are bytes whatever the locale is.
OPTIONS = "-ISXutf8"
# The kernel reads no more of the first line (BINPRM_BUF_SIZE was 128 up to Linux 5.0).
LONGEST_SHEBANG = 127
# Any Python since 3.8 will do.
SYSTEMS_OWN = ("/usr/bin/python3", "/usr/local/bin/python3")


class NotOurs(Exception):
    """Something stands there that this program did not write."""


def script(interpreter: str, relay: Path, maildrop: Path) -> str:
    """The command as it is to be written. Raises ValueError if a path cannot stand in it."""
    for path in (interpreter, str(relay), str(maildrop)):
        if any(sign in path for sign in "\n\r\0\\'"):
            raise ValueError(f"{path!r} cannot stand in a script")
    _, _, text = SOURCE.read_text(encoding="utf-8").partition("\n")
    text = text.replace('"@RELAY@"', ascii(str(relay)))
    text = text.replace('"@MAILDROP@"', ascii(str(maildrop)))
    return _first_lines(interpreter) + text


def interpreter(*candidates: str) -> str:
    """The first candidate that every user can run, by its real path; the first if there is none."""
    paths = [os.path.realpath(candidate) for candidate in candidates]
    return next(filter(_is_for_all, paths), paths[0])


def _is_for_all(path: str) -> bool:
    try:
        return all(
            os.stat(part).st_mode & stat.S_IXOTH for part in (Path(path), *Path(path).parents)
        )
    except OSError:
        return False


def install(path: Path, relay: Path, maildrop: Path) -> None:
    """Write the command to `path`, mode 0755, in one step.

    Raises OSError if that cannot be done, ValueError if a path cannot stand in it, NotOurs if
    another command stands there.
    """
    if os.path.lexists(path) and MARK not in path.read_bytes()[:4096]:
        raise NotOurs(f"{path} is another mail system's; move it away first.")
    text = script(interpreter(sys.executable, *SYSTEMS_OWN), relay, maildrop)
    draft, name = tempfile.mkstemp(prefix=".sendmail-", dir=path.parent)
    try:
        with os.fdopen(draft, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o755)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _first_lines(interpreter: str) -> str:
    """A shebang takes one word after the interpreter, no blanks in it, and is not long."""
    line = f"#!{interpreter} {OPTIONS}\n"
    if " " not in interpreter and "\t" not in interpreter and len(line) <= LONGEST_SHEBANG:
        return line
    # To the shell it is a command; to Python, a string.
    return f"#!/bin/sh\n''''exec '{interpreter}' {OPTIONS} \"$0\" \"$@\" #'''\n"
