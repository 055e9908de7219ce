"""What all measures share: where they run, how often, and the houses and the Postfix beside them.

A measure is an asynchronous function of a `Stage`; it notes its figures there. Ours and Postfix's
take turns within each round, so that what else the machine does meets both.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Figures
from bench.house import House
from bench.postfix import Postfix, why_not


@dataclass(slots=True)
class Stage:
    """One run of the bench. `databases` are the makers of an empty one, by the name of its kind."""

    folder: Path
    rounds: int
    # What a full run takes is multiplied with it.
    share: float
    databases: Mapping[str, Callable[[], str]]
    figures: Figures = field(default_factory=Figures)

    def new_folder(self) -> Path:
        """An empty folder, open to Postfix's own user."""
        path = Path(tempfile.mkdtemp(dir=self.folder))
        path.chmod(0o755)
        return path

    def mails(self, number: int) -> int:
        """So many mails in a full run; fewer in a quick one."""
        return max(20, int(number * self.share))

    def houses(self, **settings: str) -> dict[str, House]:
        """A new house on each kind of database."""
        return {
            kind: House(self.new_folder(), make(), **settings)
            for kind, make in self.databases.items()
        }

    def postfix(self, routes: Mapping[str, tuple[str, int]] | None = None) -> Postfix | None:
        """A new Postfix; None if there can be none here."""
        return None if why_not() else Postfix(self.new_folder(), routes or {})

    def each_round(self) -> Iterable[int]:
        """The numbers of the rounds; says which one begins."""
        for number in range(1, self.rounds + 1):
            print(f" Round {number} of {self.rounds}", flush=True)
            yield number

    def clear(self) -> None:
        """Take away what a measure left on the disk."""
        for path in self.folder.iterdir():
            shutil.rmtree(path, ignore_errors=True)
