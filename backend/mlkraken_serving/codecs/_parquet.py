"""Parquet files to a model's input, by pyarrow and the reader of Arrow streams."""

from __future__ import annotations

from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput
from mlkraken_serving.codecs._arrow_in import read_arrow_input
from mlkraken_serving.codecs._pyarrow import parquet_stream

__all__ = ["read_parquet"]


def read_parquet(body: bytes, signature: Signature) -> ModelInput:
    """Return the rows of a Parquet file for a model of this signature.

    Raises
    ------
    BodyError
        ``parquet_unavailable`` where pyarrow (the extra ``arrow``) is not installed,
        ``body_not_parquet`` or ``arrow_type_unknown``.
    BodyTooLarge
        ``body_unpacks_large``.
    InputError
        What `read_arrow_input` raises.
    """
    return read_arrow_input(parquet_stream(body), signature)
