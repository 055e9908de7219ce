"""sendmail's options, as the programs of thirty years use them. Pure; on bytes.

The command itself (`sendmail`, beside this file) reads them in the same way, as far as it must know
whether there is a message on its stdin.

Owns what an argument means; nothing is opened, read or run because of one. `-X`, `-C` and `-be`
have been used to break in elsewhere: here the first two are ignored, the third is no mode.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

# Options that take a value, joined or as the next argument.
VALUED = b"ABCDFLNMORVXbefhopr"
# Options whose value, if any, is joined: -q30m, -d8.1.
JOINED = b"qIdQ"
# Options that stand for themselves.
PLAIN = b"GUcimnstvx"
# The long ways to say -i.
IGNORING_DOTS = {b"oi", b"Oignoredots", b"Oignoredots=true", b"Oignoredots=yes"}


class Mode(StrEnum):
    """What the caller wants done."""

    DELIVER = "deliver"
    LIST_QUEUE = "list queue"  # -bp, mailq
    RUN_QUEUE = "run queue"  # -q, -I: nothing to do, unless there are recipients too
    NOTHING = "nothing"  # -bi, -bv, -bd: answered, and nothing done


@dataclass(slots=True)
class Options:
    """What the arguments ask for. `sender` and `token` are None where none was given.

    The null sender is empty.
    """

    mode: Mode = Mode.DELIVER
    reads_recipients: bool = False
    ignores_dots: bool = False
    sender: bytes | None = None
    full_name: bytes = b""
    # Secret: whoever shows or keeps it shows or keeps its digest.
    token: bytes | None = field(default=None, repr=False)
    recipients: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Misuse:
    """Why the arguments cannot be understood: exit 64 (EX_USAGE)."""

    text: str
    token: bytes | None = field(default=None, repr=False)


def parse(arguments: Sequence[bytes]) -> Options | Misuse:
    """The options in the arguments after the program's name.

    Options may stand after recipients, as with GNU's getopt; after `--` all are recipients. The
    first token counts: what a script adds comes after what the administrator wrote.
    """
    options = Options()
    words = iter(arguments)
    for word in words:
        if word == b"--":
            options.recipients += words
        elif word.startswith(b"--token="):
            if options.token is None:
                options.token = word.removeprefix(b"--token=")
        elif word.startswith(b"-") and len(word) > 1:
            misuse = _read(word, words, options)
            if misuse is not None:
                return Misuse(misuse, options.token)
        else:
            options.recipients.append(word)
    if options.mode is Mode.RUN_QUEUE and (options.reads_recipients or options.recipients):
        # There is a message: dropping it with exit 0 would lose it.
        options.mode = Mode.DELIVER
    return options


def _read(word: bytes, following: Iterator[bytes], options: Options) -> str | None:
    """Read one argument, which may join several options: `-ti`, `-tfsender`; say what is wrong."""
    for place in range(1, len(word)):
        letter = word[place : place + 1]
        if letter in VALUED:
            value = word[place + 1 :] or next(following, None)
            if value is None:
                return f"option -{letter.decode('ascii')} needs a value"
            return _apply(letter, value, options)
        if letter in JOINED:
            if letter in b"qI" and options.mode is Mode.DELIVER:
                options.mode = Mode.RUN_QUEUE
            return None
        if letter not in PLAIN:
            return f"unknown option {_name(word).decode('utf-8', 'replace')}"
        if letter == b"t":
            options.reads_recipients = True
        elif letter == b"i":
            options.ignores_dots = True
    return None


def _name(word: bytes) -> bytes:
    """What may be said of an unknown option: of a long one no value, for it may be a secret."""
    is_long = word.startswith(b"--")
    return re.split(rb"[^a-z-]", word, maxsplit=1)[0][:64] if is_long else word[:64]


def _apply(letter: bytes, value: bytes, options: Options) -> str | None:
    if letter in b"fr":
        options.sender = value.strip(b" \t")
    elif letter == b"F":
        options.full_name = value
    elif letter + value.lower().replace(b" ", b"") in IGNORING_DOTS:
        options.ignores_dots = True
    elif letter == b"b":
        return _choose(value, options)
    return None


def _choose(value: bytes, options: Options) -> str | None:
    if value == b"m":
        options.mode = Mode.DELIVER
    elif value == b"p":
        options.mode = Mode.LIST_QUEUE
    elif value in {b"i", b"v", b"d", b"D"}:
        options.mode = Mode.NOTHING
    else:
        return f"unknown mode -b{value[:16].decode('utf-8', 'replace')}"
    return None
