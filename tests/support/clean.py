"""Runs a Python program of ours on an empty data folder, which is gone afterwards.

python -m tests.support.clean manage.py makemigrations --check --dry-run
"""

import os
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ft-") as folder:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("FACTEUR_")
        }
        environment["FACTEUR_DATA_DIR"] = folder
        raise SystemExit(subprocess.call([sys.executable, *sys.argv[1:]], env=environment))
