"""Prints every figure of docs/benchmarks.md about records, with the ratio to what each is compared with.

Usage: EDFI_PLAN_CORPUS=… python3 benches/compare/records.py [--small] [--without 5M,duckdb,lightbeam]

Builds nothing: first `cargo build --release --bin edfi-plan --example payloads`. DuckDB and lightbeam come
from PyPI (`pip install duckdb lightbeam`); what is not there is left out aloud. Folders are kept in
$TMPDIR/edfi-plan-records. --small takes a tenth of the records.
"""

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
program = os.path.join(root, "target", "release", "edfi-plan")
payloads = os.path.join(root, "target", "release", "examples", "payloads")
work = os.path.join(tempfile.gettempdir(), "edfi-plan-records")
small = "--small" in sys.argv
without = sys.argv[sys.argv.index("--without") + 1].split(",") if "--without" in sys.argv else []
ROUNDS = 5
PAIRS = 15


def once(command, **options):
    """User seconds, all CPU seconds, wall seconds and peak memory in bytes of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    # check exits with 1 where it finds something.
    if os.waitstatus_to_exitcode(status) > 1:
        sys.exit(f"failed: {' '.join(command)}")
    return usage.ru_utime, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024


def best(command, rounds=ROUNDS, **options):
    """The least of each figure: what other processes take away is never negative."""
    return tuple(min(column) for column in zip(*(once(command, **options) for _ in range(rounds))))


def alternating(ours, theirs, rounds=PAIRS):
    """Both a round, one after the other: a processor changes its pace, and the best of either may be of another.
    Gives the best figures of each side, the middle ones, and the middle ratios."""
    pairs = [(once(ours), once(theirs)) for _ in range(rounds)]
    sides = [list(zip(*side)) for side in zip(*pairs)]
    bests = [tuple(map(min, columns)) for columns in sides]
    middles = [tuple(map(statistics.median, columns)) for columns in sides]
    ratios = [statistics.median(a / b for a, b in zip(*columns)) for columns in zip(*sides)]
    return bests, middles, ratios


def folder(students):
    path = os.path.join(work, str(students))
    if not os.path.isdir(path):
        subprocess.run([payloads, "generate", path + ".part", str(students)], check=True, stdout=subprocess.DEVNULL)
        os.rename(path + ".part", path)
    return path


def size(path):
    files = [os.path.join(path, name) for name in os.listdir(path)]
    return sum(map(os.path.getsize, files)), sum(sum(block.count(b"\n") for block in blocks(file)) for file in files)


def blocks(file):
    with open(file, "rb") as handle:
        while block := handle.read(1 << 20):
            yield block


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def enrollments_of(path):
    """A folder with the enrollments of another and what they refer to."""
    part = path + "-enrollments"
    os.makedirs(part, exist_ok=True)
    for name in ("students", "schools", "studentSchoolAssociations"):
        shutil.copy(os.path.join(path, f"{name}.jsonl"), part)
    return part


def check(path):
    return [program, "-m", "ed-fi-5.0", "check", path]


os.makedirs(work, exist_ok=True)
scale = 10 if small else 1
million, five = folder(155_000 // scale), folder(775_000 // scale) if "5M" not in without else None
octets, records = size(million)
print(f"{records:,} records of {octets / records:.0f} bytes, {os.cpu_count()} processors\n")
row("what", "check", "compared with", "ratio", "goal")
row("---", "---", "---", "---", "---")

(ours, bare), middles, ratios = alternating(check(million), [payloads, "bare", million])
for name, at in (("user CPU", 0), ("all CPU", 1)):
    middle = [f"{side[at]:.2f} s" for side in middles]
    row(f"{name}, against serde_json's IgnoredAny", *middle, f"{ratios[at]:.2f}", "≤ 2")
    row("the same, at best", f"{ours[at]:.2f} s", f"{bare[at]:.2f} s", f"{ours[at] / bare[at]:.2f}", "≤ 2")

tiny = best(check(folder(1)), 3)
# Each record of this generator has a key of its own.
row("peak memory a key", f"{(ours[3] - tiny[3]) / records:.0f} bytes", "", "", "≤ 60")
if five:
    (many, _), middles, ratios = alternating(check(five), check(million), ROUNDS)
    _, of_five = size(five)
    for name, at in (("user CPU", 0), ("wall", 2)):
        middle = [f"{side[at]:.2f} s" for side in middles]
        row(f"{name}, {of_five:,} records", *middle, f"{ratios[at]:.2f}", "≤ 5.3")
    row("peak memory a key there", f"{(many[3] - tiny[3]) / of_five:.0f} bytes", "", "", "≤ 60")

if "duckdb" not in without:
    if importlib.util.find_spec("duckdb") is None:
        print("skipped: duckdb is not installed", flush=True)
    else:
        theirs = best([sys.executable, os.path.join(here, "duckdb_anti_join.py"), million], 3)
        ratio = theirs[2] / ours[2]
        what = "wall, DuckDB's anti-joins of the same references"
        row(what, f"{ours[2]:.2f} s", f"{theirs[2]:.2f} s", f"{ratio:.1f}×", "≥ 2×")

if "lightbeam" not in without:
    corpus = os.environ.get("EDFI_PLAN_CORPUS")
    if corpus is None or importlib.util.find_spec("lightbeam") is None:
        print("skipped: lightbeam is not installed, or EDFI_PLAN_CORPUS is not set", flush=True)
    else:
        enrollments = enrollments_of(folder(19_000 // scale))
        script = [sys.executable, os.path.join(here, "lightbeam_references.py"), enrollments, corpus]
        theirs = float(subprocess.run(script, check=True, capture_output=True, text=True).stdout.split()[-1])
        ours = best(check(enrollments))[2]
        what = f"wall, lightbeam's references of {19_000 // scale:,} enrollments"
        row(what, f"{ours:.3f} s", f"{theirs:.1f} s", f"{theirs / ours:.0f}×", "≥ 500×")
