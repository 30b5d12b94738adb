"""The customers in the admin: who is found, what is open, and how a person is erased."""

import pytest
from console import read, send

CARD = {"method": "pm_card"}


@pytest.fixture
def shop(start):
    return start("--parameter", "PaymentWindowSeconds=600")


def names(console):
    return [cell.text for cell in console.all("[aria-labelledby=customers] tbody th")]


def test_a_customers_page_has_their_orders_and_what_is_open(console_of, shop):
    paid = shop.order(customer_id="ann/50% & more", email="ann@example.com", items=["iPhone 15"], payment=CARD)
    open_order = shop.order(customer_id="ann/50% & more", items=["MacBook Air"])
    shop.order(customer_id="bob", items=["iPhone 15"])
    console = console_of(shop)
    console.until("it is done", lambda: read(shop, paid)["state"] == "COMPLETED")
    console.open("customers")
    console.until("both", lambda: names(console) == ["bob", "ann/50% & more"])
    console.type("#find-customer", "ann/50")
    console.until("one", lambda: names(console) == ["ann/50% & more"])
    console.click("[aria-labelledby=customers] tbody a")
    console.see("h1", "ann/50% & more")
    console.until("the orders", lambda: console.row_ids() == [open_order, paid])
    assert console.see("[data-sum=open]").text == "$1,199.00 (1)"
    assert console.see("[data-sum=completed]").text == "$799.00"
    assert "ann@example.com" in console.see("[aria-labelledby=facts]").text
    assert console.see("header [aria-current]").text == "Customers"
    # A link leads to the same page, and from each order there is one.
    console.browser.refresh()
    console.until("the same", lambda: console.row_ids() == [open_order, paid])
    console.click("tbody a")
    console.see("h1", open_order)
    console.click("[aria-labelledby=payment] a", "ann/50% & more")
    console.see("h1", "ann/50% & more")
    # What becomes of an order is seen without a reload.
    send(shop, "POST", f"orders/{open_order}/cancel")
    console.until("nothing is open", lambda: console.see("[data-sum=open]").text == "– (0)")
    console.must_be_content()


@pytest.mark.parametrize(
    ("language", "refused", "done"),
    [("en", "are open", "Erased from orders: 2"), ("zh", "未结束的订单", "已从 2 个订单中删除"), ("ru", "открыто заказов", "Стёрто из заказов: 2")],
)
def test_a_customer_is_erased_after_a_question_and_not_while_an_order_is_open(console_of, shop, language, refused, done):
    paid = shop.order(customer_id="ann", email="ann@example.com", items=["iPhone 15"], payment=CARD)
    open_order = shop.order(customer_id="ann", items=["MacBook Air"])
    console = console_of(shop, language=language)
    console.until("it is done", lambda: read(shop, paid)["state"] == "COMPLETED")
    console.open("customers/ann")
    ask = "[aria-labelledby=erase] button.danger"
    console.click(ask)
    console.click("dialog .primary")
    console.gone("dialog")
    assert read(shop, paid)["email"] == "ann@example.com", "the harmless answer does nothing"
    console.click(ask)
    console.click("dialog .danger")
    console.see("[aria-labelledby=erase] [role=alert]", refused)
    send(shop, "POST", f"orders/{open_order}/cancel")
    console.until("it is closed", lambda: read(shop, open_order)["state"] == "CANCELLED")
    console.click(ask)
    console.click("dialog .danger")
    console.see("[aria-labelledby=erase] [role=status]", done)
    console.until("no orders of theirs", lambda: not console.all("tbody tr"))
    order = read(shop, paid)
    assert order["customer_id"] is None and "email" not in order
    console.must_be_content(refusals=True)


def test_somebody_without_orders_is_said_to_have_none(console_of, shop):
    console = console_of(shop)
    console.open("customers?search=nobody")
    console.see("[role=status]", "No customers")
    console.click("a", "Open the customer “nobody”")
    console.see("h1", "nobody")
    console.see("main", "No orders of this customer")
    console.must_be_content()
