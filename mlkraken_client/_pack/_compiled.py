"""The compiled form of a model that goes into its bundle, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlkraken_client._errors import PackError
from mlkraken_client._pack._source import Source

__all__ = ["Compilation", "compilation", "told"]

PATH = "model/compiled.onnx"
_MOST_ROWS = 1000


@dataclass(frozen=True)
class Compilation:
    """What compiling adds to a bundle.

    Parameters
    ----------
    document
        The manifest's ``compiled``; None when nobody asked for it.
    files
        Contents by path below the bundle.
    modules
        Import names that serving it needs.
    provenance
        What was measured here, which is different tomorrow and does not make another bundle.
    """

    document: dict[str, Any] | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    provenance: dict[str, Any] = field(default_factory=dict)


def compilation(
    source: Source, example: Any, signature: dict[str, Any], wanted: bool
) -> Compilation:
    """Compile and prove the model if that is wanted.

    Raises
    ------
    PackError
        ``compile_unavailable`` when what compiles is not installed.
    """
    if not wanted:
        return Compilation()
    from mlkraken_client._compile import compile_model, missing_modules

    if missing := missing_modules():
        raise PackError(
            "compile_unavailable",
            f"compile=True needs {' and '.join(missing)}, which is not installed here.",
            "pip install 'mlkraken[compile]', or leave compile= out.",
        )
    cut = example[:_MOST_ROWS] if hasattr(example, "shape") else example
    attempt = compile_model(source.model, source.flavor, source.predict, cut, signature)
    if not attempt.agrees:
        return Compilation(attempt.document)
    return Compilation(
        {**attempt.document, "path": PATH},
        {PATH: attempt.graph},
        frozenset(["onnxruntime"]),
        {"compile_speedup": round(attempt.speedup, 1)},
    )


def told(manifest: dict[str, Any]) -> str:
    """Return one line for people on how a bundle was compiled; "" when it was not to be."""
    document = manifest.get("compiled")
    if document is None:
        return ""
    if document["verdict"] != "agrees":
        return f"not compiled, the original serves: {document['reason']}"
    speedup = manifest.get("provenance", {}).get("compile_speedup", 0.0)
    faster = f", {speedup:.0f} times faster" if speedup >= 1.5 else ""
    return f"compiled: agrees on {document['rows']:,} rows{faster}"
