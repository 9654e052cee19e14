"""Look at models, start and stop them, move what is live, delete."""

from __future__ import annotations

import sys
from typing import Any

import click

from mlkraken_client import _display
from mlkraken_client._cli._common import (
    Context,
    command,
    echo_facts,
    echo_json,
    echo_table,
    model_of,
    reference,
    service_of,
)

__all__ = ["register"]

_HEAD = ("NAME", "STATE", "LIVE", "VERSIONS", "ADDRESS", "CPU", "MEMORY", "OWNER", "UPDATED")


def register(main: click.Group) -> None:
    """Add the commands."""
    _models(main)
    _show(main)
    _running(main)
    _delete(main)
    _promote(main)


def _models(main: click.Group) -> None:
    @click.option("-q", "--search", default="", help="Part of the name or description.")
    @click.option("--state", default="", help="Only models in this state.")
    @click.option("--owner", default="", help="Only models of this owner.")
    def models(context: Context, as_json: bool, search: str, state: str, owner: str) -> None:
        """List models."""
        told = context.kraken().models(search, state=state, owner=owner).describe()
        if as_json:
            echo_json(told)
        elif told:
            echo_table(_HEAD, [_display.model_row(model) for model in told])
        else:
            click.echo("no models")

    command(main, "models")(models)


def _show(main: click.Group) -> None:
    @click.argument("name", metavar="NAME[@VERSION]")
    def show(context: Context, as_json: bool, name: str) -> None:
        """Tell all about a model, or about one version of it."""
        model_name, version = reference(name)
        model = model_of(context, model_name)
        told = model.describe()
        versions = [one.describe() for one in model.versions]
        number = told["shown_version"] if version == "live" else service_of(context, name).version
        service = model.service(number).describe() if number is not None else None
        if as_json:
            echo_json({"model": told, "versions": versions, "service": service})
            return
        echo_facts(_model_facts(told))
        if service is not None:
            click.echo()
            echo_facts(_service_facts(service))
        if versions:
            click.echo()
            rows = [_version_row(one) for one in versions]
            echo_table(("VERSION", "ALIASES", "FLAVOR", "SIZE", "DIGEST", "BY", "AT"), rows)

    command(main, "show")(show)


def _running(main: click.Group) -> None:
    which = click.argument("name", metavar="NAME[@VERSION]")
    timeout = click.option("--timeout", default=120.0, help="Seconds to wait.")

    @which
    @timeout
    def start(context: Context, as_json: bool, name: str, timeout: float) -> None:
        """Start a service and wait until it answers."""
        _told(service_of(context, name).start(timeout=timeout).describe(), as_json)

    @which
    @timeout
    def stop(context: Context, as_json: bool, name: str, timeout: float) -> None:
        """Stop a service."""
        _told(service_of(context, name).stop(timeout=timeout).describe(), as_json)

    @which
    @timeout
    def restart(context: Context, as_json: bool, name: str, timeout: float) -> None:
        """Restart a service and wait until it answers."""
        _told(service_of(context, name).restart(timeout=timeout).describe(), as_json)

    command(main, "start")(start)
    command(main, "stop")(stop)
    command(main, "restart")(restart)


def _delete(main: click.Group) -> None:
    @click.argument("name", metavar="NAME[@VERSION]")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    def delete(context: Context, as_json: bool, name: str, yes: bool) -> None:
        """Delete a model with all it has, or one version of it."""
        model_name, version = reference(name)
        kraken = context.kraken()
        model = kraken[model_name]
        whole = "@" not in name
        if not yes and sys.stdin.isatty():
            what = f"{model_name} with all its versions" if whole else name
            click.confirm(f"Delete {what}?", abort=True)
        if whole:
            kraken.delete(model_name)
        else:
            model.delete_version(int(service_of(context, f"{model_name}@{version}").version))
        if as_json:
            echo_json({"deleted": name})
        else:
            click.echo(f"deleted {name}")

    command(main, "delete")(delete)


def _promote(main: click.Group) -> None:
    timeout = click.option("--timeout", default=120.0, help="Seconds to wait.")

    @click.argument("name")
    @click.argument("version", type=int)
    @timeout
    def promote(context: Context, as_json: bool, name: str, version: int, timeout: float) -> None:
        """Make a version live."""
        _told(model_of(context, name).promote(version, timeout=timeout).describe(), as_json)

    @click.argument("name")
    @timeout
    def rollback(context: Context, as_json: bool, name: str, timeout: float) -> None:
        """Make live again what was live before."""
        _told(model_of(context, name).rollback(timeout=timeout).describe(), as_json)

    command(main, "promote")(promote)
    command(main, "rollback")(rollback)


def _told(service: dict[str, Any], as_json: bool) -> None:
    if as_json:
        echo_json(service)
        return
    where = ", ".join(item["url"] for item in service["endpoints"] if item["state"] == "running")
    at = f" at {where}" if where else ""
    click.echo(f"{service['model']}@{service['version']} is {service['state']}{at}")


def _model_facts(told: dict[str, Any]) -> dict[str, Any]:
    aliases = ", ".join(f"{name} -> {number}" for name, number in told["aliases"].items())
    return {
        "name": told["name"],
        "owner": told["owner"],
        "description": told["description"],
        "tags": ", ".join(f"{key}={value}" for key, value in told["tags"].items()),
        "state": told["state"],
        "reason": told["reason"],
        "aliases": aliases,
        "created": told["created_at"][:19],
        "updated": told["updated_at"][:19],
    }


def _service_facts(told: dict[str, Any]) -> dict[str, Any]:
    failure = told["failure"] or {}
    parity = told["parity"]
    return {
        "service": f"{told['model']}@{told['version']}",
        "state": told["state"],
        "reason": told["reason"],
        "hint": failure.get("hint", ""),
        "address": ", ".join(item["url"] for item in told["endpoints"]),
        "size": f"{told['replicas']} x {told['cpu']:g} cpu, {told['memory']}",
        "parity": parity["verdict"] + (f" ({parity['detail']})" if parity["detail"] else ""),
        "engine": told["engine"],
        "restarts": told["restarts"] or "",
        "last log lines": "".join(f"\n  {line}" for line in failure.get("logs", [])[-20:]),
    }


def _version_row(told: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(told["version"]),
        ", ".join(told["aliases"]),
        told["flavor"],
        f"{told['size'] / 1024:.0f} kB",
        told["digest"][:19],
        told["created_by"],
        told["created_at"][:19],
    )
