"""How things show in a notebook: a little HTML beside plain text, both from the same facts."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlkraken_client._service import Service

__all__ = [
    "model_bundle",
    "model_row",
    "models_bundle",
    "models_text",
    "service_bundle",
]

_HEAD = ("name", "state", "live", "versions", "address", "cpu", "memory", "owner", "updated")


def model_row(model: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line of the list of models."""
    endpoint = model["endpoint"]
    versions = model["versions"]
    state = model["state"] + (f" ({model['reason']})" if model["reason"] else "")
    return (
        model["name"],
        state,
        str(model["live_version"] or ""),
        ", ".join(map(str, versions[-5:])) if len(versions) <= 5 else f"{len(versions)}",
        f"{endpoint['ip']}:{endpoint['port']}" if endpoint else "",
        f"{model['cpu']:g}" if model["cpu"] else "",
        model["memory"],
        model["owner"],
        model["updated_at"][:19].replace("T", " "),
    )


def models_text(models: Sequence[Mapping[str, Any]]) -> str:
    """Return the list of models as aligned text."""
    if not models:
        return "no models"
    rows = [_HEAD, *(model_row(model) for model in models)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def models_bundle(models: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the list of models for a notebook."""
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in model_row(model)) + "</tr>"
        for model in models
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return {"text/plain": models_text(models), "text/html": table if models else "<i>no models</i>"}


def model_bundle(model: Mapping[str, Any]) -> dict[str, str]:
    """Return one model for a notebook."""
    facts = dict(zip(_HEAD, model_row(model), strict=True))
    if model["description"]:
        facts["description"] = model["description"]
    return _facts(facts)


def service_bundle(service: Service, told: Mapping[str, Any]) -> dict[str, str]:
    """Return one service for a notebook."""
    where = ", ".join(f"{item['ip']}:{item['port']}" for item in told["endpoints"])
    facts = {
        "service": f"{service.model}@{service.version}",
        "state": told["state"] + (f" ({told['reason']})" if told["reason"] else ""),
        "address": where,
        "size": f"{told['replicas']} x {told['cpu']:g} cpu, {told['memory']}",
        "parity": told["parity"]["verdict"],
    }
    return _facts(facts)


def _facts(facts: Mapping[str, str]) -> dict[str, str]:
    known = {name: value for name, value in facts.items() if value}
    width = max(map(len, known))
    text = "\n".join(f"{name.ljust(width)}  {value}" for name, value in known.items())
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for name, value in known.items()
    )
    return {"text/plain": text, "text/html": f"<table>{rows}</table>"}
