"""Models are packed by value, and what cannot be packed is named by the way to it."""

from __future__ import annotations

import functools
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlkraken_client._errors import PackError
from mlkraken_client._pack._flavors import recognise
from mlkraken_client._pack._pickling import _modules_of, pickle_model


class Holder:
    def __init__(self, **parts: object) -> None:
        self.__dict__.update(parts)


def refused(model: object) -> PackError:
    with pytest.raises(PackError) as caught:
        pickle_model(model)
    assert caught.value.code == "unpicklable"
    return caught.value


def test_the_path_to_an_unpicklable_attribute_is_named() -> None:
    model = Holder(steps=[("scale", Holder()), ("classify", Holder(lock=threading.Lock()))])
    assert "model.steps[1][1].lock is a _thread.lock" in refused(model).message


def test_a_connection_in_a_dictionary_is_named() -> None:
    model = Holder(cache={"db": sqlite3.connect(":memory:")})
    assert "model.cache['db'] is a sqlite3.Connection" in refused(model).message


def test_a_captured_variable_is_named() -> None:
    lock = threading.Lock()

    def predict(x: float) -> float:
        with lock:
            return x

    assert "model -> variable lock is a _thread.lock" in refused(predict).message


def test_a_bound_methods_object_is_looked_into() -> None:
    class Model:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def score(self, x: float) -> float:
            return x

    assert ".lock is a _thread.lock" in refused(Model().score).message


def test_a_partials_argument_is_reached() -> None:
    message = refused(functools.partial(print, threading.Lock())).message
    assert "model" in message
    assert "lock" in message


def test_the_way_out_is_told() -> None:
    assert "__getstate__" in refused(Holder(lock=threading.Lock())).hint


def test_an_object_that_refuses_by_itself_is_named() -> None:
    class Stubborn:
        def __reduce__(self) -> str:
            raise RuntimeError("not me")

    error = refused(Holder(part=Stubborn()))
    assert "model.part" in error.message
    assert "not me" in error.message


def test_modules_are_noted_also_from_imports_inside_functions() -> None:
    def predict(x: float) -> float:
        import colorsys

        return colorsys.rgb_to_hsv(x, x, x)[2]

    assert "colorsys" in pickle_model(predict).modules


def test_library_models_name_their_library(penguins: tuple) -> None:
    model, _ = penguins
    tops = {name.partition(".")[0] for name in pickle_model(model).modules}
    assert "sklearn" in tops


def test_the_same_model_gives_the_same_bytes(penguins: tuple) -> None:
    model, _ = penguins
    assert pickle_model(model).data == pickle_model(model).data


def test_what_a_cell_defines_loads_in_a_process_that_never_saw_it(tmp_path: Path) -> None:
    script = tmp_path / "cell.py"
    script.write_text(
        "from mlkraken_client._pack._pickling import pickle_model\n"
        "import sys\n"
        "RATE = 3\n"
        "class Model:\n"
        "    def predict(self, xs):\n"
        "        return [RATE * x for x in xs]\n"
        "sys.stdout.buffer.write(pickle_model(Model()).data)\n"
    )
    data = subprocess.run([sys.executable, script], capture_output=True, check=True).stdout
    (tmp_path / "model.pkl").write_bytes(data)
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import pickle; print(pickle.load(open('model.pkl','rb')).predict([1, 2]))",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[3, 6]"


def test_a_class_that_names_no_module_is_no_obstacle() -> None:
    class Odd:
        def __init__(self) -> None:
            self.value = 1

        def predict(self, rows: list[float]) -> list[float]:
            return [row + self.value for row in rows]

    Odd.__module__ = property(lambda self: "nowhere")  # type: ignore[assignment]
    assert recognise(Odd()).flavor == "object"
    assert list(_modules_of(Odd())) == [""]
