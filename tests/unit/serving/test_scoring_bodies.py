"""SageMaker's content types in and out, and vetiver's contract."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlkraken_serving.protocols._port import Reply, Service
from mlkraken_serving.protocols._sagemaker import InvocationsProtocol
from mlkraken_serving.protocols._vetiver import (
    VetiverProtocol,
    is_bare_array,
)
from mlkraken_serving.protocols._vetiver import (
    vetiver as vetiver_served,
)
from tests.unit.serving._asking import ask, query, service_of

DAYS = pd.DataFrame(
    {
        "day": pd.to_datetime(["2026-01-31", None]),
        "zoned": pd.to_datetime(["2026-01-31T12:00:00Z", None]).tz_convert("Europe/Warsaw"),
        "n": [1, 2],
    }
)


def same_again(rows: Any) -> Any:
    return rows


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return service_of(same_again, tmp_path_factory.mktemp("m"), example=np.array([[1.0, 2.0]]))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Service:
    frame = pd.DataFrame({"x": [1.0], "word": ["a"]})
    return service_of(same_again, tmp_path_factory.mktemp("t"), example=frame)


def invoked(service: Service, body: Any, default: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return ask(InvocationsProtocol(service, default), service, query(body, named))


def npy(array: Any) -> bytes:
    into = io.BytesIO()
    np.save(into, array)
    return into.getvalue()


def npz(**arrays: Any) -> bytes:
    into = io.BytesIO()
    np.savez(into, **arrays)
    return into.getvalue()


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, json.loads(reply.body)["error_class"]


# -- numpy files --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i8", "u1", "?"])
def test_an_array_goes_in_and_out_bit_for_bit(matrix: Service, dtype: str, order: str) -> None:
    sent = np.array([[0, 1], [1, 0], [1, 1]], dtype=dtype, order=order)
    if dtype == "?":
        assert refused(invoked(matrix, npy(sent))) == (400, "value_mistyped")
        return
    reply = invoked(matrix, npy(sent), accept="application/x-npy")
    assert (reply.status, reply.content_type) == (200, b"application/x-npy")
    assert np.array_equal(np.load(io.BytesIO(reply.body)), sent.astype(float))


@given(values=st.lists(st.floats(width=64), min_size=2, max_size=40))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bit_of_a_float_is_lost(matrix: Service, values: list[float]) -> None:
    sent = np.array(values[: len(values) // 2 * 2]).reshape(-1, 2)
    kept = invoked(matrix, npy(sent), content_type="application/x-npy", accept="application/x-npy")
    assert np.load(io.BytesIO(kept.body)).tobytes() == sent.tobytes()


def test_named_arrays_are_columns(table: Service, matrix: Service) -> None:
    body = npz(x=np.array([1.5, 2.5]), word=np.array(["a", "b"]))
    reply = invoked(table, body, content_type="application/x-npz")
    wanted = [{"x": 1.5, "word": "a"}, {"x": 2.5, "word": "b"}]
    assert json.loads(reply.body)["predictions"] == wanted
    one = invoked(matrix, npz(rows=np.array([[1.0, 2.0]])))
    assert json.loads(one.body)["predictions"] == [[1.0, 2.0]]


def _encrypted(archive: bytes) -> bytes:
    """Set the bit that says so, in both places that have it."""
    body = bytearray(archive)
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


class Planted:
    """What a pickle would run."""

    def __reduce__(self) -> Any:
        return print, ("run",)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (npy(np.array([[1.0, 2.0, 3.0]])), "shape_mismatch"),
        (npy(np.array([["a", "b"]])), "value_mistyped"),
        (npy(np.array([[1j, 2j]])), "npy_dtype"),
        (npy(np.array([Planted()], dtype=object)), "npy_objects"),
        (npz(a=np.array([Planted()], dtype=object)), "npy_objects"),
        (npy(np.zeros((2, 2)))[:-8], "npy_unreadable"),
        (npy(np.zeros((2, 2)))[:20], "npy_unreadable"),
        (npy(np.zeros((2, 2))).replace(b"(2, 2), }", b"(99999999999, 2), }"), "npy_unreadable"),
        (npz(a=np.zeros((2, 2)))[:-30], "npy_unreadable"),
        (_encrypted(npz(a=np.zeros((2, 2)))), "npy_unreadable"),
        (b"PK\x03\x04", "npy_unreadable"),
        (b"\x93NUMPY", "npy_unreadable"),
    ],
)
def test_a_file_that_is_no_array_for_the_model_is_refused(
    matrix: Service, body: bytes, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(invoked(matrix, body)) == (400, code)
    assert capsys.readouterr().out == ""


def test_a_small_file_cannot_claim_all_memory(matrix: Service) -> None:
    body = bytearray(npz(a=np.zeros((2, 2))))
    size = body.index(b"PK\x01\x02") + 24  # in the entry of the archive's own directory
    body[size : size + 4] = (2**31 - 1).to_bytes(4, "little")
    assert refused(invoked(matrix, bytes(body))) == (400, "npy_too_large")


# -- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/csv", b"word,x\na,1.5\nb,\n"),
        ("text/csv; charset=utf-8; header=present", b"x,word\n1.5,a\n,b\n"),
        ("text/csv; header=absent", b"1.5,a\n,b\n"),
        ("text/csv", b"1.5,a\n,b\n"),
        ("application/vnd.apache.parquet", None),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_tables_go_in_as_files(table: Service, kind: str, body: bytes | None) -> None:
    if body is None:
        body = pd.DataFrame({"x": [1.5, None], "word": ["a", "b"]}).to_parquet()
    headers = {"content_type": kind} if kind else {}
    reply = invoked(table, body, **headers)
    wanted = [{"x": 1.5, "word": "a"}, {"x": None, "word": "b"}]
    assert json.loads(reply.body)["predictions"] == wanted


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("text/csv", b"x,word\n1\n", "csv_ragged"),
        ("text/csv", b"x,word\nhigh,a\n", "value_mistyped"),
        ("application/vnd.apache.parquet", b"PAR1", "body_not_parquet"),
    ],
)
def test_files_that_are_no_tables_are_refused(
    table: Service, kind: str, body: bytes, code: str
) -> None:
    assert refused(invoked(table, body, content_type=kind)) == (400, code)


# -- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "default", "wanted"),
    [
        ("", "", "application/json"),
        ("*/*", "", "application/json"),
        ("application/json", "text/csv", "application/json"),
        ("", "text/csv", "text/csv"),
        ("*/*", "text/csv", "text/csv"),
        ("text/csv", "", "text/csv"),
        ("text/csv;q=0.5, application/x-npy", "", "application/x-npy"),
        ("text/csv;q=0, */*", "", "application/json"),
        ("text/html, application/jsonlines;q=0.1", "", "application/jsonlines"),
        ("text/html", "", "application/json"),
        ("text/csv;q=1.1.1", "no/such", "application/json"),
    ],
)
def test_the_caller_chooses_the_type_of_the_answer(
    matrix: Service, accept: str, default: str, wanted: str
) -> None:
    headers = {"accept": accept} if accept else {}
    reply = invoked(matrix, {"inputs": [[1, 2], [3, 4]]}, default, **headers)
    assert reply.content_type.decode() == wanted
    if wanted == "text/csv":
        assert reply.body == b"1.0,2.0\n3.0,4.0\n"
    if wanted == "application/jsonlines":
        assert reply.body == b"[1.0,2.0]\n[3.0,4.0]\n"


def test_csv_answers_quote_and_leave_missing_values_empty(table: Service) -> None:
    rows = [{"x": 1.5, "word": 'a,"b"\nc'}, {"x": None, "word": "żółw"}]
    reply = invoked(table, {"instances": rows}, accept="text/csv")
    lines = list(csv.reader(io.StringIO(reply.body.decode())))
    assert lines == [["1.5", 'a,"b"\nc'], ["", "żółw"]]


def test_json_lines_go_in(table: Service) -> None:
    body = b'{"x": 1, "word": "a"}\n\n{"x": 2, "word": "b"}\n'
    reply = invoked(table, body, content_type="application/jsonlines")
    assert [row["x"] for row in json.loads(reply.body)["predictions"]] == [1.0, 2.0]


def test_an_answer_that_is_no_array_has_no_numpy_file(table: Service) -> None:
    body = {"instances": [{"x": 1, "word": "a"}]}
    assert refused(invoked(table, body, accept="application/x-npy")) == (400, "answer_not_array")


@pytest.mark.parametrize(
    ("attributes", "echoed"), [("trace=1; żó"[:8], True), ("x" * 1025, False), ("\x01", False)]
)
def test_custom_attributes_come_back(matrix: Service, attributes: str, echoed: bool) -> None:
    named = {"X-Amzn-SageMaker-Custom-Attributes": attributes}
    for accept in ("application/json", "text/csv"):
        asked = query({"inputs": [[1, 2]]}, {**named, "Accept": accept})
        headers = dict(ask(InvocationsProtocol(matrix), matrix, asked).headers)
        given = headers.get(b"x-amzn-sagemaker-custom-attributes")
        assert given == (attributes.encode() if echoed else None)


# -- vetiver ------------------------------------------------------------------------------------


def test_a_bare_array_is_told_from_an_object() -> None:
    assert is_bare_array(query(b" \n[]"))
    assert not is_bare_array(query(b'{"modelData": []}'))
    assert not is_bare_array(query(b""))


def vetiver(service: Service, body: Any) -> Any:
    reply = ask(VetiverProtocol(service), service, query(body))
    return reply.status, json.loads(reply.body)


def test_rows_in_a_frame_out(table: Service, matrix: Service, tmp_path: Path) -> None:
    rows = [{"x": 1, "word": "a"}, {"x": None, "word": "b", "beyond": 0}]
    assert vetiver(table, rows) == (200, {"x": [1.0, None], "word": ["a", "b"]})
    assert vetiver(matrix, [[1, 2]]) == (200, {"predict": [[1.0, 2.0]]})
    one = service_of(len, tmp_path, example=[1, 2])
    assert vetiver(one, [1, 2, 3]) == (200, {"predict": [3]})


def test_times_as_pandas_writes_them_are_read(tmp_path: Path) -> None:
    service = service_of(lambda frame: frame.astype(str), tmp_path, example=DAYS)
    ms = 1769817600000
    rows = [{"day": ms, "zoned": ms + 43200000, "n": 1}, {"day": None, "zoned": None, "n": 2}]
    seen = DAYS.astype(str).astype(object).where(DAYS.notna(), None)
    assert vetiver(service, rows)[1] == seen.to_dict("list")
    far = [{"day": 10**18, "zoned": None, "n": 1}]
    assert vetiver(service, far)[0] == 422


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([{"x": "high", "word": "a"}], "value_mistyped"),
        ([{"x": 1}], "columns_missing"),
        ({"x": 1}, "rows_form"),
        (b"[", "body_not_json"),
    ],
)
def test_rows_of_another_type_are_422(table: Service, body: Any, code: str) -> None:
    status, error = vetiver(table, body)
    assert (status, error["code"]) == (422, code)
    assert error["detail"]


def test_metadata_and_prototype_describe_the_model(table: Service, tmp_path: Path) -> None:
    pages = {
        page.path: json.loads(page.answer(query(b"")).body) for page in vetiver_served(table).pages
    }
    assert pages["/metadata"]["version"] == "3"
    assert pages["/metadata"]["python_version"][0] == 3
    schema = pages["/prototype"]
    jsonschema.validate({"x": None, "word": "a"}, schema)
    for wrong in ({"x": "1", "word": "a"}, {"x": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    mixed = pd.DataFrame({"c": pd.Categorical(["a"]), "n": [1], "b": [True], "t": DAYS["day"][:1]})
    typed = service_of(same_again, tmp_path, example=mixed)
    (_, prototype) = vetiver_served(typed).pages
    columns = json.loads(prototype.answer(query(b"")).body)["properties"]
    assert columns["c"] == {"enum": ["a", None]}
    assert columns["n"]["type"] == "integer"
    assert columns["b"] == {"type": "boolean"}
    assert columns["t"]["format"] == "date-time"
