"""What a bundle says of itself: ``kraken.json`` as types.

The contract is ``docs/bundle.md``; the example documents that Python and TypeScript tests
both read are in ``backend/contract/examples``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from mlkraken_serving._errors import BundleError

__all__ = [
    "FORMAT",
    "Bundle",
    "Compiled",
    "CompiledInput",
    "CompiledMethod",
    "Entry",
    "Field",
    "Manifest",
    "Signature",
    "read_bundle",
]

FORMAT = 1
"""Newest bundle format this server reads."""

Level = str | bool | int | float
"""One of a category's levels."""

Kind = Literal["dataframe", "series", "ndarray", "list", "records", "dict", "scalar", "any"]


_INTS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_DTYPES = frozenset(
    [
        *_INTS,
        *("float16", "float32", "float64", "bool", "string", "bytes", "category"),
        *("datetime", "date", "timedelta", "decimal", "json", "any"),
    ]
)
_STORAGE = re.compile(
    r"|object|category|str|string(\[\w+\])?|bool|boolean"
    r"|u?int(8|16|32|64)|U?Int(8|16|32|64)|float(16|32|64)|Float(32|64)"
    r"|[<>|=]?([iu][1248]|f[248]|b1)|(datetime|timedelta)64\[(s|ms|us|ns)(, .+)?\]"
)
_SPARSE = re.compile(r"(csr|csc|coo|bsr|dia|dok|lil)_(matrix|array)")
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_ONE_FIELD = ("series", "ndarray", "list", "scalar")


class Field(msgspec.Struct, frozen=True):
    """One named column (or, for tensors, the one tensor) of a signature.

    ``dtype`` is the portable name (``float64``, ``string``, ``category`` ...); ``storage`` is the
    exact pandas or numpy dtype the notebook's own data had, so that the model sees the same.
    ``missing`` is what a missing value was there: ``nan`` or ``none``. ``label`` tells that the
    column's label was a whole number, which JSON writes as text, or that a series had no name.
    ``sparse`` names scipy's class where the array was a sparse matrix.
    """

    name: str
    dtype: str
    nullable: bool = True
    missing: Literal["nan", "none"] = "none"
    storage: str = ""
    levels: list[Level] | None = None
    level_dtype: str = ""
    ordered: bool = False
    tz: str = ""
    unit: Literal["", "s", "ms", "us", "ns"] = ""
    shape: list[int] | None = None
    label: Literal["str", "int", "none"] = "str"
    sparse: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES:
            raise ValueError(f"{self.dtype!r} is not a dtype")
        if not _STORAGE.fullmatch(self.storage):
            raise ValueError(f"{self.storage!r} is not a dtype of numpy or pandas")
        if self.sparse and not _SPARSE.fullmatch(self.sparse):
            raise ValueError(f"{self.sparse!r} is not a class of sparse matrices")
        if self.label == "int" and not _WHOLE.fullmatch(self.name):
            raise ValueError(f"the label {self.name!r} is not a whole number")


class Signature(msgspec.Struct, frozen=True):
    """How the model wants its input, and what it answered in the notebook."""

    kind: Kind = "any"
    fields: list[Field] = []
    outputs: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        names = {field.name for field in self.fields}
        if len(names) < len(self.fields):
            raise ValueError("two fields have the same name")
        if self.kind in _ONE_FIELD and len(self.fields) != 1:
            raise ValueError(f"a signature of kind {self.kind} has one field")


class Entry(msgspec.Struct, frozen=True):
    """How to load the model and what to call.

    ``batch`` tells whether rows of different queries may be predicted in one call.
    """

    loader: str
    path: str
    call: str = "predict"
    batch: bool = False


class PythonEnvironment(msgspec.Struct, frozen=True):
    version: str = ""
    implementation: str = "CPython"


class Environment(msgspec.Struct, frozen=True):
    """What the model needs around it; ``variables`` are set where they are not set yet."""

    python: PythonEnvironment = PythonEnvironment()
    lock: str = ""
    variables: dict[str, str] = {}


class Example(msgspec.Struct, frozen=True):
    """Paths of the example's files and how exactly its answers must be met again.

    ``tolerance`` is relative; 0 means equal to the last bit.
    """

    input: str = ""
    output: str = ""
    tolerance: float = 0.0


class CompiledInput(msgspec.Struct, frozen=True):
    """One array that a compiled graph takes, and for which values it was proven.

    Of every column: its name (none for a matrix), whether it may miss a value, and the largest
    size of a number or the only texts (None: any). Beyond that the original answers.
    """

    name: str
    columns: list[str]
    missing: list[bool]
    most: list[float] | None = None
    known: list[list[str] | None] | None = None


class CompiledMethod(msgspec.Struct, frozen=True):
    """One of the model's methods: the graph's output, and dtype and shape of a row's answer."""

    output: str
    dtype: str
    shape: list[int] = []


class Compiled(msgspec.Struct, frozen=True):
    """The compiled form of the model, or why there is none; ``docs/engines.md``."""

    verdict: Literal["agrees", "refused"]
    reason: str = ""
    path: str = ""
    rows: int = 0
    tolerance: float = 0.0
    largest_difference: float = 0.0
    inputs: list[CompiledInput] = []
    methods: dict[str, CompiledMethod] = {}
    calls: list[str] = []
    classes: list[Level] = []


class FileEntry(msgspec.Struct, frozen=True):
    path: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    format: int
    name: str
    runtime: str
    flavor: str
    entry: Entry
    signature: Signature = Signature()
    environment: Environment = Environment()
    example: Example | None = None
    compiled: Compiled | None = None
    files: list[FileEntry] = []


class Bundle(msgspec.Struct, frozen=True):
    """A bundle on this machine: its folder and what it says of itself."""

    folder: Path
    manifest: Manifest

    def path(self, relative: str) -> Path:
        return self.folder / relative


def read_bundle(folder: Path) -> Bundle:
    """Read the manifest of the bundle in ``folder``.

    Raises
    ------
    BundleError
        ``bundle_missing``, ``bundle_corrupt`` or ``bundle_too_new``.
    """
    manifest = folder / "kraken.json"
    try:
        raw = manifest.read_bytes()
    except OSError as error:
        raise BundleError(
            "bundle_missing",
            f"There is no readable bundle in {folder}: {error.strerror}.",
            "Deploy the model again, or make a bundle with `mlkraken pack`.",
        ) from error
    try:
        format_ = msgspec.json.decode(raw, type=_FormatOnly).format
        if format_ > FORMAT:
            raise BundleError(
                "bundle_too_new",
                f"The bundle in {folder} has format {format_}; this server reads up to {FORMAT}.",
                "Upgrade mlkraken where the model is served.",
            )
        return Bundle(folder, msgspec.json.decode(raw, type=Manifest))
    except msgspec.MsgspecError as error:
        raise BundleError(
            "bundle_corrupt",
            f"{manifest} is not a bundle manifest: {error}.",
            "The file was changed or cut short; deploy the model again.",
        ) from error


class _FormatOnly(msgspec.Struct):
    format: int
