#!/usr/bin/env python3
"""A warehouse in one file: it takes OmniFlow's signed requests, and says what it did by signed messages.

Python 3.9 or later, and nothing but its standard library. README.md, beside it, says how to run it; the messages are
described in docs/warehouses.md.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

# The time that a message may be old or early, in seconds (Standard Webhooks, "Verifying the signature").
TOLERANCE = 300


def key_of(secret):
    """The key in a secret such as `whsec_…`."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def signature(key, name, timestamp, body):
    """The signature of a message: HMAC-SHA256 of `name.timestamp.body`, in Base64."""
    signed = name.encode() + b"." + timestamp.encode() + b"." + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def is_signed(key, headers, body):
    """Whether the message was sent just now by somebody who has the key."""
    name, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    expected = signature(key, name, timestamp, body)
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


class Warehouse:
    """What the warehouse knows of its shipments. A real one keeps it in a database."""

    def __init__(self, key, work):
        self.key = key
        # Takes as long as packing does, and delivering.
        self.work = work
        self.lock = threading.Lock()
        # The state of each shipment: PACKING, GONE or CANCELLED.
        self.shipments = {}

    def ask(self, message):
        """Answers a request: a status and a body. A request that comes again gets the same answer."""
        shipment = message["data"]
        name = shipment["shipment_id"]
        with self.lock:
            state = self.shipments.get(name)
            if message["type"] == "shipment.cancelled":
                if state == "GONE":
                    return 409, {"reason": "it has left"}
                # Remembered also when nobody asked for it yet: a request that comes late must not send it.
                self.shipments[name] = "CANCELLED"
                return 200, {}
            if message["type"] != "shipment.requested":
                return 400, {"reason": "no such message"}
            if state == "CANCELLED":
                return 409, {"reason": "it was cancelled"}
            if state is None:
                self.shipments[name] = "PACKING"
                threading.Thread(target=self.send, args=(shipment,), daemon=True).start()
        return 202, {}

    def send(self, shipment):
        """Packs, hands over to the carrier, and hears of the delivery."""
        name, lines = shipment["shipment_id"], shipment["lines"]
        print(f"{name}: packs", ", ".join("{quantity} x {product_id}".format(**line) for line in lines), flush=True)
        self.work()
        with self.lock:
            if self.shipments[name] != "PACKING":
                return print(f"{name}: was cancelled")
            self.shipments[name] = "GONE"
        tracking = f"EX{uuid.uuid5(uuid.NAMESPACE_URL, name).int % 10**10:010}"
        self.say(shipment, event="SHIPPED", carrier="Example Parcel", tracking=tracking,
                 tracking_url=f"https://parcels.example/{tracking}")
        self.work()
        self.say(shipment, event="DELIVERED")

    def say(self, shipment, **message):
        """Tells the shop, again and again until it has heard. What it refuses it will not take later either."""
        body, name = json.dumps(message).encode(), str(uuid.uuid4())
        for attempt in range(20):
            timestamp = str(int(time.time()))
            headers = {
                "content-type": "application/json",
                "webhook-id": name,
                "webhook-timestamp": timestamp,
                "webhook-signature": signature(self.key, name, timestamp, body),
            }
            request = urllib.request.Request(shipment["callback_url"], body, headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=10):
                    return print(f"{shipment['shipment_id']}: said {message['event']}")
            except urllib.error.HTTPError as refused:
                if refused.code < 500:
                    return print(f"{shipment['shipment_id']}: {message['event']} was refused: {refused.read().decode()}")
            except OSError as error:
                print(f"{shipment['shipment_id']}: the shop is not there: {error}")
            time.sleep(min(2**attempt, 60))


def handler(warehouse):
    """The HTTP side of a warehouse."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if is_signed(warehouse.key, self.headers, body):
                status, answer = warehouse.ask(json.loads(body))
            else:
                status, answer = 401, {"reason": "not signed"}
            answer = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    return Handler


def main():
    arguments = argparse.ArgumentParser(description="A warehouse that OmniFlow asks to ship.")
    arguments.add_argument("--port", type=int, default=8700, help="where it listens on this machine")
    arguments.add_argument("--pause", type=float, default=3, help="seconds to pack, and to deliver")
    arguments.add_argument("--by-hand", action="store_true", help="pack, and deliver, when Enter is pressed")
    arguments = arguments.parse_args()
    secret = os.environ.get("WAREHOUSE_SECRET")
    if not secret:
        raise SystemExit("set WAREHOUSE_SECRET to the secret that the shop has for this warehouse, such as whsec_…")
    work = sys.stdin.readline if arguments.by_hand else lambda: time.sleep(arguments.pause)
    warehouse = Warehouse(key_of(secret), work)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), handler(warehouse))
    print(f"the warehouse listens on http://127.0.0.1:{server.server_port}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
