"""The Jupyter server extension of ML-Kraken: the panel's way to the backend.

Browser code talks only to this extension, below the server's ``base_url``; the extension holds
the credential and starts the embedded backend when it is first needed.
"""

from __future__ import annotations

from typing import Any

from mlkraken_client import __version__

__all__ = ["__version__"]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@mlkraken/labextension"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from mlkraken_jupyter._app import MLKrakenExtension

    return [{"module": "mlkraken_jupyter", "app": MLKrakenExtension}]
