"""The certificate of the relay's listeners, read again when it is renewed.

Owns watching the two files. A new pair that cannot be used changes nothing: the one in use stays,
and the log says why.
"""

import asyncio
import logging
import os
import ssl

from relay import network

EVERY_S = 60.0

logger = logging.getLogger("facteur.certificate")


class Certificate:
    """A certificate and its key, as files; `context` is what listeners use, for ever the same."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises OSError, of which ssl.SSLError is one."""
        self._files = certificate, key
        # Before they are read: what changes meanwhile is read once more.
        self._seen = self._state()
        self.context = network.context(*self._files)

    async def watch(self) -> None:
        """Look each minute, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.renew()

    def renew(self) -> bool:
        """Take what is new in the files; whether there was something, and it is in use.

        Connections that have begun keep what they have. In the event loop's thread alone: OpenSSL
        does not bear a handshake that begins meanwhile.
        """
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            # On trial: a pair that does not match would spoil the context that is in use.
            # Note: files that change once more between these two lines could still do that; the
            # next look mends it.
            network.context(*self._files)
            self.context.load_cert_chain(*self._files, password="")
        except OSError as error:
            logger.error("certificate=kept file=%r error=%r", self._files[0], _reason(error))
            return False
        logger.warning("certificate=renewed file=%r", self._files[0])
        return True

    def _state(self) -> tuple[tuple[int, int, int, int] | None, ...]:
        """What changes when a file is replaced, or the link to it."""
        return tuple(_state_of(path) for path in self._files)


def _state_of(path: str) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _reason(error: OSError) -> str:
    return error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)
