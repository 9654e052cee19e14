"""The API as a page for people: plain HTML without scripts, so that it works offline."""

from __future__ import annotations

import html
import json
from typing import Any

__all__ = ["docs_page"]

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 13px; }
pre { overflow-x: auto; padding: .7rem; border: 1px solid #8884; border-radius: 4px; }
summary { cursor: pointer; padding: .35rem 0; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
.scope { float: right; opacity: .7; }
"""


def docs_page(document: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    title = html.escape(document["info"]["title"])
    operations = "\n".join(
        _operation(path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    schemas = "\n".join(
        f"<details id='{html.escape(name)}'><summary><code>{html.escape(name)}</code></summary>"
        f"<pre>{html.escape(json.dumps(schema, indent=1))}</pre></details>"
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>Version {html.escape(document['info']['version'])}. Every route but those marked "
        "<i>open</i> needs <code>Authorization: Bearer TOKEN</code>. "
        "The machine-readable document is <a href='openapi.json'>openapi.json</a>.</p>"
        f"{operations}<h2>Documents</h2>{schemas}</body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    scope = html.escape(operation.get("x-scope", "open"))
    parts = [f"<p>{html.escape(operation['summary'])}</p>"]
    for parameter in operation.get("parameters", []):
        text = f"{parameter['name']} ({parameter['in']}) {parameter.get('description', '')}"
        parts.append(f"<div><code>{html.escape(text)}</code></div>")
    for label, holder in (
        ("takes", operation.get("requestBody")),
        ("gives", operation.get("responses", {}).get("2XX")),
    ):
        schema = (holder or {}).get("content", {}).get("application/json", {}).get("schema")
        if schema:
            parts.append(f"<div>{label} {_schema_link(schema)}</div>")
    return (
        f"<details><summary><span class='method'>{method.upper()}</span>"
        f"<code>{html.escape(path)}</code><span class='scope'>{scope}</span></summary>"
        f"{''.join(parts)}</details>"
    )


def _schema_link(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return (
        f"<a href='#{html.escape(name)}'><code>{html.escape(name)}</code></a>" if name else "JSON"
    )
