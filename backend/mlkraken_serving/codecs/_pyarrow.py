"""What only pyarrow reads, rewritten as a plain Arrow stream; loaded when it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from mlkraken_serving._errors import BodyError, BodyTooLarge

__all__ = ["parquet_stream", "plain_stream"]

_LARGEST = 1 << 27
"""Bytes that a body may unpack to: a few bytes of a compressed one can stand for any number."""

_CELL = 8
"""Bytes that a cell takes at least once it is a value; a stream has a bit for it, or nothing."""

_ROWS = 65_536
_VIEWS = {"string_view": "string", "binary_view": "binary"}


def plain_stream(body: bytes, what: str) -> bytes:
    """Return an Arrow stream without compression and with types that every reader knows.

    Raises
    ------
    BodyError
        ``arrow_type_unknown`` where pyarrow is not installed.
    BodyTooLarge
        ``body_unpacks_large``.
    ValueError
        It is not such a stream.
    """
    try:
        pa = importlib.import_module("pyarrow")
        ipc = importlib.import_module("pyarrow.ipc")
    except ImportError as error:
        raise BodyError(
            "arrow_type_unknown",
            f"The Arrow stream is {what}, which this service cannot read without pyarrow.",
            "Send it uncompressed and with plain types, or install mlkraken[arrow] where the "
            "model is served.",
        ) from error
    try:
        with ipc.open_stream(body) as reader:
            return _written(pa, reader, reader.schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(str(error)) from error


def parquet_stream(body: bytes) -> bytes:
    """Return a Parquet file as an Arrow stream.

    Raises
    ------
    BodyError
        ``parquet_unavailable`` where pyarrow is not installed, ``body_not_parquet``.
    BodyTooLarge
        ``body_unpacks_large``.
    """
    try:
        pa = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise BodyError(
            "parquet_unavailable",
            "This service cannot read Parquet: pyarrow is not installed where it runs.",
            "Deploy with requirements=['pyarrow'], install mlkraken[arrow] there, or send Arrow, "
            "CSV or JSON.",
        ) from error
    try:
        file = parquet.ParquetFile(pa.BufferReader(body))
        return _written(pa, file.iter_batches(_ROWS, use_threads=False), file.schema_arrow)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BodyError(
            "body_not_parquet",
            f"The body is not a Parquet file: {error}.",
            "Write it with frame.to_parquet(), which returns the bytes to send.",
        ) from error


def _written(pa: Any, batches: Iterable[Any], schema: Any) -> bytes:
    """Write batches one by one, as long as they are not too many."""
    fields = [pa.field(field.name, _plain(pa, field.type)) for field in schema]
    plain = pa.schema(fields, metadata=schema.metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, plain) as writer:
        cells = 0
        for batch in batches:
            cells += batch.num_rows * batch.num_columns
            if max(sink.tell(), cells * _CELL) > _LARGEST:
                raise BodyTooLarge(
                    "body_unpacks_large",
                    f"The body unpacks to more than {_LARGEST >> 20} MB.",
                    "Send fewer rows at once.",
                )
            writer.write_table(pa.Table.from_batches([batch]).cast(plain))
    return bytes(sink.getvalue())


def _plain(pa: Any, kind: Any) -> Any:
    """Return the type that carries the same values and that every reader knows."""
    name = str(kind)
    return getattr(pa, _VIEWS[name])() if name in _VIEWS else kind
