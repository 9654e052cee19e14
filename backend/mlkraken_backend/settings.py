"""What one embedded backend is told at its start."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

__all__ = ["Settings", "default_home", "os_user"]


class Settings(msgspec.Struct, frozen=True):
    """Settings of an embedded backend.

    Parameters
    ----------
    home
        Folder that holds everything it keeps.
    port
        Port to listen on; 0 takes the one it had last time, or any.
    until
        Pid of the process with which the backend and its services end; None to stay.
    ready_fd
        Where to write one line of JSON once it answers, or why it does not.
    new_database
        Begin with an empty database although an old one was moved aside.
    """

    home: Path
    port: int = 0
    until: int | None = None
    ready_fd: int | None = None
    new_database: bool = False


def default_home(environment: Mapping[str, str]) -> Path:
    """Return ``MLKRAKEN_HOME``, or the platform's folder for a user's data."""
    named = environment.get("MLKRAKEN_HOME")
    return Path(named).expanduser() if named else Path(platformdirs.user_data_dir("mlkraken"))


def os_user(environment: Mapping[str, str]) -> str:
    """Return who owns the home: the person on a hub, else the account."""
    return environment.get("JUPYTERHUB_USER") or _account()


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return str(os.getuid())
