"""The console for everybody: axe-core's rules on every page, in both themes and on both sizes, and ways for the keyboard."""

import contextlib
import time

import pytest
from console import read, send
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

CUSTOMER = "ann-of-axe"

RUN = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html.slice(0, 200))])))"


@pytest.fixture(scope="module")
def orders(runtime):
    """An order in each of the ways that an order's page looks."""
    waiting = runtime.order(items=[{"product_id": "mac-pro", "quantity": 2}])
    attention = runtime.order(items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"}, email="ann@example.com", customer_id=CUSTOMER)
    send(runtime, "POST", "stock/iphone-15/wh-east/movements", {"kind": "receive", "quantity": 1, "reason": "delivery"})
    returned = runtime.order(items=["macbook-air"], payment={"method": "pm_card"})
    while read(runtime, returned)["state"] != "COMPLETED":
        time.sleep(0.1)
    send(runtime, "POST", f"orders/{returned}/returns", {"items": [{"product_id": "macbook-air", "quantity": 1}], "reason": "too heavy"})
    return {"waiting": waiting, "attention": attention, "unpaid": runtime.order(items=["iPhone 15"]), "returned": returned}


def violations(browser, axe):
    browser.execute_script(axe)
    return browser.execute_async_script(RUN)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_axe_finds_nothing(console, runtime, orders, axe, theme, phone):
    console.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
    console.until("the failure", lambda: read(runtime, orders["attention"])["state"] == "NEEDS_ATTENTION")
    found = {}
    try:
        with console.on_a_phone() if phone else contextlib.nullcontext():
            pages = {"shop": ".products", "review": "[data-order]", "operations": "tbody tr", "outbox": "article", "nowhere": "h1"}
            pages |= {"catalogue?search=iphone&open=iphone-15": ".movements", "customers": "tbody tr", f"customers/{CUSTOMER}": "tbody tr", "warehouses": "[data-warehouse]", "returns": "[data-open-return]"}
            pages |= {f"orders/{id}": ".graph" for id in orders.values()} | {"orders/ORD-1": "h1"}
            for page, seen in pages.items():
                console.open(page)
                console.see(seen)
                if page == "shop":
                    console.type("#quantity-limited-edition", "101")
                    console.type("#quantity-iphone-15", "1.5")
                    console.type("#quantity-macbook-air", "1")
                    console.type("#email", "ann")
                    console.click(".address summary")
                    console.type("#address-name", "Ann")
                    console.see(".basket").submit()
                if page.startswith("catalogue"):
                    for summary in ["Add a product", "Files for spreadsheets"]:
                        console.click("summary", summary)
                if page == "warehouses":
                    console.click("summary", "Add a warehouse")
                    console.click("[data-warehouse=wh-east] button", "Change")
                    console.choose("#link-wh-east", "http")
                if page == "operations":
                    console.click("tbody input[type=checkbox]")
                    console.see(".bulk")
                if page == f"orders/{orders['attention']}":
                    console.click(".graph [data-state=ShipWarehouse]")
                    console.click(".history summary")
                found |= {(page, *violation[:1]): violation[1] for violation in violations(console.browser, axe)}
            console.click(".find")
            console.see(".palette input").send_keys("iphone")
            console.see(".palette [data-kind=product]")
            found |= {("palette", *violation[:1]): violation[1] for violation in violations(console.browser, axe)}
            for path in ["docs", "_omniflow/outbox"]:
                console.browser.get(f"{runtime.url}/{path}")
                console.see("main")
                found |= {(path, *violation[:1]): violation[1] for violation in violations(console.browser, axe)}
    finally:
        console.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert not found, found
    # The order that there is not was refused.
    console.must_be_content(refusals=True)
    console.browser.get_log("browser")


def test_the_navigation_can_be_skipped(console):
    console.see("#quantity-iphone-15")
    ActionChains(console.browser).send_keys(Keys.TAB).perform()
    skip = console.focused()
    assert skip.text == "Skip to the content"
    assert skip.rect["x"] >= 0, "it is seen once it has the focus"
    skip.send_keys(Keys.ENTER)
    assert console.focused().tag_name == "main"
    assert "#main" not in console.browser.current_url


def test_the_console_the_documentation_and_the_outbox_lead_to_each_other(console, runtime):
    console.click("footer a", "The API's documentation")
    console.see("main h1", "The API")
    console.click("header a", "OmniFlow")
    console.see("#quantity-iphone-15")
    console.click("footer a", "Outbox")
    console.see("h1", "Outbox")
    console.browser.get(f"{runtime.url}/_omniflow/outbox")
    console.click("a", "console")
    console.see("#quantity-iphone-15")


def test_the_outbox_shows_what_would_be_sent(console, runtime):
    id = runtime.order(items=["iPhone 15"], email="ann@example.com", payment={"method": "pm_card"})
    console.open("outbox")
    console.see("article", id)
    console.see("article", "ann@example.com")
