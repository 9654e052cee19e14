"""A service's page for people: what it takes, and a place to try it. It works offline."""

from __future__ import annotations

import html
import json
from typing import Any

from mlkraken_serving._manifest import Field
from mlkraken_serving.codecs._json_text import strict_json
from mlkraken_serving.protocols._port import Service

__all__ = ["docs_page"]

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre, textarea, td { font-family: ui-monospace, monospace; font-size: 13px; }
textarea, input { width: 100%; box-sizing: border-box; padding: .5rem; }
textarea { min-height: 12rem; }
pre { overflow-x: auto; padding: .7rem; border: 1px solid #8884; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #8884; }
button { padding: .4rem 1.2rem; margin: .6rem 0; }
.failed { border-color: #c33; }
"""
_SCRIPT = """
document.getElementById('ask').addEventListener('click', async () => {
  const out = document.getElementById('answer');
  const token = document.getElementById('token').value.trim();
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = 'Bearer ' + token;
  const began = performance.now();
  out.className = '';
  try {
    const answer = await fetch('predict', {
      method: 'POST', headers, body: document.getElementById('body').value
    });
    const took = (performance.now() - began).toFixed(1);
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    out.textContent = answer.status + ' in ' + took + ' ms\\n' + shown;
    out.className = answer.ok ? '' : 'failed';
  } catch (error) {
    out.textContent = 'No answer: ' + error.message;
    out.className = 'failed';
  }
});
"""


def docs_page(service: Service, document: dict[str, Any]) -> str:
    """Return the page for an OpenAPI ``document`` of ``service``."""
    identity = service.identity
    title = html.escape(f"{identity.model}, version {identity.version}")
    body = {"modelData": service.example(), "metaData": {"modelId": identity.model}}
    shown = json.dumps(json.loads(strict_json(body)), indent=2, ensure_ascii=False)
    fields = "".join(map(_row, service.manifest.signature.fields))
    table = (
        "<h2>What it takes</h2><table><tr><th>name<th>type<th>missing<th>values</tr>"
        f"{fields}</table>"
        if fields
        else "<p>It was deployed without an example, so it takes whatever the model does.</p>"
    )
    routes = "".join(
        f"<tr><td>{method.upper()}<td>{html.escape(path)}"
        f"<th style='font-weight:normal'>{html.escape(operation['summary'])}</tr>"
        for path, item in document["paths"].items()
        for method, operation in item.items()
    )
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head>"
        f"<body><h1>{title}</h1><p>Engine {html.escape(service.engine.name)}, "
        f"digest <code>{html.escape(identity.digest or '-')}</code>.</p>{table}"
        "<h2>Try it</h2><label>Token, where one is needed<input id='token' type='password' "
        "autocomplete='off'></label><label>POST predict<textarea id='body' spellcheck='false'>"
        f"{html.escape(shown)}</textarea></label>"
        "<button id='ask'>Ask</button><pre id='answer' aria-live='polite'>The answer.</pre>"
        f"<h2>Routes</h2><table>{routes}</table>"
        "<p>For programs: <a href='openapi.json'>openapi.json</a></p>"
        f"<script>{_SCRIPT}</script></body></html>"
    )


def _row(field: Field) -> str:
    levels = ", ".join(map(str, (field.levels or [])[:20]))
    shape = f" {field.shape}" if field.shape else ""
    cells = (
        field.name,
        (field.storage or field.dtype) + shape,
        "may be null" if field.nullable else "never",
        levels + (", ..." if len(field.levels or []) > 20 else ""),
    )
    return "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in cells) + "</tr>"
