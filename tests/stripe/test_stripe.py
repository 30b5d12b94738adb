"""Orders whose customers pay at a Stripe that nobody here wrote."""

import hashlib
import hmac
import json
import os
import subprocess
import time

from conftest import API_KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET, call
from runtime import BINARY

VISA = "4242424242424242"
DECLINED = "4000000000000341"
ASKS = "4000002500003155"


def opened(shop, *items):
    """An order that waits for its payment, and what its page needs."""
    order_id = shop.order(*items)
    shop.until(order_id, "AWAITING_PAYMENT")
    status, payment = shop.call("POST", f"/{order_id}/payment")
    assert status == 200, payment
    assert (payment["provider"], payment["publishable_key"]) == ("stripe", PUBLISHABLE_KEY)
    return order_id, payment


def test_a_payment_that_the_server_confirms_is_taken(shop, stripe):
    order_id, payment = opened(shop, "iPhone 15")
    assert payment["amount_in_units"] == payment["amount"] * 100
    status, order = shop.call("POST", f"/{order_id}/pay", {"method": stripe.card(VISA)})
    assert (status, order["state"]) == (200, "PAYMENT_RECEIVED"), order
    order = shop.until(order_id, "COMPLETED")
    assert (order["payment"]["state"], order["payment"]["provider_id"]) == ("CAPTURED", payment["payment_id"])
    taken = stripe.payment(payment["payment_id"])
    assert (taken["status"], taken["amount"]) == ("succeeded", payment["amount_in_units"])
    assert taken["metadata"]["order_id"] == order_id


def test_a_payment_that_the_page_confirms_is_taken(shop, stripe):
    order_id, payment = opened(shop, "iPhone 15")
    path = f"/v1/payment_intents/{payment['payment_id']}"
    stripe.post(path, payment_method=stripe.card(VISA))
    stripe.post(f"{path}/confirm")
    status, order = shop.call("POST", f"/{order_id}/pay")
    assert status == 200, order
    shop.until(order_id, "COMPLETED")
    assert stripe.payment(payment["payment_id"])["status"] == "succeeded"


def test_a_bank_that_asks_its_customer_is_answered_on_the_page(shop, stripe):
    order_id, payment = opened(shop, "iPhone 15")
    status, asked = shop.call("POST", f"/{order_id}/pay", {"method": stripe.card(ASKS)})
    assert (status, asked["type"]) == (402, "urn:omniflow:problem:payment-action-required"), asked
    assert asked["client_secret"] == payment["client_secret"]
    path = f"/v1/payment_intents/{payment['payment_id']}/_authenticate"
    stripe.post(path, client_secret=payment["client_secret"], success="true")
    assert shop.call("POST", f"/{order_id}/pay")[0] == 200
    shop.until(order_id, "COMPLETED")


def test_a_declined_card_is_told_and_leaves_the_order_as_it_is(shop, stripe):
    order_id, payment = opened(shop, "iPhone 15")
    status, declined = shop.call("POST", f"/{order_id}/pay", {"method": stripe.card(DECLINED)}, "ru")
    assert (status, declined["type"]) == (402, "urn:omniflow:problem:payment-declined"), declined
    assert "Банк отклонил" in declined["detail"]
    # Its word comes after a second, and is noted.
    for _ in range(200):
        _, order = shop.call("GET", f"/{order_id}")
        if order["payment"].get("history"):
            break
        time.sleep(0.05)
    assert order["payment"]["history"][0]["news"] == "DECLINED"
    assert order["state"] == "AWAITING_PAYMENT"
    assert shop.call("POST", f"/{order_id}/cancel")[0] == 200
    shop.until(order_id, "CANCELLED")
    assert stripe.payment(payment["payment_id"])["status"] == "canceled"


def test_an_order_that_can_not_be_shipped_gives_its_money_back(shop, stripe):
    order_id = shop.order("fragile-vase", payment={"method": stripe.card(VISA)})
    order = shop.until(order_id, "CANCELLED")
    assert order["payment"]["state"] == "REFUNDED"
    charge = stripe.payment(order["payment"]["provider_id"])["latest_charge"]
    assert charge["refunded"] and charge["amount_refunded"] == charge["amount"]


def test_a_refund_in_the_dashboard_is_noted(shop, stripe):
    order_id = shop.order("iPhone 15", payment={"method": stripe.card(VISA)})
    order = shop.until(order_id, "COMPLETED")
    payment = order["payment"]["provider_id"]
    stripe.post("/v1/refunds", payment_intent=payment, amount=100)
    # This Stripe sends no word of refunds; the real one does.
    event = {"id": "evt_by_hand", "type": "charge.refunded", "data": {"object": {"payment_intent": payment}}}
    body = json.dumps(event).encode()
    signed = b"%d.%s" % (int(time.time()), body)
    digest = hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    header = {"Stripe-Signature": f"t={int(time.time())},v1={digest}", "Content-Type": "application/json"}
    assert call("POST", f"{shop.url}/webhooks/stripe", body, header)[0] == 200
    assert call("POST", f"{shop.url}/webhooks/stripe", body, {**header, "Stripe-Signature": "t=1,v1=00"})[0] == 400
    _, order = shop.call("GET", f"/{order_id}")
    assert (order["payment"]["returned"], order["state"]) == (1, "COMPLETED")


def test_no_secret_is_logged(shop, log):
    text = log.read_text()
    assert "customer notified" in text, "something is logged"
    for secret in (API_KEY, WEBHOOK_SECRET, "_secret_"):
        assert secret not in text


def test_without_keys_it_does_not_start_and_says_which_is_missing():
    command = [BINARY, "--memory", "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--parameter=PaymentProvider=stripe"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")}
    environment |= {"STRIPE_API_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode != 0
    assert "STRIPE_PUBLISHABLE_KEY is not set" in ended.stderr and "sk_test_x" not in ended.stderr
