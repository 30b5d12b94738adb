"""As much of Stripe's API as a payment in the console needs (Stripe API Reference, "PaymentIntents")."""

import contextlib
import http.server
import json
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(self.server.intents.get(self.path.split("?")[0].rsplit("/", 1)[-1]))

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers.get("content-length", 0))).decode()))
        path = self.path.split("/")[2:]
        if path == ["payment_intents"]:
            intents = self.server.intents
            known = next((one for one in intents.values() if one["metadata"]["order_id"] == form["metadata[order_id]"]), None)
            id = f"pi_{len(intents) + 1}"
            intent = known or {"id": id, "status": "requires_payment_method", "amount": int(form["amount"]), "currency": form["currency"], "client_secret": f"{id}_secret_x", "metadata": {"order_id": form["metadata[order_id]"]}}
            intents[intent["id"]] = intent
            return self.answer(intent)
        intent = self.server.intents[path[1]]
        what = path[2] if len(path) > 2 else "update"
        if what == "update":
            intent["metadata"]["attempt"] = form.get("metadata[attempt]", "")
            intent |= {"payment_method": form.get("payment_method"), "status": "requires_confirmation"}
        elif what == "confirm" and intent["payment_method"] == "pm_card_visa_chargeDeclined":
            intent |= {"status": "requires_payment_method", "payment_method": None}
            return self.answer({"error": {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "message": "declined"}}, 402)
        elif what == "confirm":
            asks = intent["payment_method"] == "pm_card_authenticationRequired"
            intent["status"] = "requires_action" if asks else "requires_capture"
        else:
            intent["status"] = {"capture": "succeeded", "cancel": "canceled"}[what]
        self.answer(intent)

    def answer(self, document, status=200):
        body = json.dumps(document or {"error": {"type": "invalid_request_error"}}).encode()
        self.send_response(status if document else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def stripe():
    """The address of a Stripe that knows nothing yet."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.intents = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
