"""What all commands share: output as text or JSON, errors, and how a model is named."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from mlkraken_client._errors import KrakenError, NotFound
from mlkraken_client._kraken import Kraken
from mlkraken_client._model import Model
from mlkraken_client._service import Service

__all__ = [
    "Context",
    "command",
    "echo_facts",
    "echo_json",
    "echo_table",
    "model_of",
    "reference",
    "service_of",
]

F = TypeVar("F", bound=Callable[..., Any])


class Context:
    """Options given before the command.

    Parameters
    ----------
    home
        Home of the embedded backend, "" for the usual one.
    backend
        URL or name of a backend, "" for the usual one.
    debug
        Show tracebacks.
    """

    def __init__(self, home: str = "", backend: str = "", debug: bool = False) -> None:
        self.home = home
        self.backend = backend
        self.debug = debug

    def kraken(self) -> Kraken:
        """Return the client."""
        return Kraken(self.backend or None, home=self.home or None)


def command(group: click.Group, name: str) -> Callable[[F], click.Command]:
    """Make a function a command that takes ``--json`` and reports errors as this tool does.

    The function's first argument is the `Context`, its second whether JSON is wanted.
    """

    def decorate(function: F) -> click.Command:
        @functools.wraps(function)
        def run(as_json: bool, **arguments: Any) -> None:
            context = click.get_current_context().find_object(Context) or Context()
            try:
                function(context, as_json, **arguments)
            except KrakenError as error:
                if context.debug:
                    raise
                _report(error, as_json)
                sys.exit(1)
            except KeyboardInterrupt:
                sys.exit(130)  # what shells expect of an interrupted program

        option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
        return group.command(name)(option(run))

    return decorate


def _report(error: KrakenError, as_json: bool) -> None:
    if as_json:
        told = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "reason": error.reason,
            "logs": error.logs,
        }
        click.echo(json.dumps({"error": told}, ensure_ascii=False), err=True)
        return
    click.echo(f"Error: {error.message}", err=True)
    if error.hint:
        click.echo(error.hint, err=True)
    if error.logs:
        click.echo("Last log lines:", err=True)
        for line in error.logs[-20:]:
            click.echo(f"  {line}", err=True)


def echo_json(document: Any) -> None:
    """Print a JSON document."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


def echo_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn on a terminal, aligned text in a pipe."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(*head, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*row)
        Console().print(table, markup=False)
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def echo_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line, those without a value left out."""
    known = {name: str(value) for name, value in facts.items() if value not in ("", None, [])}
    width = max(map(len, known), default=0)
    for name, value in known.items():
        click.echo(f"{name.ljust(width)}  {value}")


def reference(text: str) -> tuple[str, str]:
    """Split ``NAME[@VERSION]``; without a version it is the live one."""
    name, _, version = text.partition("@")
    return name, version or "live"


def model_of(context: Context, name: str) -> Model:
    """Return a model that is there; raises `NotFound`."""
    return context.kraken()[name]


def service_of(context: Context, text: str) -> Service:
    """Return the service that ``NAME[@VERSION]`` means; raises `NotFound`."""
    name, version = reference(text)
    model = model_of(context, name)
    if version.isdecimal():
        return model.service(int(version))
    number = model.live.version if version == "live" else model.aliases.get(version)
    if number is None:
        known = ", ".join(model.aliases)
        raise NotFound(
            "alias_not_found", f"{name!r} has no alias {version!r}.", f"It has {known or 'none'}."
        )
    return model.service(number)
