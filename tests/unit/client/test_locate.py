"""Which backend a client talks to: argument, environment, configuration, this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlkraken_client._errors import ConfigurationError
from mlkraken_client._locate import locate


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("from-file\n")
    path = tmp_path / "config.json"
    told = {"backends": {"team": {"url": "https://t.invalid/", "token_file": f"{tmp_path}/secret"}}}
    path.write_text(json.dumps(told))
    return path


def test_nothing_said_means_the_embedded_backend_of_this_account(tmp_path: Path) -> None:
    environment = {"MLKRAKEN_HOME": f"{tmp_path}/h", "MLKRAKEN_CONFIG": f"{tmp_path}/none"}
    assert locate(None, environment=environment).home == tmp_path / "h"


def test_the_platforms_folder_is_used_without_a_home(tmp_path: Path) -> None:
    home = locate(None, environment={"MLKRAKEN_CONFIG": f"{tmp_path}/none"}).home
    assert home is not None
    assert home.name == "mlkraken"


def test_the_environment_names_a_url(tmp_path: Path) -> None:
    environment = {
        "MLKRAKEN_URL": "https://x.invalid/",
        "MLKRAKEN_TOKEN": "t",
        "MLKRAKEN_CONFIG": f"{tmp_path}/none",
    }
    target = locate(None, environment=environment)
    assert (target.url, target.token, target.home) == ("https://x.invalid", "t", None)


def test_the_argument_wins_over_the_environment(tmp_path: Path) -> None:
    environment = {"MLKRAKEN_URL": "https://x.invalid", "MLKRAKEN_HOME": f"{tmp_path}/h"}
    assert locate("embedded", environment=environment).home == tmp_path / "h"


def test_a_name_is_looked_up_in_the_configuration(config: Path) -> None:
    target = locate("team", environment={"MLKRAKEN_CONFIG": str(config)})
    assert (target.url, target.token) == ("https://t.invalid", "from-file")


def test_an_unknown_name_says_where_to_write_it(config: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        locate("aws", environment={"MLKRAKEN_CONFIG": str(config)})
    assert caught.value.code == "backend_unknown"
    assert str(config) in caught.value.hint


def test_a_url_without_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        locate("https://x.invalid", environment={"MLKRAKEN_CONFIG": f"{tmp_path}/none"})
    assert caught.value.code == "token_unconfigured"


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    environment = {
        "MLKRAKEN_TOKEN_FILE": f"{tmp_path}/gone",
        "MLKRAKEN_CONFIG": f"{tmp_path}/none",
    }
    with pytest.raises(ConfigurationError) as caught:
        locate("https://x.invalid", environment=environment)
    assert "gone" in caught.value.message


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_broken_configuration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        locate(None, environment={"MLKRAKEN_CONFIG": f"{tmp_path}/config.json"})
    assert caught.value.code == "config_invalid"
