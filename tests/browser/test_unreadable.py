"""Orders in a list of which nothing but the id can be read."""

import pytest
from console import read

UNREADABLE = {"order_id": "ORD-0000000000001000000", "state": "UNREADABLE"}
LISTS = "GET ../api/v1/orders?"


@pytest.fixture
def lists(console_of, start):
    """Opens a page whose lists have an order that can't be read, and one that can."""

    def open(page, language):
        runtime = start("--parameter", "PaymentWindowSeconds=600")
        id = runtime.order(items=[{"product_id": "mac-pro", "quantity": 2}])
        console = console_of(runtime, language=language)
        console.until("the order waits", lambda: read(runtime, id)["state"] == "AWAITING_AUDIT")
        console.network(LISTS, "answer", status=200, body={"orders": [read(runtime, id), UNREADABLE], "next": None})
        console.open(page)
        return console, id

    return open


@pytest.mark.parametrize(("language", "told"), [("en", "Unreadable"), ("zh", "无法读取"), ("ru", "Не читается")])
def test_operations_lists_them(lists, language, told):
    console, id = lists("operations", language)
    row = console.see("[aria-labelledby=orders] tbody tr", UNREADABLE["order_id"])
    assert told in row.text and "undefined" not in row.text and "NaN" not in row.text
    console.see("[aria-labelledby=orders] tbody tr", id)
    console.must_be_content()


@pytest.mark.parametrize(("language", "told"), [("en", "Unreadable"), ("zh", "无法读取"), ("ru", "Не читается")])
def test_the_review_queue_shows_them_and_offers_no_verdict(lists, language, told):
    console, id = lists("review", language)
    card = console.see(f"[data-order={UNREADABLE['order_id']}]", told)
    assert "undefined" not in card.text and "NaN" not in card.text
    assert not card.find_elements("css selector", "button, textarea")
    console.network()
    console.click(f"[data-order={id}] button.primary")
    console.see(f"[data-order={id}] [data-outcome=APPROVE]")
    console.must_be_content()


def test_those_that_need_attention_are_listed(console_of, start):
    runtime = start()
    console = console_of(runtime)
    console.network("state=NEEDS_ATTENTION", "answer", status=200, body={"orders": [UNREADABLE], "next": None})
    runtime.order(items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"})
    console.open("operations")
    entry = console.see(".card.alarm li", UNREADABLE["order_id"])
    assert "can't be read" in entry.text and "undefined" not in entry.text
    console.must_be_content()
