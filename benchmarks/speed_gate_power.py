"""
How often the speed gate is right: it has to find code that is 40 % slower, and to pass code that is the same.

    python benchmarks/speed_gate_power.py [CHECKOUT] --repeat 20 --case start --case "simulation self-control"

BASE is the checkout (default: this one), HEAD a copy of it: as it is, and with work planted. In the copy each simulated
second is followed by busy work of --share of the processor time since the one before (the first: since the run began),
and each process ends with busy work of --share of its own. Copies take the kernels of the checkout, whose
code they share, so that nothing is compiled twice. Each repetition is a whole run of the gate. Exit code 1 if the gate
failed unchanged code or passed a planted case.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from ratios import SLOWER, Limits
from speed_gate import Case, arguments, measure
from speed_sides import CASES, Fault, prepare

ROOT = Path(__file__).resolve().parents[1]
SHARE = 0.4
PLANTED = ("start", "simulation self-control", "simulation horizon", "results")

# A module of its own, so that the patched lines stay short.
BUSY = """
import atexit, time
SHARE = {share}
mark = 0.0
def begin():
    global mark
    mark = time.process_time()
def spin(since):
    end = time.process_time() * (1 + SHARE) - SHARE * since
    while time.process_time() < end:
        pass
def step():
    spin(mark)
    begin()
"""
AT_EXIT = "\nfrom sim import busy as _busy\n_busy.atexit.register(_busy.spin, 0.0)\n"
PATCHES = (
    ("    started = time.perf_counter()\n", "    started = time.perf_counter()\n    busy.begin()\n"),
    (
        "        watch.steps += 1\n        watch.control",
        "        busy.step()\n        watch.steps += 1\n        watch.control",
    ),
    ("from sim import __version__\n", "from sim import __version__, busy\n"),
)


def main() -> int:
    """Repeat the gate with both copies and print what it said."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--share", type=float, default=SHARE)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--case", action="append", choices=PLANTED)
    parser.add_argument("--only", choices=["same", "planted"])
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    gate = arguments().parse_args(["BASE", "HEAD", "--pairs", str(args.pairs)])
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="speed-power-") as name:
        folder = Path(name)
        try:
            base = prepare(str(args.checkout), "base", folder)
            heads = {
                what: prepare(str(copy(base.checkout, folder / f"{what}-copy", share)), what, folder)
                for what, share in (("same", 0.0), ("planted", args.share))
                if args.only in {None, what}
            }
        except Fault as fault:
            print(f"speed_gate_power: {fault}", file=sys.stderr)
            return fault.exit_code
        for case_name in args.case or PLANTED:
            for what, head in heads.items():
                failed = 0
                for repetition in range(args.repeat):
                    begun = time.perf_counter()
                    case = Case(case_name, Limits(gate.ratio, CASES[case_name].loss))
                    verdict = measure(case, base, head, gate).verdict()
                    failed += verdict == SLOWER
                    said = "; ".join(case.broken.values())
                    if case.pairs:
                        seen = case.judged()
                        said = (
                            f"{seen.ratio:.3f} ({seen.low:.3f} to {seen.high:.3f}), {len(case.pairs)} pairs"
                        )
                    wall = time.perf_counter() - begun
                    print(
                        f"{case_name}, {what}, {repetition + 1}: {verdict}, {said}, {wall:.0f} s", flush=True
                    )
                asked = args.repeat if what == "planted" else 0
                wrong += failed != asked
                print(f"{case_name}, {what}: {failed} of {args.repeat} failed, asked {asked}", flush=True)
    return int(wrong > 0)


def copy(checkout: Path, target: Path, share: float) -> Path:
    """Copy what the cases need of a checkout, and plant busy work of a share in it."""
    for name in ("sim", "benchmarks", "scenarios", "networks"):
        ignored = shutil.ignore_patterns("__pycache__", "core") if name == "sim" else None
        shutil.copytree(checkout / name, target / name, ignore=ignored)
    # Compiled kernels are kept by the place of their source, so the copy has to use those of the checkout.
    (target / "sim" / "core").mkdir()
    kernels = str(checkout / "sim" / "core")
    (target / "sim" / "core" / "__init__.py").write_text(f"__path__ = [{kernels!r}]\n", encoding="utf-8")
    if share == 0:
        return target
    (target / "sim" / "busy.py").write_text(BUSY.format(share=share), encoding="utf-8")
    run = target / "sim" / "run.py"
    text = run.read_text(encoding="utf-8")
    for old, new in PATCHES:
        if text.count(old) != 1:
            msg = f"{checkout}: sim/run.py does not hold {old.strip()!r} once, so nothing can be planted"
            raise Fault(msg, 2)
        text = text.replace(old, new)
    run.write_text(text, encoding="utf-8")
    with (target / "sim" / "__init__.py").open("a", encoding="utf-8") as package:
        package.write(AT_EXIT)
    return target


if __name__ == "__main__":
    sys.exit(main())
