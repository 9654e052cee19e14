"""Query a model, follow its log, look at its response times."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mlkraken_client._cli._common import (
    Context,
    command,
    echo_facts,
    echo_json,
    echo_table,
    service_of,
)
from mlkraken_client._errors import InputRefused

__all__ = ["register"]

_SHOWN = 20


def register(main: click.Group) -> None:
    """Add the commands."""
    _query(main)
    _logs(main)
    _times(main)


def _query(main: click.Group) -> None:
    @click.argument("name", metavar="NAME[@VERSION]")
    @click.option("--data", default="-", help="JSON, @FILE with JSON, or - for standard input.")
    @click.option("--timeout", default=60.0, help="Seconds to wait for the answer.")
    def query(context: Context, as_json: bool, name: str, data: str, timeout: float) -> None:
        """Send a query and print the answer.

        The data is a row object, rows, columns, a matrix or a list of values; or a whole body
        with modelData.
        """
        document = _document(data)
        meta: dict[str, Any] = {}
        if isinstance(document, dict) and "modelData" in document:
            meta = dict(document.get("metaData") or {})
            document = document["modelData"]
        meta.pop("modelId", None)
        answer = service_of(context, name).query(document, timeout=timeout, **meta)
        echo_json(answer if as_json else answer["result"])

    command(main, "query")(query)


def _logs(main: click.Group) -> None:
    @click.argument("name", metavar="NAME[@VERSION]")
    @click.option("-f", "--follow", is_flag=True, help="Go on with new lines until interrupted.")
    @click.option("-n", "--lines", default=200, help="Lines to begin with.")
    def logs(context: Context, as_json: bool, name: str, follow: bool, lines: int) -> None:
        """Print the log of a service."""
        for line in service_of(context, name).logs(follow=follow, limit=lines):
            click.echo(json.dumps({"text": line}) if as_json else line)
            if follow:
                sys.stdout.flush()

    command(main, "logs")(logs)


def _times(main: click.Group) -> None:
    @click.argument("name", metavar="NAME[@VERSION]")
    @click.option("--limit", default=100_000, help="Newest queries to look at.")
    def times(context: Context, as_json: bool, name: str, limit: int) -> None:
        """Print response times: percentiles, and the newest queries."""
        service = service_of(context, name)
        table = service.response_times(limit=limit)
        shares = {f"p{share}": _quantile(table["response_ms"], share) for share in (50, 95, 99)}
        failed = int((table["status"] >= 400).sum())
        if as_json:
            table = table.assign(sent_at=table["sent_at"].astype(str))
            points = json.loads(table.to_json(orient="records"))
            echo_json({"count": len(table), "failed": failed, **shares, "points": points})
            return
        in_ms = {name: f"{value:.2f} ms" for name, value in shares.items() if value is not None}
        echo_facts({"service": f"{service.model}@{service.version}", "queries": len(table)})
        echo_facts({"failed": failed, **in_ms})
        rows = [
            (
                f"{row.sent_at:%Y-%m-%d %H:%M:%S.%f}"[:-3],
                f"{row.response_ms:.2f}",
                f"{row.model_ms:.2f}",
                str(row.rows),
                str(row.status),
                row.request_id,
            )
            for row in table.tail(_SHOWN).itertuples()
        ]
        if rows:
            click.echo()
            echo_table(("SENT", "RESPONSE MS", "MODEL MS", "ROWS", "STATUS", "REQUEST"), rows)

    command(main, "times")(times)


def _quantile(times: Any, share: int) -> float | None:
    return float(times.quantile(share / 100, interpolation="higher")) if len(times) else None


def _document(data: str) -> Any:
    if data == "-":
        text = sys.stdin.read()
    elif data.startswith("@"):
        try:
            text = Path(data[1:]).expanduser().read_text("utf-8")
        except OSError as error:
            raise InputRefused(
                "data_unreadable", f"{data[1:]} cannot be read: {error.strerror}.", ""
            ) from error
    else:
        text = data
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputRefused(
            "data_not_json",
            f"The data is not JSON: {error}.",
            "Quote it for your shell: --data '{\"age\": 41}'.",
        ) from error
