"""Times whole processes, alternating between the program and what it is compared with; prints ratios.

Usage: EDFI_PLAN_CORPUS=… python3 benches/compare/run.py target/release/edfi-plan
Needs orjson, networkx and PyYAML.
"""

import os
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
program = os.path.abspath(sys.argv[1])
openapi = os.path.join(os.environ.get("EDFI_PLAN_CORPUS", ""), "metadata", "openapi")


def once(command):
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - start) * 1000


def compare(what, ours, theirs, rounds):
    for command in (ours, theirs):
        once(command)
    times = [(once(ours), once(theirs)) for _ in range(rounds)]
    ours, theirs = (sorted(column)[rounds // 2] for column in zip(*times))
    print(f"| {what} | {ours:.2f} ms | {theirs:.2f} ms | {ours / theirs:.2f} | {theirs / ours:.1f} |", flush=True)


print("| job | edfi-plan | compared with | ours / theirs | theirs / ours |\n|---|---|---|---|---|")
compare("order, embedded, against true", [program, "order"], ["true"], 401)
compare("--version, against true", [program, "--version"], ["true"], 401)
if openapi.startswith("/"):
    json = [os.path.join(openapi, f"{kind}-ds-5.1-core.json") for kind in ("resources", "descriptors")]
    metadata = [argument for name in json for argument in ("-m", name)]
    script = ["python3", os.path.join(here, "networkx_order.py"), *json]
    compare("JSON of 5.1 to order, against orjson + networkx", [program, *metadata, "order"], script, 15)
    one = [os.path.join(openapi, "resources-ds-6.0.yaml")]
    script = ["python3", os.path.join(here, "pyyaml_load.py"), *one]
    compare("3.7 MB YAML of 6.0 to order, against PyYAML's C loader", [program, "-m", one[0], "order"], script, 5)
