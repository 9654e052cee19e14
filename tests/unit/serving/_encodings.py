"""The encodings of a table, as clients write them, and what a model sees of them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from mlkraken_client._signature import describe_input
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._arrow_in import read_arrow_input
from mlkraken_serving.codecs._csv import read_csv
from mlkraken_serving.codecs._parquet import read_parquet
from mlkraken_serving.engines._frames import native


def signature_of(example: Any) -> Signature:
    return msgspec.convert(json.loads(json.dumps(describe_input(example))), Signature)


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame.rename(columns=str), preserve_index=False)


def arrow_body(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet_body(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, **options)
    return sink.getvalue()


def csv_body(frame: pd.DataFrame, **options: Any) -> bytes:
    return frame.to_csv(index=False, **options).encode("utf-8")


def by_arrow(frame: pd.DataFrame, example: Any = None) -> Any:
    """What the model sees of a frame that was sent as an Arrow stream."""
    return _seen(read_arrow_input, arrow_body(arrow_table(frame)), frame, example)


def by_parquet(frame: pd.DataFrame, example: Any = None) -> Any:
    return _seen(read_parquet, parquet_body(arrow_table(frame)), frame, example)


def by_csv(frame: pd.DataFrame, example: Any = None) -> Any:
    return _seen(read_csv, csv_body(frame), frame, example)


def _seen(
    read: Callable[[bytes, Signature], ModelInput], body: bytes, frame: pd.DataFrame, example: Any
) -> Any:
    return native(read(body, signature_of(frame if example is None else example)))


def one_missing(frame: pd.DataFrame) -> pd.DataFrame:
    """Let every column of objects have one kind of missing value: columnar formats know one."""
    fields = signature_of(frame).fields
    columns = {}
    for place, field in enumerate(fields):
        column = frame.iloc[:, place]
        if field.storage == "object":
            gone = math.nan if field.missing == "nan" else None
            cells = np.empty(len(column), dtype=object)
            cells[:] = [gone if _missing(cell) else cell for cell in column]
            column = pd.Series(cells, dtype=object)
        columns[frame.columns[place]] = column
    return pd.DataFrame(columns, columns=frame.columns)


def _missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
