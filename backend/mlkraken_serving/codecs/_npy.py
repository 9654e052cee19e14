"""numpy's own file formats, one array (``.npy``) or several by name (``.npz``), in and out."""

from __future__ import annotations

import io
import math
import zipfile
from typing import TYPE_CHECKING, Any

from mlkraken_serving._errors import BodyError, InputError, ServingError
from mlkraken_serving._manifest import Signature
from mlkraken_serving._values import ModelInput, Tensor
from mlkraken_serving.codecs._json_in import InputReader

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NPY", "NPZ", "read_npy", "write_npy"]

NPY = b"\x93NUMPY"
NPZ = b"PK\x03\x04"
"""How such files begin."""

_MOST_UNZIPPED = 2**27


def read_npy(body: bytes, signature: Signature) -> ModelInput:
    """Return the rows of an ``.npy`` or ``.npz`` file; never one that holds pickled objects.

    An array that is what the model was shown in the notebook reaches it as it is. Of several
    arrays each is a column, by its name; a single one is the rows.

    Raises
    ------
    BodyError
        ``npy_unreadable``, ``npy_objects`` or ``npy_too_large``.
    InputError
        ``npy_dtype``, and what `InputReader.read` raises.
    """
    try:
        arrays = _unzipped(body) if body.startswith(NPZ) else {"": _array(body)}
    except ServingError:
        raise
    except Exception as error:  # whose head is no head makes numpy's tokenizer raise anything
        raise BodyError(
            "npy_unreadable",
            f"The body is not a numpy file: {error}.",
            "Send what numpy.save(file, array) or numpy.savez(file, **columns) wrote.",
        ) from error
    if len(arrays) == 1:
        return _rows(next(iter(arrays.values())), signature)
    columns = {name: _cells(array) for name, array in arrays.items()}
    return InputReader(signature).read(columns)


def _unzipped(body: bytes) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > _MOST_UNZIPPED:  # a few kilobytes can claim to be terabytes
            raise BodyError(
                "npy_too_large",
                f"The arrays have {size} bytes; {_MOST_UNZIPPED} are taken at once.",
                "Send fewer rows at once.",
            )
        return {
            name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()
        }


def _array(data: bytes) -> npt.NDArray[Any]:
    """Return the array in a file; numpy's own reader would make room for what the head claims."""
    import numpy as np

    file = io.BytesIO(data)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"it has the version {version}")
    shape, fortran, dtype = readers[version](file)
    if dtype.hasobject:
        raise BodyError(
            "npy_objects",
            "The numpy file holds pickled objects, which are never read here.",
            "Make it an array of numbers or text: array.astype(float).",
        )
    values = data[file.tell() :]
    if math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"its head tells of {shape} values of {dtype}, which are not there")
    array = np.ndarray(shape, dtype, bytearray(values), order="F" if fortran else "C")
    return np.ascontiguousarray(array) if fortran else array


def _rows(array: npt.NDArray[Any], signature: Signature) -> ModelInput:
    if signature.kind == "ndarray" and _as_shown(array, signature):
        return Tensor(array)
    if array.dtype.kind not in "biufUM":
        raise InputError(
            "npy_dtype",
            f"An array of {array.dtype} cannot be read.",
            "Send numbers, truth values, text or times.",
        )
    plain = array.astype(str) if array.dtype.kind == "M" else array
    return InputReader(signature).read(_cells(plain))


def _cells(array: npt.NDArray[Any]) -> Any:
    try:
        return array.tolist()
    except (ValueError, SystemError) as error:  # numpy makes text of any four bytes
        raise BodyError(
            "npy_unreadable",
            f"The numpy file has text that is not Unicode: {error}.",
            "Send what numpy.save(file, array) or numpy.savez(file, **columns) wrote.",
        ) from error


def _as_shown(array: npt.NDArray[Any], signature: Signature) -> bool:
    import numpy as np

    field = signature.fields[0]
    shape = field.shape or [-1]
    if not field.storage or array.dtype != np.dtype(field.storage) or array.ndim != len(shape):
        return False
    fits = zip(array.shape[1:], shape[1:], strict=True)
    return array.dtype.kind in "biuf" and all(want in (-1, have) for have, want in fits)


def write_npy(value: Any) -> bytes:
    """Return an answer as an ``.npy`` file.

    Raises
    ------
    InputError
        ``answer_not_array``: it has no such form; another one has to be asked for.
    """
    import numpy as np

    try:
        array = np.asarray(value)
    except ValueError:  # lists that differ in length
        raise _not_array() from None
    if array.dtype == object:
        cells = array.ravel().tolist()
        if not all(isinstance(cell, str) for cell in cells):
            raise _not_array()
        array = np.array(cells, dtype=str).reshape(array.shape)
    into = io.BytesIO()
    np.save(into, array, allow_pickle=False)
    return into.getvalue()


def _not_array() -> InputError:
    return InputError(
        "answer_not_array",
        "The answer is not an array of numbers or text, so it has no numpy file.",
        "Ask for application/json: Accept: application/json.",
    )
