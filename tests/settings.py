"""Settings of the tests: those of the house, on a data folder and a database of their own.

`FACTEUR_DATABASE_URL` alone is taken from outside, so that the same tests run on PostgreSQL; other
`FACTEUR_…` variables of the developer are none of the tests' business. Programs that a test starts
inherit the environment, and so meet the same folder and the same database.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("FACTEUR_")]:
    if _name != "FACTEUR_DATABASE_URL":
        del os.environ[_name]

# Short, for paths of Unix sockets end at 107 bytes; open, for scripts of other users call from it.
_folder = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
_folder.chmod(0o711)
_owner = os.getpid()


@atexit.register
def _remove_folder() -> None:
    # A child that a test forked ends by the same way; the folder is not its own.
    if os.getpid() == _owner:
        shutil.rmtree(_folder, ignore_errors=True)


# Limits are what some tests are about, and in the way of the others.
for _name in ("HOURLY_QUOTA", "DAILY_QUOTA", "ERROR_LIMIT", "BOUNCE_PERCENT"):
    os.environ[f"FACTEUR_{_name}"] = "0"
os.environ["FACTEUR_DATA_DIR"] = str(_folder / "data")
os.environ["DJANGO_SETTINGS_MODULE"] = "panel.settings"

from panel.settings import *  # noqa: E402, F403
from panel.settings import DATABASES  # noqa: E402

# A file, or a database of the cluster, under the name that the settings give it: memory could not
# be shared with the programs that tests start.
DATABASES["default"]["TEST"] = {"NAME": str(DATABASES["default"]["NAME"])}

# Logging in is not what most tests are about; the true hasher takes 0.2 s each time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Nobody answers there: a test that asks DNS says whom.
RESOLVERS = [("127.0.0.1", 9)]
