"""The runtime as a process of its own, for the tests that are written in Python."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("OMNIFLOW_BIN", str(ROOT / "target/debug/omniflow"))


def is_built():
    return os.path.exists(BINARY)


class Runtime:
    """Listens on ports that the system chooses; with a token, when one is given.

    Another release is started by its own command, in the folder of its own source. `environment` has variables beside
    those of this process.
    """

    def __init__(self, *arguments, token=None, stderr=None, command=(BINARY,), folder=ROOT, environment=None):
        command = [*command, "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", *arguments]
        if token:
            command += ["--token", token]
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        variables = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder, env=variables
        )
        ready = re.search(r"ready: (http://[\d.:]+) \(AWS API (http://[\d.:]+)", self.process.stdout.readline())
        if ready is None:
            raise RuntimeError(f"{command[0]} did not start")
        self.url, self.aws_url = ready.groups()

    def order(self, **wanted):
        """Places an order; its id."""
        request = urllib.request.Request(f"{self.url}/api/v1/orders", json.dumps(wanted).encode(), self.headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["order_id"]

    def stop(self):
        """Stops it, which must succeed."""
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0
