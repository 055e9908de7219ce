"""Typed readers of the environment: each returns a value or refuses nonsense by name.

Owns how `FACTEUR_…` variables are read, nothing about what they mean; `settings` does that.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# Names of records may begin with "_".
_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}")


class Environment:
    """Reads variables that begin with `prefix`; a secret may stand in a file named by `…_FILE`."""

    def __init__(self, variables: Mapping[str, str] = os.environ, prefix: str = "FACTEUR_") -> None:
        self._variables = variables
        self._prefix = prefix

    def text(self, name: str, default: str = "") -> str:
        """The value with outer blanks removed, or `default` when it is unset or empty."""
        return self._variables.get(self._prefix + name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """Like `text`, or the content of the file that `<name>_FILE` names.

        Raises ImproperlyConfigured if both are set or the file cannot be read.
        """
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name, default)
        if self.text(name):
            raise self._refuse(name, f"is set beside {self._prefix}{name}_FILE; keep one of them")
        try:
            return Path(path).read_text(encoding="utf-8").strip() or default
        except (OSError, UnicodeDecodeError) as error:
            raise self._refuse(f"{name}_FILE", f"cannot be read: {error}") from error

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """One of `allowed`. Raises ImproperlyConfigured otherwise."""
        value = self.text(name, default)
        if value not in allowed:
            raise self._refuse(name, f"is {value!r}; it must be one of {', '.join(allowed)}")
        return value

    def integer(self, name: str, default: int, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
        """A whole number. Raises ImproperlyConfigured if it is none, or out of bounds."""
        value = self.text(name, str(default))
        try:
            number = int(value)
        except ValueError as error:
            raise self._refuse(name, f"is {value!r}; it must be a whole number") from error
        if number < at_least:
            raise self._refuse(name, f"is {number}; it must be at least {at_least}")
        if number > at_most:
            raise self._refuse(name, f"is {number}; it must be at most {at_most}")
        return number

    def flag(self, name: str, default: bool) -> bool:
        """`1`, `yes`, `true`, `on` or `0`, `no`, `false`, `off`, in any case."""
        value = self.text(name, "yes" if default else "no").lower()
        if value in {"1", "yes", "true", "on"}:
            return True
        if value in {"0", "no", "false", "off"}:
            return False
        raise self._refuse(name, f"is {value!r}; it must be yes or no")

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Words separated by commas."""
        value = self.text(name)
        return [word.strip() for word in value.split(",") if word.strip()] or list(default)

    def networks(self, name: str, default: tuple[str, ...] = ()) -> list[IPv4Network | IPv6Network]:
        """Addresses or networks separated by commas. Raises ImproperlyConfigured for others."""
        try:
            return [ip_network(word) for word in self.words(name, default)]
        except ValueError as error:
            raise self._refuse(name, f"must hold addresses or networks: {error}") from error

    def domain(self, name: str) -> str:
        """The name of a domain, in lower case; empty when unset. Raises ImproperlyConfigured."""
        value = self.text(name).lower().removesuffix(".")
        if value and not _DOMAIN.fullmatch(value):
            raise self._refuse(name, f"is {value!r}; it must be the name of a domain")
        return value

    def domains(self, name: str) -> list[str]:
        """Names of domains separated by commas, in lower case. Raises ImproperlyConfigured."""
        values = [word.lower().removesuffix(".") for word in self.words(name)]
        for value in values:
            if not _DOMAIN.fullmatch(value):
                raise self._refuse(name, f"has {value!r}; it must hold names of domains")
        return list(dict.fromkeys(values))

    def host(self, name: str, default: str) -> str:
        """The name of a machine, with or without dots; what the machine says itself is believed.

        Raises ImproperlyConfigured for what no server would take in EHLO (RFC 5321 §4.1.1.1).
        """
        value = self.text(name)
        if value and not re.fullmatch(
            r"(?=.{1,253}\Z)([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}", value
        ):
            raise self._refuse(name, f"is {value!r}; it must be the name of a machine")
        return value or default

    def address(self, name: str, default: str) -> tuple[str, int] | None:
        """`host:port`, the host of an IPv6 address in brackets; None when empty.

        Raises ImproperlyConfigured if it is neither.
        """
        value = self.text(name, default)
        return self._address(name, value) if value else None

    def listeners(self, name: str) -> list[tuple[str, int, bool]]:
        """`host:port` and `tls://host:port`, separated by commas; the latter are True.

        Raises ImproperlyConfigured for others.
        """
        found = []
        for word in self.words(name):
            plain = word.removeprefix("tls://")
            found.append((*self._address(name, plain), plain != word))
        return found

    def needed_address(self, name: str, default: str) -> tuple[str, int]:
        """Like `address`, of which there must be one."""
        return self._address(name, self.text(name, default))

    def _address(self, name: str, value: str) -> tuple[str, int]:
        host, colon, port = value.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not port.isascii() or not port.isdigit():
            raise self._refuse(name, f"is {value!r}; it must be host:port")
        if not 0 < int(port) < 65536:
            raise self._refuse(name, f"is {value!r}; a port lies between 1 and 65535")
        return host, int(port)

    def _refuse(self, name: str, why: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"{self._prefix}{name} {why}.")
