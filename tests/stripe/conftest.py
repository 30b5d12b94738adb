"""Stripe as somebody else wrote it (localstripe), and a runtime whose customers pay there."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtime import BINARY, Runtime, is_built  # noqa: E402

API_KEY = "sk_test_localstripe"
PUBLISHABLE_KEY = "pk_test_localstripe"
WEBHOOK_SECRET = "whsec_localstripe"
KEYS = {
    "STRIPE_API_KEY": API_KEY,
    "STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
}


def call(method, url, body=None, headers=None):
    """The status and the body, read as JSON if there is one."""
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text, status = answer.read(), answer.status
    except urllib.error.HTTPError as error:
        text, status = error.read(), error.code
    return status, json.loads(text) if text else None


class Stripe:
    """A localstripe process on a port of its own."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "localstripe", "--port", str(self.port), "--from-scratch"]
        # It keeps a file in the folder for temporary files.
        environment = {**os.environ, "TMPDIR": str(folder)}
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
        for _ in range(200):
            try:
                call("GET", self.url)
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("localstripe did not start")

    def post(self, path, **form):
        body = urllib.parse.urlencode(form).encode()
        status, answer = call("POST", self.url + path, body, {"Authorization": f"Bearer {API_KEY}"})
        assert status == 200, answer
        return answer

    def payment(self, payment):
        path = f"/v1/payment_intents/{payment}?expand[]=latest_charge"
        return call("GET", self.url + path, headers={"Authorization": f"Bearer {API_KEY}"})[1]

    def card(self, number):
        """The id of a payment method, as the customer's page makes one of a card."""
        card = {"card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": "123"}
        return self.post("/v1/payment_methods", type="card", **card)["id"]

    def sends_events_to(self, url):
        events = ["payment_intent.succeeded", "payment_intent.payment_failed"]
        form = {"url": url, "secret": WEBHOOK_SECRET}
        form.update({f"events[{index}]": event for index, event in enumerate(events)})
        call("POST", f"{self.url}/_config/webhooks/omniflow", urllib.parse.urlencode(form).encode())


class Shop:
    """The API of a runtime."""

    def __init__(self, runtime):
        self.url = runtime.url

    def call(self, method, path, body=None, language="en"):
        body = None if body is None else json.dumps(body).encode()
        return call(method, f"{self.url}/api/v1/orders{path}", body, {"Accept-Language": language})

    def order(self, *items, **more):
        status, order = self.call("POST", "", {"items": list(items), **more})
        assert status == 201, order
        return order["order_id"]

    def until(self, order_id, state):
        for _ in range(400):
            _, order = self.call("GET", f"/{order_id}")
            if order["state"] == state:
                return order
            time.sleep(0.05)
        raise AssertionError(f"not {state}: {order}")


@pytest.fixture(scope="session")
def stripe(tmp_path_factory):
    running = Stripe(tmp_path_factory.mktemp("localstripe"))
    yield running
    running.process.terminate()
    running.process.wait(timeout=10)


@pytest.fixture(scope="session")
def log(tmp_path_factory):
    """What the runtime logs."""
    return tmp_path_factory.mktemp("omniflow") / "log"


@pytest.fixture(scope="session")
def shop(stripe, log):
    if not is_built():
        pytest.skip(f"skipped: {BINARY} is not built; run `cargo build -p omniflow` or set OMNIFLOW_BIN")
    parameters = [f"--parameter=PaymentProvider=stripe", f"--parameter=StripeUrl={stripe.url}"]
    parameters.append("--parameter=PaymentWindowSeconds=600")
    with open(log, "w") as stderr:
        runtime = Runtime("--memory", *parameters, stderr=stderr, environment={**KEYS, "RUST_LOG": "debug"})
        stripe.sends_events_to(f"{runtime.url}/webhooks/stripe")
        yield Shop(runtime)
        runtime.stop()
