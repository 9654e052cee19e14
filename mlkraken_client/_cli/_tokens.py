"""``mlkraken token``: long-lived tokens with a name."""

from __future__ import annotations

import re

import click

from mlkraken_client._cli._common import Context, command, echo_json, echo_table

__all__ = ["register"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A time such as ``12h`` or ``30d``."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(value))
        if match is None:
            self.fail(f"{value!r} is no time; write it like 12h or 30d.", param, ctx)
        return float(match[1]) * _UNITS[match[2] or "s"]


def register(main: click.Group) -> None:
    """Add the commands."""

    @main.group("token")
    def token() -> None:
        """Make, list and revoke tokens for people and programs."""

    _create(token)
    _list(token)
    _revoke(token)


def _create(token: click.Group) -> None:
    @click.argument("name")
    @click.option(
        "--scope",
        type=click.Choice(["query", "deploy", "admin"]),
        multiple=True,
        default=["query"],
        help="What it allows; may be repeated.",
    )
    @click.option("--model", default="", help="Only for this model.")
    @click.option("--ttl", type=Duration(), default="30d", help="How long it holds, like 12h.")
    def create(
        context: Context, as_json: bool, name: str, scope: tuple[str, ...], model: str, ttl: float
    ) -> None:
        """Make a token and print it; it is not shown again."""
        document = {"name": name, "scope": list(scope), "model": model, "ttl": ttl}
        told = context.kraken().connection.call("POST", "/tokens", document)
        if as_json:
            echo_json(told)
        else:
            click.echo(told["token"])

    command(token, "create")(create)


def _list(token: click.Group) -> None:
    def every(context: Context, as_json: bool) -> None:
        """List tokens; their secrets are not kept."""
        tokens = context.kraken().connection.call("GET", "/tokens")["tokens"]
        if as_json:
            echo_json(tokens)
            return
        rows = [
            (
                one["name"],
                ",".join(one["scope"]),
                one["model"] or "all",
                one["owner"],
                one["expires_at"][:19],
                "revoked" if one["revoked_at"] else "",
            )
            for one in tokens
        ]
        echo_table(("NAME", "SCOPE", "MODEL", "OWNER", "EXPIRES", ""), rows)

    command(token, "list")(every)


def _revoke(token: click.Group) -> None:
    @click.argument("name")
    def revoke(context: Context, as_json: bool, name: str) -> None:
        """Revoke a token; it stops working within a second."""
        told = context.kraken().connection.call("DELETE", f"/tokens/{name}")
        if as_json:
            echo_json(told)
        else:
            click.echo(f"revoked {name}")

    command(token, "revoke")(revoke)
