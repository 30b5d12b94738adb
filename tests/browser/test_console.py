"""The web console in a real browser."""

import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# Whether all edges are inside the drawing.
INSIDE = """
    const drawing = document.querySelector(".graph");
    return [...drawing.querySelectorAll(":scope > .edge")].map((edge) => edge.getBBox())
        .every((box) => box.x >= 0 && box.x + box.width <= drawing.viewBox.baseVal.width);
"""

# Changes the address as soon as something of the page is drawn, before the page can listen to such changes.
IMPATIENT = """
    new MutationObserver((_, observer) => {
        if (!document.querySelector("main")) return;
        observer.disconnect();
        history.replaceState(null, "", "#/operations");
    }).observe(document, { subtree: true, childList: true });
"""


def test_an_order_is_placed_paid_and_completed(console):
    id = console.order("iphone-15", 2)
    card = f"[data-order={id}]"
    waiting = console.is_in("AWAITING_PAYMENT", card)
    first = waiting.text
    assert re.search(r"\d+ s left", first)
    console.until("the countdown runs", lambda: console.is_in("AWAITING_PAYMENT", card).text != first)
    console.click(f"{card} button", "Pay")
    console.is_in("COMPLETED", card)
    assert id in console.see("#announcements", "Completed").get_attribute("textContent")


def test_a_timeout_is_seen_without_a_reload(console_of, start):
    console = console_of(start("--parameter", "PaymentWindowSeconds=2"))
    id = console.order("iphone-15")
    console.see(f"[data-order={id}] .status", "Cancelled (payment timed out)")
    assert not console.all(f"[data-order={id}] .actions button"), "nothing can be done any more"
    console.must_be_content()


def test_a_customer_cancels(console):
    id = console.order("iphone-15")
    console.is_in("AWAITING_PAYMENT", f"[data-order={id}]")
    console.click(f"[data-order={id}] button", "Cancel order")
    console.click("dialog button", "Yes, cancel it")
    console.see(f"[data-order={id}] .status", "Cancelled (by the customer)")


@pytest.mark.parametrize(("button", "said", "state"), [("Approve", "Approved", "AWAITING_PAYMENT"), ("Reject", "Rejected", "CANCELLED")])
def test_a_reviewer_decides(console, runtime, button, said, state):
    id = runtime.order(customer_id="customer-042", items=[{"product_id": "mac-pro", "quantity": 2}])
    console.open("review")
    case = f"[data-order={id}]"
    text = console.see(case).text
    assert "customer-042" in text and "13,998.00" in text and "2 × Mac Pro" in text
    console.type(f"#note-{id}", "called the customer")
    console.click(f"{case} button", button)
    console.see(f"{case} .outcome", said)
    console.open(f"orders/{id}")
    console.is_in(state, ".large")
    assert said in console.see("dd", "called the customer").text


def test_the_workflow_is_drawn_as_it_runs(console, runtime):
    id = runtime.order(items=["iPhone 15"])
    console.open(f"orders/{id}")
    console.is_drawn("ReserveStock", "done")
    assert "until" in console.is_drawn("AwaitPayment", "running").text
    console.is_drawn("CapturePayment", "untouched")
    console.click("button", "Show the way back")
    console.is_drawn("CloseOrder", "untouched")
    assert console.browser.execute_script(INSIDE), "no edge is cut off"
    console.click("button", "Show the way back")
    console.click("button", "Payment window")
    assert "until" in console.is_drawn("AwaitDeadline", "running").text
    console.click("[role=group] button", "Order")
    console.click("button", "Pay")
    console.is_drawn("ShipWarehouse", "done")
    console.see("[data-execution=order]", "Succeeded")
    assert not console.all("[data-state=RefundPayment]"), "the way back is quiet until it is taken"
    console.click("button", "Show the way back")
    console.is_drawn("RefundPayment", "untouched")
    console.press(console.is_drawn("CapturePayment", "done"), Keys.ENTER)
    console.see(".details h3", "CapturePayment")
    console.see(".details pre", id)
    console.click("summary", "History")
    assert len(console.all(".history tbody tr")) > 25
    console.see(".history td", "ExecutionSucceeded")


def test_the_way_round_by_the_review_is_drawn_as_no_failure(console, runtime):
    id = runtime.order(items=["Mac Pro"], amount=20000)
    console.open(f"orders/{id}")
    console.is_drawn("AwaitAudit", "running")
    console.is_drawn("AwaitPayment", "detour")
    console.open("review")
    console.click(f"[data-order={id}] button", "Approve")
    console.see(f"[data-order={id}] .outcome", "Approved")
    console.open(f"orders/{id}")
    console.is_drawn("AwaitPayment", "running")
    console.click("button", "Pay")
    console.is_drawn("ShipWarehouse", "done")
    console.is_drawn("AwaitPayment", "done")
    console.is_drawn("AwaitAudit", "done")


def test_failures_and_retries_are_drawn(console, runtime):
    id = runtime.order(items=["fragile-lamp", "fragile-vase"], payment={"method": "pm_card"})
    console.open(f"orders/{id}")
    console.is_in("CANCELLED", ".large")
    console.is_drawn("ShipWarehouses", "failed")
    for state in ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder"]:
        console.is_drawn(state, "done")
    [taken] = console.all(".edge.taken[data-from=ShipWarehouses]")
    assert "catch" in taken.get_attribute("class"), "the way into the compensation is drawn as taken, and no other"
    console.click(".graph [data-state=ShipWarehouse]")
    console.see(".details .failure", "A warehouse could not ship")


def test_an_order_that_needs_attention_says_what_is_open_and_is_retried_or_resolved(console, runtime):
    id = runtime.order(items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"})
    console.open(f"orders/{id}")
    console.is_in("NEEDS_ATTENTION", ".large")
    assert "can't be called back" in console.see(".card.alarm p", "CancelShipments").text
    assert console.see("[data-delivery=out]").text == "On its way", "nobody knows since when"
    console.see(".card.alarm .open li", "The money was taken.")
    console.click("[data-do=retry]")
    console.see(".timeline li", "by an operator")
    # The crate can't be called back a second time either.
    console.is_in("NEEDS_ATTENTION", ".large")
    console.click(".card.alarm summary", "Settled by hand")
    # One shipment has left, so the goods can't all be in stock.
    console.choose(f"#stock-{id}", "SOLD")
    console.type(f"#note-{id}", "found, and refunded by transfer")
    console.click(".card.alarm form button")
    console.is_in("CANCELLED", ".large")
    console.see(".timeline li", "refunded by transfer")


def test_operations_counts_filters_and_searches(console, runtime):
    id = runtime.order(customer_id="operations-test", items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"})
    paid = runtime.order(customer_id="operations-test", items=["iPhone 15"], payment={"method": "pm_card"})
    console.open("operations")
    assert "can't be called back" in console.see(".card.alarm li", id).text
    console.type("#search", "operations-test")
    console.see("tbody tr", paid)
    console.until("only what was searched for", lambda: all("operations-test" in row.text for row in console.all("[aria-labelledby=orders] tbody tr")))
    console.click(".tile", "Needs attention")
    assert "state=NEEDS_ATTENTION" in console.browser.current_url
    console.until("one order", lambda: [row.text.split()[0] for row in console.all("[aria-labelledby=orders] tbody tr")] == [id])
    console.type("#search", paid)
    console.see("[aria-labelledby=orders] [role=status]", "No orders")
    console.see("[aria-labelledby=stock] th", "wh-north")


@pytest.mark.parametrize(
    ("language", "page", "status"),
    [("zh", "商店", "待支付 (超时倒计时"), ("en", "Shop", "Awaiting payment ("), ("ru", "Магазин", "Ожидает оплаты (")],
)
def test_three_languages(console, runtime, language, page, status):
    id = runtime.order(items=["iPhone 15"])
    console.choose("#language", language)
    console.see("h1", page)
    console.open(f"orders/{id}")
    console.see(".large .status", status)
    assert console.browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
    unknown = re.findall(r"\b(?:page|state|method|payment|shop|event|unit)\.[a-z-]+\b", console.browser.find_element(By.TAG_NAME, "body").text)
    assert not unknown, "keys without a text"


def test_an_address_that_changes_while_the_page_starts_is_followed(console):
    script = console.browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": IMPATIENT})
    try:
        console.browser.refresh()
        console.see("[aria-labelledby=orders]")
    finally:
        console.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_everything_is_done_with_the_keyboard_alone(console):
    console.see("#quantity-iphone-15")
    focused = lambda: console.browser.switch_to.active_element

    def tab_to(wanted):
        for _ in range(80):
            focused().send_keys(Keys.TAB)
            element = focused()
            outline = element.value_of_css_property("outline-style")
            assert outline != "none", f"the focus on {element.get_attribute('outerHTML')[:80]} can't be seen"
            if wanted(element):
                return element
        raise AssertionError("not reached with the Tab key")

    tab_to(lambda element: element.get_attribute("id") == "quantity-iphone-15").send_keys("1")
    tab_to(lambda element: element.text == "Place order").send_keys(Keys.ENTER)
    console.is_in("AWAITING_PAYMENT", "[data-order]")
    tab_to(lambda element: element.text == "Pay").send_keys(Keys.ENTER)
    console.is_in("COMPLETED", "[data-order]")


def test_every_control_has_a_name(console, runtime):
    id = runtime.order(items=[{"product_id": "mac-pro", "quantity": 2}])
    for page in ["shop", "review", "returns", "operations", "catalogue?open=mac-pro", "customers", "warehouses", f"orders/{id}"]:
        console.open(page)
        console.see("h1")
        controls = console.until("controls", lambda: console.all("main button, main input, main select, main textarea, main a"))
        # What is folded away has neither a place nor a name.
        controls = [control for control in controls if control.is_displayed()]
        nameless = [control.get_attribute("outerHTML")[:90] for control in controls if not control.accessible_name]
        assert not nameless, nameless


def test_a_phone_needs_no_sideways_scrolling(console, runtime):
    id = runtime.order(items=["macbook-air", "magic-mouse"])
    with console.on_a_phone():
        for language in ["zh", "en", "ru"]:
            console.choose("#language", language)
            for page in ["shop", "review", "returns", "operations", f"orders/{id}"]:
                console.open(page)
                console.until("the page", lambda: console.all(".card, .cards"))
                console.must_fit(f"{page} in {language}")


def test_customers_see_the_shop_and_nothing_of_the_admin(console, runtime):
    id = runtime.order(items=["iPhone 15"])
    links = lambda selector: [link.get_attribute("href").split("#")[1] for link in console.all(selector)]
    console.see("nav a", "Operations")
    assert links("header nav a") == ["/shop", "/review", "/returns", "/operations", "/catalogue", "/customers", "/warehouses"]
    console.network("api/v1/summary", "answer", status=403, body={"type": "urn:omniflow:problem:forbidden"})
    console.look_again()
    console.until("the shop alone", lambda: links("header nav a") == ["/shop"])
    assert "Outbox" not in console.see("footer").text
    console.open("review")
    console.see("h1", "no such page")
    assert links("main a") == ["/shop"]
    console.open(f"orders/{id}")
    console.is_in("AWAITING_PAYMENT", ".large")
    assert not console.all("[aria-labelledby=workflow]")
    console.click(".find")
    console.see(".palette input").send_keys("iphone")
    console.see(".palette [data-kind=order]", id)
    assert not console.all(".palette [data-kind=customer]")
    console.see(".palette [data-kind=product]", "iPhone 15").click()
    console.until("the shop, with what was found", lambda: len(console.all("[data-product]")) == 2)
