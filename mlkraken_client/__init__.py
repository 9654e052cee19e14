"""ML-Kraken: a trained model in a notebook becomes a network service in one line.

Importing this package is cheap: pandas, widgets and the network are loaded when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlkraken_client._version import __version__

if TYPE_CHECKING:
    from mlkraken_client._embedded import ensure as ensure_backend
    from mlkraken_client._errors import (
        BackendError,
        BackendUnavailable,
        ConfigurationError,
        Conflict,
        DeployFailed,
        InputRefused,
        InvalidRequest,
        KrakenError,
        ModelFailed,
        NotAuthorized,
        NotFound,
        PackError,
        QueryError,
        ServiceNotRunning,
        WaitTimeout,
    )
    from mlkraken_client._graph import ResponseTimeGraph
    from mlkraken_client._kraken import Kraken
    from mlkraken_client._locate import Target, locate
    from mlkraken_client._logs import LogLines, LogStream
    from mlkraken_client._model import Model, Version
    from mlkraken_client._models import ModelList
    from mlkraken_client._service import Service

_HOMES = {
    "_embedded": ["ensure_backend"],
    "_errors": [
        "BackendError",
        "BackendUnavailable",
        "ConfigurationError",
        "Conflict",
        "DeployFailed",
        "InputRefused",
        "InvalidRequest",
        "KrakenError",
        "ModelFailed",
        "NotAuthorized",
        "NotFound",
        "PackError",
        "QueryError",
        "ServiceNotRunning",
        "WaitTimeout",
    ],
    "_graph": ["ResponseTimeGraph"],
    "_kraken": ["Kraken"],
    "_locate": ["Target", "locate"],
    "_logs": ["LogLines", "LogStream"],
    "_models": ["ModelList"],
    "_model": ["Model", "Version"],
    "_service": ["Service"],
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_RENAMED = {"ensure_backend": "ensure"}

__all__ = [
    "BackendError",
    "BackendUnavailable",
    "ConfigurationError",
    "Conflict",
    "DeployFailed",
    "InputRefused",
    "InvalidRequest",
    "Kraken",
    "KrakenError",
    "LogLines",
    "LogStream",
    "Model",
    "ModelFailed",
    "ModelList",
    "NotAuthorized",
    "NotFound",
    "PackError",
    "QueryError",
    "ResponseTimeGraph",
    "Service",
    "ServiceNotRunning",
    "Target",
    "Version",
    "WaitTimeout",
    "__version__",
    "ensure_backend",
    "locate",
]


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'mlkraken_client' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"mlkraken_client.{module}"), _RENAMED.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
