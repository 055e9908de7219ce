"""Writes the sendmail command to its place, with the interpreter and the paths in it.

The interpreter is named by its real path: the one of a virtual environment is a link, and one of
pyenv a shell script that costs 74 ms and lies where other users cannot go.
"""

import os
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("sendmail")
# The kernel reads no more of the first line (BINPRM_BUF_SIZE was 128 up to Linux 5.0).
LONGEST_SHEBANG = 127


def script(interpreter: str, relay: Path, maildrop: Path) -> str:
    """The command as it is to be written. Raises ValueError if a path cannot stand in it."""
    for path in (interpreter, str(relay), str(maildrop)):
        if any(sign in path for sign in "\n\r\0'"):
            raise ValueError(f"{path!r} cannot stand in a script")
    _, _, text = SOURCE.read_text(encoding="utf-8").partition("\n")
    text = text.replace('"@RELAY@"', ascii(str(relay)))
    text = text.replace('"@MAILDROP@"', ascii(str(maildrop)))
    return _first_lines(interpreter) + text


def install(path: Path, relay: Path, maildrop: Path) -> None:
    """Write the command to `path`, mode 0755, in one step.

    Raises OSError if that cannot be done, ValueError if a path cannot stand in it.
    """
    text = script(os.path.realpath(sys.executable), relay, maildrop)
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
    line = f"#!{interpreter} -IS\n"
    if " " not in interpreter and "\t" not in interpreter and len(line) <= LONGEST_SHEBANG:
        return line
    # To the shell it is a command; to Python, a string.
    return f"#!/bin/sh\n''''exec '{interpreter}' -IS \"$0\" \"$@\" #'''\n"
