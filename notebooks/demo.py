"""Run the quickstart notebook without a browser and report what it did.

``make demo`` calls this. It leaves the executed notebook, its HTML page and the graph of response
times in ``build/demo/``, and stops what it started unless told to keep it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from traitlets.config import Config

from mlkraken_client import Kraken
from mlkraken_client._embedded import stop

HERE = Path(__file__).parent
CELL_TIMEOUT_S = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=HERE.parent / "build" / "demo")
    parser.add_argument("--keep", action="store_true", help="let the services go on")
    options = parser.parse_args()
    output: Path = options.output.absolute()
    home = Path(os.environ.get("MLKRAKEN_HOME") or output / "home").absolute()
    os.environ["MLKRAKEN_HOME"] = str(home)
    stop(home)
    if home == output / "home":
        shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    try:
        notebook = _execute(output)
        _save(notebook, output)
        _report(output)
    finally:
        if not options.keep:
            stop(home)
    print(_farewell(options.keep, home))
    return 0


def _execute(output: Path) -> Any:
    notebook = nbformat.read(HERE / "quickstart.ipynb", as_version=4)
    print(f"running {HERE.name}/quickstart.ipynb ...", flush=True)
    with tempfile.TemporaryDirectory() as sockets:
        # Sockets in a folder of our own, for on TCP every user of the machine could listen in.
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            resources={"metadata": {"path": str(output)}},
            config=config,
        )
        return client.execute()


def _save(notebook: Any, output: Path) -> None:
    nbformat.write(notebook, output / "quickstart.ipynb")
    page, _ = HTMLExporter().from_notebook_node(notebook)
    (output / "quickstart.html").write_text(page, "utf-8")


def _report(output: Path) -> None:
    kraken = Kraken()
    print("\ndeployed")
    for model in kraken.models().describe():
        where = model["endpoint"]
        at = f"{where['ip']}:{where['port']}" if where else "no address"
        print(
            f"  {model['name']:<18} version {model['live_version']} of {model['versions']}"
            f"  {model['state']}  {at}"
        )
    service = kraken["penguins"].service(1)
    answers = [cell for cell in ("Biscoe", "Dream", "Torgersen")]
    bird = {
        "bill_length_mm": 46.5,
        "bill_depth_mm": 14.5,
        "flipper_length_mm": 213,
        "body_mass_g": 4400,
        "sex": None,
        "year": 2007,
    }
    print("\nanswers of penguins, version 1")
    for island in answers:
        told = service.query({"island": island, **bird})
        took = told["metaData"]["modelTimeMs"]
        print(f"  a bird of {island:<10} -> {told['result'][0]}  (model time {took:.2f} ms)")
    times = service.response_times()["response_ms"]
    shares = times.quantile([0.5, 0.95, 0.99], interpolation="higher")
    print(f"\nresponse times of {len(times)} queries")
    print("  " + "   ".join(f"p{share * 100:g} {value:.2f} ms" for share, value in shares.items()))
    print("\nwritten")
    for name in ("quickstart.ipynb", "quickstart.html", "response-times.png"):
        size = (output / name).stat().st_size
        print(f"  {output / name}  ({size // 1024} kB)")


def _farewell(kept: bool, home: Path) -> str:
    if kept:
        return f"\nThe services go on. Stop them: mlkraken --home '{home}' backend stop"
    return "\nEverything was stopped again. `make lab` opens the notebook with the panel."


if __name__ == "__main__":
    sys.exit(main())
