"""Where the backend is: an argument, the environment, the configuration, or this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlkraken_client._errors import ConfigurationError

__all__ = ["Target", "config_path", "default_home", "locate"]

EMBEDDED = "embedded"


@dataclass(frozen=True)
class Target:
    """A backend to talk to: a URL with a token, or a home whose backend is started on demand."""

    url: str = ""
    token: str = ""
    home: Path | None = None


def locate(
    backend: str | None,
    *,
    token: str | None = None,
    home: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Target:
    """Return what ``Kraken(backend)`` talks to.

    The first that says something wins: the argument; ``MLKRAKEN_URL`` (which a Jupyter server
    with a team backend sets for its kernels); the configuration file; the embedded backend of
    this account, in ``MLKRAKEN_HOME`` or the platform's folder for a user's data.

    Parameters
    ----------
    backend
        ``"embedded"``, a URL, the name of a backend in the configuration file, or None.
    token
        Token for a URL; otherwise ``MLKRAKEN_TOKEN`` or ``MLKRAKEN_TOKEN_FILE``.
    home
        Home of the embedded backend.

    Raises
    ------
    ConfigurationError
        ``backend_unknown``, ``token_unconfigured`` or ``config_invalid``.
    """
    if home is not None or backend == EMBEDDED:
        return _embedded(home, environment)
    config = _config(environment)
    chosen = backend or environment.get("MLKRAKEN_URL") or config.get("backend") or EMBEDDED
    if chosen == EMBEDDED:
        return _embedded(config.get("home"), environment)
    if "://" in chosen:
        return Target(chosen.rstrip("/"), _token(chosen, token, config, environment))
    named = config.get("backends", {}).get(chosen)
    if not isinstance(named, Mapping) or "url" not in named:
        raise ConfigurationError(
            "backend_unknown",
            f"There is no backend named {chosen!r}.",
            f'Say "embedded" or a URL, or name it in {config_path(environment)}: '
            f'{{"backends": {{"{chosen}": {{"url": "https://...", "token_file": "..."}}}}}}',
        )
    return Target(named["url"].rstrip("/"), _token(named["url"], token, named, environment))


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the embedded backend's home."""
    named = environment.get("MLKRAKEN_HOME")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("mlkraken"))


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration file: ``MLKRAKEN_CONFIG``, else the platform's place for it."""
    named = environment.get("MLKRAKEN_CONFIG")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("mlkraken")) / "config.json"


def _embedded(home: Any, environment: Mapping[str, str]) -> Target:
    if home is None:
        return Target(home=default_home(environment))
    return Target(home=Path(os.fspath(home)).expanduser().absolute())


def _config(environment: Mapping[str, str]) -> dict[str, Any]:
    path = config_path(environment)
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "config_invalid", f"{path} cannot be read: {error}.", "Mend or remove the file."
        ) from error
    if not isinstance(config, dict):
        raise ConfigurationError(
            "config_invalid", f"{path} does not hold a JSON object.", "Mend or remove the file."
        )
    return config


def _token(
    url: str, given: str | None, config: Mapping[str, Any], environment: Mapping[str, str]
) -> str:
    token = given or environment.get("MLKRAKEN_TOKEN")
    file = environment.get("MLKRAKEN_TOKEN_FILE") or config.get("token_file")
    if not token and file:
        try:
            token = Path(file).expanduser().read_text("utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                "token_unconfigured",
                f"The token file {file} cannot be read: {error.strerror}.",
                "Write the token into it, readable by you only.",
            ) from error
    if not token:
        raise ConfigurationError(
            "token_unconfigured",
            f"There is no token for {url}.",
            "Set MLKRAKEN_TOKEN_FILE (or MLKRAKEN_TOKEN) to one made by `mlkraken token create`.",
        )
    return token
