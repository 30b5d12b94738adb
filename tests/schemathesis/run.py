"""Runs schemathesis against a runtime of its own: whatever /openapi.json allows must be taken, whatever it forbids
refused, and every answer must be as it says.

    python tests/schemathesis/run.py [options of `schemathesis run`]
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from runtime import Runtime  # noqa: E402

# The same requests every time, unless another seed is asked for.
SEED = os.environ.get("OMNIFLOW_SEED", "1")
# With a token, so that what needs a sign-in can be seen to need it.
TOKEN = "schemathesis"
# Of each kind of order.
ORDERS = 30


def check(runtime, options, folder):
    """Runs schemathesis in the folder, where it leaves what it remembers; its exit code."""
    shutil.copy(HERE / "schemathesis.toml", folder)
    orders = [runtime.order(amount=amount, items=["iPhone 15"]) for amount in [500, 20_000] * ORDERS]
    pathlib.Path(folder, "orders.txt").write_text("\n".join(map(json.dumps, orders)))
    schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [schemathesis, "run", f"{runtime.url}/openapi.json", "--checks", "all", "--seed", SEED, *options]
    environment = {**os.environ, "OMNIFLOW_TOKEN": TOKEN, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    print(f"seed {SEED}; another one: OMNIFLOW_SEED=…", flush=True)
    return subprocess.run(command, env=environment, cwd=folder).returncode


def main():
    with tempfile.TemporaryDirectory(prefix="omniflow-schemathesis-") as folder:
        # With time enough to pay.
        runtime = Runtime("--data", f"{folder}/data", "--parameter", "PaymentWindowSeconds=600", token=TOKEN)
        try:
            found = check(runtime, sys.argv[1:], folder)
        finally:
            runtime.stop()
    sys.exit(found)


if __name__ == "__main__":
    main()
