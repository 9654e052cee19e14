"""``backend/contract/`` is what the backend says, and its description describes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlkraken_client import _signature

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "backend" / "contract"
SCHEMAS = {
    "models": "ModelsOut",
    "model": "ModelOut",
    "versions": "VersionsOut",
    "version": "VersionOut",
    "service": "ServiceOut",
    "endpoints": "EndpointsOut",
    "logs": "LogsOut",
    "service-events": "EventsOut",
    "error": "ErrorBody",
}


def read(name: str) -> Any:
    return json.loads((CONTRACT / name).read_text("utf-8"))


def test_the_contract_is_what_the_backend_says_today() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "contract.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}Write it anew: python scripts/contract.py"
    )


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_every_real_answer_fits_its_schema(name: str, schema: str) -> None:
    document = {**read("openapi.json"), "$ref": f"#/components/schemas/{schema}"}
    jsonschema.validate(read(f"examples/{name}.json"), document)


def test_every_reference_of_the_description_resolves() -> None:
    document = read("openapi.json")

    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_the_client_understands_the_signature_of_a_real_version() -> None:
    signature = read("examples/version.json")["signature"]
    assert signature["kind"] == "dataframe"
    assert [field["name"] for field in signature["fields"]] == ["x"]
    assert _signature.__all__


def test_errors_have_one_form_everywhere() -> None:
    assert set(read("examples/error.json")["error"]) == {"code", "message", "hint", "request_id"}
