"""Runs schemathesis against a runtime of its own: whatever /openapi.json allows must be taken, whatever it forbids
refused, and every answer must be as it says.

    python tests/schemathesis/run.py [options of `schemathesis run`]
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINARY = os.environ.get("OMNIFLOW_BIN", str(ROOT / "target/debug/omniflow"))
# The same requests every time, unless another seed is asked for.
SEED = os.environ.get("OMNIFLOW_SEED", "1")
# With a token, so that what needs a sign-in can be seen to need it.
TOKEN = "schemathesis"


def start(data):
    """The runtime on free ports, and its URL."""
    command = [BINARY, "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--data", data, "--token", TOKEN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    ready = re.search(r"ready: (http://[\d.:]+)", process.stdout.readline())
    if ready is None:
        sys.exit(f"{BINARY} did not start")
    return process, ready[1]


def check(url, options, folder):
    """Runs schemathesis, which leaves what it remembers in the folder; its exit code."""
    schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [schemathesis, "--config-file", HERE / "schemathesis.toml", "run", f"{url}/openapi.json"]
    environment = {**os.environ, "OMNIFLOW_TOKEN": TOKEN}
    print(f"seed {SEED}; another one: OMNIFLOW_SEED=…", flush=True)
    command += ["--checks", "all", "--seed", SEED, *options]
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
