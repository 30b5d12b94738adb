"""A warehouse with a server of its own, as the example has it: its shipments as somebody sees them who watches."""

import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/warehouse/warehouse.py"
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


@contextlib.contextmanager
def warehouse():
    """The example, which packs and delivers when it is told to."""
    command = [sys.executable, str(EXAMPLE), "--port", "0", "--by-hand"]
    environment = {**os.environ, "WAREHOUSE_SECRET": SECRET, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            endpoint = re.search(r"http://\S+", process.stdout.readline()).group()

            def work():
                process.stdin.write("\n")
                process.stdin.flush()

            yield endpoint, work
        finally:
            process.kill()


def describe(runtime, **how):
    request = urllib.request.Request(f"{runtime.url}/api/v1/warehouses/wh-east", json.dumps(how).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_a_shipment_is_asked_for_leaves_and_arrives(start, console_of, monkeypatch):
    monkeypatch.setenv("OMNIFLOW_WAREHOUSE_SECRETS", json.dumps({"wh-east": SECRET}))
    runtime = start("--parameter", "PaymentWindowSeconds=600")
    with warehouse() as (endpoint, work):
        describe(runtime, name="East", rank=1, link="http", endpoint=endpoint)
        console = console_of(runtime)
        address = {"name": "Ann Example", "lines": ["1 Main Street"], "postcode": "10115", "city": "Berlin", "country": "DE"}
        id = runtime.order(items=["macbook-air"], payment={"method": "pm_card"}, address=address)
        console.open(f"orders/{id}")
        console.see("[data-shipment=DISPATCHED]", "asked for")
        console.see("address", "Berlin")
        work()
        console.see("[data-shipment=SHIPPED]", "shipped")
        console.see("[data-delivery=shipped]", "On its way since")
        link = console.see("[aria-labelledby=goods] a.mono", "EX")
        assert link.get_attribute("href") == f"https://parcels.example/{link.text}"
        console.is_in("COMPLETED", ".large")
        work()
        console.open("warehouses")
        console.see("[data-warehouse=wh-east]", endpoint)
        console.open(f"orders/{id}")
        console.see("[data-shipment=DELIVERED]", "delivered")
        console.see("[data-delivery=delivered]", "Delivered")
        console.see("[aria-labelledby=goods]", "It was delivered")
        console.must_be_content()


def test_a_warehouse_is_left_out_of_new_orders_and_taken_in_again(start, console_of):
    runtime = start("--parameter", "PaymentWindowSeconds=600")
    console = console_of(runtime)
    console.open("warehouses")
    console.see("[data-warehouse=wh-west]", "simulated")
    console.click("[data-warehouse=wh-west] button", "Leave out")
    console.see("[data-warehouse=wh-west]", "not for new orders")
    console.click("[data-warehouse=wh-west] button", "Take in")
    console.until("it is taken in", lambda: "not for new orders" not in console.see("[data-warehouse=wh-west]").text)


def test_a_warehouse_is_described_where_it_stands_and_a_new_one_is_added(start, console_of):
    console = console_of(start())
    console.open("warehouses")
    console.click("[data-warehouse=wh-east] button", "Change")
    console.type("#name-wh-east", "East")
    console.type("#rank-wh-east", "7")
    console.click("[data-warehouse=wh-east] button", "Save")
    console.see("[data-warehouse=wh-east] h2", "East")
    assert "7" in console.see("[data-warehouse=wh-east] dl").text
    # What can't be is refused, and what was typed stays.
    console.click("[data-warehouse=wh-west] button", "Change")
    console.choose("#link-wh-west", "http")
    console.type("#endpoint-wh-west", "ftp://wh.example/shipments")
    console.click("[data-warehouse=wh-west] form button", "Save")
    console.see("[data-warehouse=wh-west] [role=alert]", "can't be reached at this address")
    assert console.see("#endpoint-wh-west").get_attribute("value") == "ftp://wh.example/shipments"
    console.click("summary", "Add a warehouse")
    console.type("#new-warehouse", "wh-east")
    console.see("#new-warehouse-what", "there already")
    console.type("#new-warehouse", "wh-new")
    console.click("button", "Describe it")
    console.type("#name-wh-new", "A new one")
    console.click("details button", "Save")
    console.see("[data-warehouse=wh-new] h2", "A new one")
    console.must_be_content(refusals=True)
