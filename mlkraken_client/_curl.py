"""The shell command that queries a service."""

from __future__ import annotations

import json
import shlex

from mlkraken_client._connection import Connection

__all__ = ["curl_command"]


def curl_command(connection: Connection, url: str, model: str, version: int) -> str:
    """Return a command that sends the first row of the version's example to ``url``.

    The token is not in it: the command reads it where it is kept.
    """
    sample = connection.call("GET", f"/models/{model}/versions/{version}")["sample"]
    data = json.dumps(sample, ensure_ascii=False) if sample is not None else "[...]"
    body = f'{{"modelData": {data}, "metaData": {{"modelId": "{model}"}}}}'
    return (
        f"curl -sS {url}/ -H 'Content-Type: application/json' "
        f'-H "Authorization: Bearer {_token(connection)}" -d {shlex.quote(body)}'
    )


def _token(connection: Connection) -> str:
    home = connection.target.home
    return "$MLKRAKEN_TOKEN" if home is None else f"$(cat {shlex.quote(str(home / 'token'))})"
