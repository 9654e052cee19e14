"""What shows in a notebook: text beside HTML, no secret, nobody's markup."""

from __future__ import annotations

from typing import Any

from mlkraken_client import _display
from mlkraken_client._logs import LogLines
from mlkraken_client._secrets import SecretHeaders
from mlkraken_client._times import COLUMNS, times_table

MODEL: dict[str, Any] = {
    "name": "churn",
    "owner": "<b>me</b>",
    "description": "",
    "state": "failed",
    "reason": "<script>alert(1)</script>",
    "versions": [1, 2],
    "live_version": 2,
    "endpoint": {"ip": "127.0.0.1", "port": 4000},
    "cpu": 1.0,
    "memory": "2GB",
    "updated_at": "2026-11-22T19:46:15.000Z",
}


def test_a_list_of_models_reads_well_as_text() -> None:
    text = _display.models_text([MODEL])
    assert "churn" in text
    assert "127.0.0.1:4000" in text
    assert _display.models_text([]) == "no models"


def test_html_shows_markup_of_others_as_text() -> None:
    for bundle in (_display.models_bundle([MODEL]), _display.model_bundle(MODEL)):
        assert "<script>" not in bundle["text/html"]
        assert "&lt;script&gt;" in bundle["text/html"]
        assert "text/plain" in bundle


def test_headers_do_not_show_their_credential() -> None:
    headers = SecretHeaders({"Authorization": "Bearer s3cret", "Content-Type": "application/json"})
    assert "s3cret" not in repr(headers)
    assert "s3cret" not in str(headers)
    assert headers["Authorization"] == "Bearer s3cret"


def test_log_lines_show_as_text() -> None:
    lines = LogLines(["one", "two"])
    assert repr(lines) == "one\ntwo"
    assert lines[0] == "one"


def test_response_times_are_a_typed_table_also_when_there_are_none() -> None:
    empty = times_table([])
    one = times_table([[1.7e9, 2.0, 1.0, 3, 1, 200, "id"]])
    assert list(empty.columns) == list(one.columns) == list(COLUMNS)
    assert (empty.dtypes == one.dtypes).drop("request_id").all()
    assert str(one["sent_at"].dt.tz) == "UTC"
