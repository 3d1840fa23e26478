"""
What a dask cluster costs: efficiency of 1, 2 and 4 workers on this machine, and a model for 100 and 1,000.

    python benchmarks/cluster.py [--rounds 3] [--seeds 1-6]

Everything runs here, on loopback: a scheduler, workers of one thread, the batch. In every round the same batch is done
locally with one and two jobs and on 1, 2 and 4 workers, and on 2 workers that share no folder with the batch. Ratios are
taken inside a round and the middle one is printed. Efficiency is the local time of one job over the time of the cluster
times the cores that can be busy. Locally and on one worker a batch of one seed is timed too: it parts what each run costs
more on a worker from what the start of a worker costs once. Then the other costs of which the model is made: of a task in
scheduler and batch, of bytes that are collected, of the store. Exit code 1 if a result differs from the local one.
"""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batch import results
from rich.console import Console
from rich.table import Table

from sim.batch.parcel import pack_run, unpack_run
from sim.batch.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = [sys.executable, "-m", "sim.cli.main", "run", "-c", "program", "-c", "max-pressure"]
ROOT = Path(__file__).parents[1]
TASKS = 200
WORKERS = (1, 2, 4)
SCALES = (100, 1000)  # workers of the model
FEW, FEW_CLUSTER = "local-1 of one seed", "cluster-1 of one seed"
LENGTHS = (10.0, 60.0, 600.0)  # [s] of a run of the model


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", default="1-6")
    parser.add_argument("--scenario", default="resco-cologne8")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [*COMMAND, args.scenario]
        local = ["--jobs", "1", "--seeds", "1", "--out", str(folder / "few")]
        timed([*command, *local], folder)  # compiles, if nobody did
        few = len(list((folder / "few" / "runs").iterdir()))
        rounds = [one_round(command, args.seeds, folder / str(k)) for k in range(args.rounds)]
        runs = list((folder / "0" / "local-1" / "runs").iterdir())
        expected = results(folder / "0" / "local-1")
        places = [
            place
            for k in range(args.rounds)
            for place in sorted((folder / str(k)).glob("*"))
            if (place / "runs").is_dir()
        ]
        same = all(results(place) == expected for place in places)
        costs = measure_costs(folder / "costs", runs)
    show(rounds, same=same, runs=(len(runs), few), costs=costs)
    return int(not same)


def one_round(command: list[str], seeds: str, folder: Path) -> dict[str, float]:
    """Time every way to do the batch once [s]; FEW and FEW_CLUSTER are batches of one seed."""
    folder.mkdir()
    times = {}

    def note(way: str, where: list[str], given: str, out: Path) -> None:
        times[way] = timed([*command, "--seeds", given, *where, "--out", str(out)], folder)

    note(FEW, ["--jobs", "1"], "1", folder / "few" / FEW)
    for jobs in (1, 2):
        note(f"local-{jobs}", ["--jobs", str(jobs)], seeds, folder / f"local-{jobs}")
    for count in WORKERS:
        with cluster(folder, count) as port:
            if count == 1:
                note(FEW_CLUSTER, ["--executor", port], "1", folder / "few" / FEW_CLUSTER)
            note(f"cluster-{count}", ["--executor", port], seeds, folder / f"cluster-{count}")
    with cluster(folder, 2) as port:
        # This path leads every process to its own working folder, so nothing is shared.
        note("collected-2", ["--executor", port], seeds, Path("/proc/self/cwd/collected-2"))
    return times


def timed(command: list[str], folder: Path) -> float:
    """Time a batch [s]."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, env=environment(), capture_output=True)
    return time.perf_counter() - begun


def environment() -> dict[str, str]:
    """Let every process find this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


@contextmanager
def cluster(folder: Path, count: int) -> Iterator[str]:
    """Start a scheduler and workers, wait until they are there, and end them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    tools = [["dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    worker = [
        "dask_worker",
        address,
        "--host",
        "127.0.0.1",
        "--nthreads",
        "1",
        "--no-nanny",
        "--no-dashboard",
    ]
    tools += [[*worker, "--local-directory", str(folder / f"w{secrets.token_hex(4)}")] for _ in range(count)]
    processes = []
    try:
        for tool, *arguments in tools:
            place = folder / f"{tool}-{secrets.token_hex(4)}"
            place.mkdir()
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", f"distributed.cli.{tool}", *arguments],
                    cwd=place,
                    env=environment(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        from distributed import Client

        with Client(address, timeout=60) as client:
            client.wait_for_workers(count, timeout=60)
        yield f"dask://127.0.0.1:{port}"
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def measure_costs(folder: Path, runs: list[Path]) -> dict[str, float]:
    """Measure the parts that do not grow with the machines: batch, scheduler and store."""
    from distributed import Client

    folder.mkdir()
    parcels = [pack_run(run) for run in runs]
    size = statistics.mean(sum(map(len, parcel.values())) for parcel in parcels)
    with cluster(folder, 1) as port, Client(port.replace("dask", "tcp"), timeout=60) as client:
        (worker,) = client.nthreads()

        def send(payload: int) -> Callable[[], None]:
            def all_of_them() -> None:
                count = TASKS if payload == 0 else 50
                futures = [
                    client.submit(bytes, payload, key=secrets.token_hex(8), workers=[worker])
                    for _ in range(count)
                ]
                for future in futures:
                    future.result()

            return all_of_them

        send(0)()
        task = middle(send(0)) / TASKS
        mebibyte = middle(send(1 << 20)) / 50 - task
    store = Store(folder / "store")
    store.prepare()

    def place() -> None:
        for parcel in parcels:
            key = secrets.token_hex(8)
            directory = store.working_directory(key, os.getpid())
            unpack_run(parcel, directory)
            store.publish(directory, key)

    return {"task": task, "mebibyte": mebibyte, "bytes": size, "store": middle(place) / len(parcels)}


def middle(work: Callable[[], None]) -> float:
    """Time something three times and take the middle [s]."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def show(
    rounds: list[dict[str, float]], *, same: bool, runs: tuple[int, int], costs: dict[str, float]
) -> None:
    """Print both tables."""
    many, few = runs
    cores = len(os.sched_getaffinity(0))
    console = Console(width=110)
    console.print(
        f"{processor()}, {cores} cores; {many} runs a batch, {len(rounds)} rounds; bit for bit: {same}"
    )

    def ratio(value: Callable[[dict[str, float]], float]) -> str:
        values = sorted(value(times) for times in rounds)
        return f"{statistics.median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f})"

    table = Table(title="efficiency: local time of one job / (time × busy cores)")
    for column in ("way", "time [s], middle", "efficiency", "against as many local jobs"):
        table.add_column(column)
    for way in rounds[0]:
        if way in {FEW, FEW_CLUSTER}:
            continue
        kind, _, number = way.partition("-")
        busy = min(int(number), cores)
        efficiency = ratio(lambda times, way=way, busy=busy: times["local-1"] / times[way] / busy)
        peer = f"local-{min(int(number), 2)}"
        against = "" if kind == "local" else ratio(lambda times, way=way, peer=peer: times[peer] / times[way])
        table.add_row(way, f"{statistics.median(times[way] for times in rounds):.1f}", efficiency, against)
    console.print(table)

    collected = costs["task"] + costs["bytes"] / 2**20 * costs["mebibyte"] + costs["store"]
    more = statistics.median(times["cluster-1"] - times["local-1"] for times in rounds)
    begin = statistics.median(times[FEW_CLUSTER] - times[FEW] for times in rounds)
    extra = (more - begin) / (many - few)
    console.print(
        f"a task in batch and scheduler {1000 * costs['task']:.1f} ms; a run is {costs['bytes'] / 1024:.0f} KiB, "
        f"collecting {1000 * costs['mebibyte']:.0f} ms/MiB, storing {1000 * costs['store']:.1f} ms; "
        f"a run on a worker takes {extra:.2f} s more than here, the first on each {begin - few * extra:.1f} s more"
    )
    model = Table(title="model, not measured: share of the workers' time that is spent on runs")
    for column in ("workers", "run [s]", "shared folder", "collected"):
        model.add_column(column)
    for workers in SCALES:
        for length in LENGTHS:
            shares = [length / max(length + max(extra, 0.0), workers * c) for c in (costs["task"], collected)]
            model.add_row(str(workers), f"{length:g}", *(f"{share:.2f}" for share in shares))
    console.print(model)


def processor() -> str:
    """Name the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


if __name__ == "__main__":
    sys.exit(main())
