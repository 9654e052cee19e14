"""Where a model comes from: notebook, person, commit. None of it is part of the digest."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from mlkraken_client._version import __version__

__all__ = ["provenance"]

_GIT_S = 2.0


def provenance() -> dict[str, Any]:
    """Return what can be known of the place a model is packed in."""
    notebook = _notebook()
    folder = Path(notebook).parent if notebook else Path.cwd()
    known = {
        "packed_at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "packed_by": _user(),
        "host": platform.node(),
        "interpreter": sys.executable,
        "mlkraken": __version__,
        "notebook": notebook,
        "kernel": _kernel(),
        "git": _git(folder),
    }
    return {key: value for key, value in known.items() if value}


def _notebook() -> str:
    """The notebook's path as Jupyter (by its session's name) or VS Code tells it."""
    named = os.environ.get("JPY_SESSION_NAME", "")
    if named:
        return named
    shell = _shell()
    return str(shell.user_ns.get("__vsc_ipynb_file__", "")) if shell is not None else ""


def _kernel() -> str:
    shell = _shell()
    kernel = getattr(shell, "kernel", None)
    return f"{kernel.implementation} {kernel.implementation_version}" if kernel is not None else ""


def _shell() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def _user() -> str:
    try:
        return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return str(os.getuid())


def _git(folder: Path) -> dict[str, Any]:
    """The commit a notebook's folder is at, and whether anything differs from it."""
    head = _run_git(folder, "rev-parse", "HEAD")
    if not head:
        return {}
    status = _run_git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": head, "dirty": bool(status)}


def _run_git(folder: Path, *arguments: str) -> str:
    if not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return ""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
