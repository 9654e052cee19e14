"""A text model of sparse rows as a service: deployed, asked in every way, and answering sparse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mlkraken_client._answers import decode
from mlkraken_client._codec import encode
from mlkraken_client._pack import pack
from mlkraken_client._signature import describe_input
from tests.system.serving._server import Server

TEXTS = ["a sea of krakens", "a ship", "the sea", "krakens and ships", "nothing"]


@pytest.fixture(scope="module")
def words() -> Any:
    """The rows of a vectoriser, as scikit-learn makes them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer().fit_transform(TEXTS)


@pytest.fixture(scope="module")
def models(words: Any) -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import MaxAbsScaler

    return {
        "classifier": LogisticRegression().fit(words, [1, 0, 0, 1, 0]),
        "scaler": MaxAbsScaler().fit(words).transform,
    }


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, models: dict[str, Any], words: Any
) -> Iterator[dict[str, Server]]:
    folder = tmp_path_factory.mktemp("sparse")
    started = {
        name: Server(
            pack(model, name, folder / name, example=words, batch=True).folder,
            folder / f"{name}.log",
        )
        for name, model in models.items()
    }
    yield started
    for server in started.values():
        server.end()


def test_the_example_is_answered_as_in_the_notebook(servers: dict[str, Server]) -> None:
    for server in servers.values():
        assert server.get("/health").json["parity"]["verdict"] == "equal"


def test_coordinates_and_dense_rows_get_the_models_own_answers(
    servers: dict[str, Server], models: dict[str, Any], words: Any
) -> None:
    chances = models["classifier"].predict_proba(words)
    data, _ = encode(words, describe_input(words))
    for rows in (data, words.toarray().tolist()):
        got = servers["classifier"].ask(rows, {"method": "predict_proba", "exact": True}).result
        assert np.array(got).tobytes() == chances.tobytes()
    one = servers["classifier"].ask(words[0].toarray()[0].tolist()).result
    assert one == models["classifier"].predict(words[0]).tolist()


def test_a_sparse_answer_comes_back_as_one(
    servers: dict[str, Server], models: dict[str, Any], words: Any
) -> None:
    data, meta = encode(words, describe_input(words))
    answer = servers["scaler"].ask(data, meta)
    got = decode(answer.result, answer.json["metaData"]["resultType"])
    wanted = models["scaler"](words)
    assert type(got) is type(wanted)
    assert (got != wanted).nnz == 0
