"""``mlkraken backend``: start, stop and look at the embedded backend."""

from __future__ import annotations

from pathlib import Path

import click

from mlkraken_client import _embedded
from mlkraken_client._cli._common import Context, command, echo_facts, echo_json
from mlkraken_client._errors import BackendUnavailable
from mlkraken_client._kraken import Kraken
from mlkraken_client._locate import locate

__all__ = ["register"]


def register(main: click.Group) -> None:
    """Add the commands."""

    @main.group("backend")
    def backend() -> None:
        """Start, stop and look at the embedded backend."""

    _start(backend)
    _stop(backend)
    _status(backend)


_HOME = click.option("--home", default="", help="Its home (or MLKRAKEN_HOME).")


def _start(backend: click.Group) -> None:
    @_HOME
    @click.option("--port", default=0, help="Port to listen on; 0 takes any free one.")
    @click.option(
        "--new-database",
        is_flag=True,
        help="Begin with an empty database after a damaged one was moved aside.",
    )
    def start(context: Context, as_json: bool, home: str, port: int, new_database: bool) -> None:
        """Start the backend of a home, unless it runs."""
        folder = _folder(context, home)
        before = _embedded.running(folder)
        found = before or _embedded.ensure(folder, port=port, new_database=new_database)
        if before is not None and port and not before.url.endswith(f":{port}"):
            raise BackendUnavailable(
                "backend_running",
                f"The backend of {folder} runs already, at {before.url}.",
                "Stop it first: mlkraken backend stop",
            )
        document = {"url": found.url, "pid": found.pid, "home": str(folder)}
        if as_json:
            echo_json({**document, "started": before is None})
        else:
            verb = "runs already" if before else "started"
            click.echo(f"backend {verb} at {found.url} (pid {found.pid}, home {folder})")

    command(backend, "start")(start)


def _stop(backend: click.Group) -> None:
    @_HOME
    def stop(context: Context, as_json: bool, home: str) -> None:
        """Stop the backend of a home with its services; they run again when it does."""
        folder = _folder(context, home)
        stopped = _embedded.stop(folder)
        if as_json:
            echo_json({"stopped": stopped, "home": str(folder)})
        else:
            click.echo("backend stopped" if stopped else f"no backend runs for {folder}")

    command(backend, "stop")(stop)


def _status(backend: click.Group) -> None:
    @_HOME
    def status(context: Context, as_json: bool, home: str) -> None:
        """Tell whether the backend runs, where, and what it serves."""
        folder = _folder(context, home)
        found = _embedded.running(folder)
        if found is None:
            document = {"running": False, "home": str(folder)}
        else:
            models = Kraken(home=folder).models().describe()
            states = [model["state"] for model in models]
            document = {
                "running": True,
                "home": str(folder),
                "url": found.url,
                "pid": found.pid,
                "version": found.version,
                "models": len(models),
                "states": {state: states.count(state) for state in sorted(set(states))},
            }
        if as_json:
            echo_json(document)
        else:
            echo_facts(_readable(document))

    command(backend, "status")(status)


def _readable(document: dict[str, object]) -> dict[str, object]:
    states = document.get("states")
    told = {**document, "running": "yes" if document["running"] else "no"}
    if isinstance(states, dict):
        told["states"] = ", ".join(f"{count} {state}" for state, count in states.items())
    return told


def _folder(context: Context, home: str) -> Path:
    target = locate("embedded", home=home or context.home or None)
    assert target.home is not None
    return target.home
