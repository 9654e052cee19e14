"""What users may ask for: names, sizes and times within reason."""

from __future__ import annotations

import re

from mlkraken_backend._errors import Invalid
from mlkraken_backend.values import Size

__all__ = ["check_alias", "check_model_name", "check_patience", "check_size", "parse_memory"]

_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,30}")
_MEMORY = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_LEAST_MEMORY, _MOST_MEMORY = 64 * 2**20, 2**50
_MOST_CORES = 1024
_MOST_REPLICAS = 32
_MOST_WORKERS = 128
_LONGEST_S = 7 * 86400.0


def check_model_name(name: str) -> str:
    """Return ``name`` if it can name a model.

    Raises
    ------
    Invalid
        ``model_name_invalid``.
    """
    if not _MODEL_NAME.fullmatch(name):
        raise Invalid(
            "model_name_invalid",
            f"{name!r} cannot name a model.",
            "Use 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit"
            + (f": {_suggested(name)!r}." if _suggested(name) else "."),
        )
    return name


def _suggested(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63]


def check_alias(name: str) -> str:
    """Return ``name`` if it can be an alias; numbers cannot, they are versions.

    Raises
    ------
    Invalid
        ``alias_name_invalid``.
    """
    if not _ALIAS.fullmatch(name):
        raise Invalid(
            "alias_name_invalid",
            f"{name!r} cannot be an alias.",
            "Use 1 to 31 of a-z, 0-9 and '-', beginning with a letter.",
        )
    return name


def parse_memory(text: str | int) -> int:
    """Return a size such as ``"2GB"``, ``"512MiB"`` or ``1073741824`` in bytes.

    Both GB and GiB mean 2**30 bytes, as container runtimes read them.

    Raises
    ------
    Invalid
        ``memory_invalid``.
    """
    match = _MEMORY.fullmatch(str(text).strip())
    amount = float(match[1]) * 1024 ** _POWERS[match[2].upper()] if match else 0
    if not _LEAST_MEMORY <= amount <= _MOST_MEMORY:
        raise Invalid(
            "memory_invalid",
            f"{text!r} is not a size a model can be served in.",
            "Write it like '512MB' or '2GB'; 64MB is the least.",
        )
    return int(amount)


def check_size(size: Size) -> Size:
    """Return ``size`` if a service can have it.

    Raises
    ------
    Invalid
        ``size_invalid``.
    """
    if not 0 < size.cpu <= _MOST_CORES:
        raise Invalid("size_invalid", f"cpu={size.cpu:g} is not a number of cores.", "Say cpu=1.")
    if not 1 <= size.replicas <= _MOST_REPLICAS:
        raise Invalid(
            "size_invalid",
            f"replicas={size.replicas} is not between 1 and {_MOST_REPLICAS}.",
            "To serve nothing, stop the service.",
        )
    if not 1 <= size.workers <= _MOST_WORKERS:
        raise Invalid(
            "size_invalid",
            f"workers={size.workers} is not between 1 and {_MOST_WORKERS}.",
            "Say workers=1 for a model in one process.",
        )
    return size


def check_patience(**seconds: float | None) -> None:
    """Refuse times that nobody can mean; None passes.

    Raises
    ------
    Invalid
        ``patience_invalid``, naming the time.
    """
    for name, value in seconds.items():
        if value is not None and not 0 < value <= _LONGEST_S:
            raise Invalid(
                "patience_invalid",
                f"{name}={value:g} is not between 0 and {_LONGEST_S:g} seconds.",
                f"Leave {name} out for the usual.",
            )
