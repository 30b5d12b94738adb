"""Runs schemathesis against a runtime of its own: whatever /openapi.json allows must be taken, whatever it forbids
refused, and every answer must be as it says.

    python tests/schemathesis/run.py [options of `schemathesis run`]
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = os.environ.get("OMNIFLOW_BIN", str(ROOT / "target/debug/omniflow"))
# The same requests every time, unless another seed is asked for.
SEED = os.environ.get("OMNIFLOW_SEED", "1")
# With a token, so that what needs a sign-in can be seen to need it.
TOKEN = "schemathesis"
# Of each kind of order.
ORDERS = 30


def start(data):
    """The runtime on free ports, with time enough to pay, and its URL."""
    command = [BINARY, "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--data", data, "--token", TOKEN]
    command += ["--parameter", "PaymentWindowSeconds=600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    ready = re.search(r"ready: (http://[\d.:]+)", process.stdout.readline())
    if ready is None:
        sys.exit(f"{BINARY} did not start")
    return process, ready[1]


def place(url, amount):
    """Places an order; its id."""
    body = json.dumps({"amount": amount, "items": ["iPhone 15"]}).encode()
    request = urllib.request.Request(f"{url}/api/v1/orders", body, {"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["order_id"]


def check(url, options, folder):
    """Runs schemathesis in the folder, where it leaves what it remembers; its exit code."""
    shutil.copy(HERE / "schemathesis.toml", folder)
    orders = [place(url, amount) for amount in [500, 20_000] * ORDERS]
    pathlib.Path(folder, "orders.txt").write_text("\n".join(map(json.dumps, orders)))
    schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [schemathesis, "run", f"{url}/openapi.json", "--checks", "all", "--seed", SEED, *options]
    environment = {**os.environ, "OMNIFLOW_TOKEN": TOKEN, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    print(f"seed {SEED}; another one: OMNIFLOW_SEED=…", flush=True)
    return subprocess.run(command, env=environment, cwd=folder).returncode


def main():
    with tempfile.TemporaryDirectory(prefix="omniflow-schemathesis-") as folder:
        process, url = start(f"{folder}/data")
        try:
            found = check(url, sys.argv[1:], folder)
        finally:
            process.terminate()
            ended = process.wait(timeout=30)
    sys.exit(found or ended)


if __name__ == "__main__":
    main()
