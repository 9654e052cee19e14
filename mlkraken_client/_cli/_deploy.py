"""Deploy a saved model, pack it, or serve it in the foreground."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from mlkraken_client._cli._common import Context, command, echo_json
from mlkraken_client._cli._example import read_example
from mlkraken_client._errors import ConfigurationError
from mlkraken_client._pack import pack, read_bundle, told_of_compiling
from mlkraken_client._serve import serve_bundle
from mlkraken_client._transport import is_loopback

__all__ = ["register"]


def register(main: click.Group) -> None:
    """Add the commands."""
    _deploy(main)
    _pack(main)
    _serve(main)


_EXAMPLE = click.option(
    "--example", "example_file", help="CSV, JSON, Parquet or .npy file with a few rows of input."
)
_RUNTIME = click.option("--runtime", default=None, help="What runs the model; found out if left.")
_CODE = click.option("--code", multiple=True, help="File or folder of modules; may be repeated.")
_REQUIREMENTS = click.option("--requirements", default=None, help="File of requirements.")
_BATCH = click.option(
    "--batch/--no-batch",
    default=None,
    help="Predict rows of different queries in one call; found out if left. "
    "Without, every answer has the bits of the query alone.",
)
_WORKERS = click.option("--workers", default=1, help="Processes that hold the model.")
_COMPILE = click.option(
    "--compile", "compile", is_flag=True, help="Serve a compiled form, if proven to agree."
)


_LIMITS: dict[str, tuple[float, str]] = {
    "deadline": (60.0, "Seconds that one query may take."),
    "most-mib": (100.0, "Largest request body in MiB."),
    "queue": (4096, "Most queries that may wait for the model."),
    "batch-rows": (4096, "Most rows that are predicted in one call."),
}


def _limits(command: Any) -> Any:
    for name, (usual, told) in reversed(_LIMITS.items()):
        command = click.option(f"--{name}", default=usual, show_default=True, help=told)(command)
    return command


def _deploy(main: click.Group) -> None:
    @click.argument("name")
    @click.argument("path")
    @_EXAMPLE
    @_RUNTIME
    @_CODE
    @_REQUIREMENTS
    @_BATCH
    @_COMPILE
    @click.option("--cpu", default=1.0, help="Cores of each replica.")
    @click.option("--memory", default="2GB", help="Memory of each replica.")
    @click.option("--replicas", default=1, help="Number of replicas.")
    @_WORKERS
    @click.option("--start/--no-start", default=True, help="Leave it running.")
    @click.option("--live/--no-live", default=True, help="Let the stable address answer with it.")
    @click.option("--timeout", default=120.0, help="Seconds it has to get ready.")
    @click.option("--description", default="", help="What the model is.")
    def deploy(
        context: Context,
        as_json: bool,
        name: str,
        path: str,
        example_file: str | None,
        code: tuple[str, ...],
        **options: Any,
    ) -> None:
        """Deploy the saved model at PATH as a new version of NAME."""
        service = context.kraken().deploy(
            path,
            name,
            example=read_example(example_file),
            code=code,
            quiet=as_json,
            **options,
        )
        told = service.describe()
        if as_json:
            echo_json(told)
            return
        where = ", ".join(item["url"] for item in told["endpoints"])
        click.echo(
            f"{name}@{service.version} is {told['state']}" + (f" at {where}" if where else "")
        )

    command(main, "deploy")(deploy)


def _pack(main: click.Group) -> None:
    @click.argument("path")
    @click.option("-o", "--output", required=True, help="Folder for the bundle; must be empty.")
    @click.option("--name", default="", help="Name in the bundle; the file's if left out.")
    @_EXAMPLE
    @_CODE
    @_REQUIREMENTS
    @_BATCH
    @_COMPILE
    def pack_(
        context: Context,
        as_json: bool,
        path: str,
        output: str,
        name: str,
        example_file: str | None,
        code: tuple[str, ...],
        requirements: str | None,
        batch: bool | None,
        compile: bool,
    ) -> None:
        """Write the bundle of the saved model at PATH, and nothing else."""
        folder = Path(output).expanduser()
        if folder.exists() and any(folder.iterdir()):
            raise ConfigurationError(
                "folder_not_empty",
                f"{folder} is not empty.",
                "Name a folder that is, or a new one.",
            )
        bundle = pack(
            path,
            name or _name_of(path),
            folder,
            example=read_example(example_file),
            requirements=requirements,
            code=code,
            batch=batch,
            compile=compile,
        )
        if as_json:
            echo_json({"folder": str(folder), "digest": bundle.digest, "size": bundle.size})
        else:
            click.echo(f"{folder}: {bundle.digest} ({bundle.size} bytes)")
            if compile:
                click.echo(told_of_compiling(bundle.manifest))

    command(main, "pack")(pack_)


def _serve(main: click.Group) -> None:
    @click.argument("path")
    @click.option("--host", default="127.0.0.1", help="Address to listen on.")
    @click.option("--port", default=0, help="Port to listen on; 0 takes any free one.")
    @click.option(
        "--token",
        default="",
        envvar="MLKRAKEN_SERVE_TOKEN",
        help="Secret that queries must carry; also MLKRAKEN_SERVE_TOKEN.",
    )
    @click.option("--name", default="", help="Name it goes by; the file's if left out.")
    @_EXAMPLE
    @_RUNTIME
    @_CODE
    @_REQUIREMENTS
    @_BATCH
    @_COMPILE
    @_WORKERS
    @_limits
    def serve(
        context: Context,
        as_json: bool,
        path: str,
        host: str,
        port: int,
        token: str,
        name: str,
        example_file: str | None,
        runtime: str | None,
        code: tuple[str, ...],
        requirements: str | None,
        batch: bool | None,
        compile: bool,
        workers: int,
        **limits: float,
    ) -> None:
        """Serve the saved model at PATH in the foreground, without a backend.

        Prints "ready http://HOST:PORT" when it answers.
        """
        from mlkraken_client._deploy import check_runtime

        check_runtime(runtime)
        if not is_loopback(host) and not token:
            raise ConfigurationError(
                "token_required",
                f"Serving on {host} without a token would let anyone query the model.",
                "Set a secret with --token or MLKRAKEN_SERVE_TOKEN, or leave --host out.",
            )
        with tempfile.TemporaryDirectory(prefix="mlkraken-") as folder:
            bundle = pack(
                path,
                name or _name_of(path),
                Path(folder) / "bundle",
                example=read_example(example_file),
                requirements=requirements,
                code=code,
                batch=batch,
                compile=compile,
            )
            if compile:
                click.echo(told_of_compiling(bundle.manifest), err=True)
            status = serve_bundle(
                bundle, host=host, port=port, token=token, workers=workers, limits=limits
            )
        click.get_current_context().exit(status)

    command(main, "serve")(serve)


def _name_of(path: str) -> str:
    """A bundle's own name, or for a file its stem, in the letters that names have."""
    from mlkraken_client._deploy import name_like

    folder = Path(path).expanduser()
    if (folder / "kraken.json").is_file():
        return str(read_bundle(folder).manifest["name"])
    return name_like(Path(path).stem) or "model"
