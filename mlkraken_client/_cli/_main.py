"""The ``mlkraken`` program."""

from __future__ import annotations

import click

from mlkraken_client._cli._backend import register as register_backend
from mlkraken_client._cli._common import Context
from mlkraken_client._cli._deploy import register as register_deploy
from mlkraken_client._cli._models import register as register_models
from mlkraken_client._cli._query import register as register_query
from mlkraken_client._cli._tokens import register as register_tokens
from mlkraken_client._version import __version__

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlkraken")
@click.option("--home", default="", help="Home of the embedded backend (or MLKRAKEN_HOME).")
@click.option("--backend", default="", help="URL or name of a backend (or MLKRAKEN_URL).")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.pass_context
def main(context: click.Context, home: str, backend: str, debug: bool) -> None:
    """Make trained models network services."""
    context.obj = Context(home, backend, debug)


register_backend(main)
register_deploy(main)
register_models(main)
register_query(main)
register_tokens(main)
