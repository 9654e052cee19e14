"""``python -m mlkraken_backend``: run the embedded backend in the foreground."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from mlkraken_backend.embedded import run
from mlkraken_backend.settings import Settings, default_home


def _settings() -> Settings:
    parser = argparse.ArgumentParser(prog="python -m mlkraken_backend", description=__doc__)
    parser.add_argument("--home", type=Path, help="folder to keep everything in")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (0: any)")
    parser.add_argument("--until", type=int, metavar="PID", help="end when this process ends")
    parser.add_argument("--ready-fd", type=int, help="descriptor to report on")
    parser.add_argument("--new-database", action="store_true", help="begin with an empty database")
    options = parser.parse_args()
    return Settings(
        home=(options.home or default_home(os.environ)).expanduser().absolute(),
        port=options.port,
        until=options.until,
        ready_fd=options.ready_fd,
        new_database=options.new_database,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    sys.exit(run(_settings()))
