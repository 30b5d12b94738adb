"""The list of orders: sorted, kept as views, selected, acted on, saved as a file; and the palette that finds them."""

import csv
import io

import pytest
from console import read
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

# What the browser would save, as text.
SAVED = """
window.saved = [];
HTMLAnchorElement.prototype.click = async function () {
  if (this.download) saved.push([this.download, await (await fetch(this.href)).text()]);
};
URL.createObjectURL = (blob) => {
  const url = "data:text/csv," + saved.length;
  blob.text().then((text) => saved.push(text));
  return url;
};
"""


@pytest.fixture
def shop(start):
    return start("--parameter", "PaymentWindowSeconds=600")


def rows(console, *ids):
    console.until(f"the rows {ids}", lambda: console.row_ids() == list(ids))


def in_review(shop, **more):
    return shop.order(items=[{"product_id": "mac-pro", "quantity": 2}], **more)


def select(console, *ids):
    for id in ids:
        console.click(f"input[aria-label='{id}']")
    console.see(".bulk strong", f"{len(ids)} selected")


def test_rows_are_sorted_by_what_the_address_names_and_stay_where_they_are(console_of, shop):
    console = console_of(shop)
    dear = shop.order(customer_id="bob", items=["MacBook Air"])
    cheap = shop.order(customer_id="ann", items=["magic-mouse"])
    middle = shop.order(customer_id="eve", items=["iPhone 15"])
    console.open("operations")
    rows(console, middle, cheap, dear)
    console.click("th a", "Amount")
    rows(console, dear, middle, cheap)
    assert console.see("th[aria-sort]", "Amount").get_attribute("aria-sort") == "descending"
    assert "sort=-amount" in console.browser.current_url
    console.click("th a", "Amount")
    rows(console, cheap, middle, dear)
    console.browser.refresh()
    rows(console, cheap, middle, dear)
    console.click("th a", "Customer")
    rows(console, cheap, dear, middle)
    # Whatever becomes of an order, its row stays where it was listed.
    console.click("th a", "Status")
    console.until("sorted", lambda: "sort=status" in console.browser.current_url)
    before = console.row_ids()
    shop_pays(shop, before[0])
    console.look_again()
    console.see("[aria-labelledby=orders] td", "Completed")
    assert console.row_ids() == before
    console.must_be_content()


def shop_pays(shop, id):
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{shop.url}/api/v1/orders/{id}/pay", b"{}")).close()


def test_a_view_is_kept_by_its_name_and_forgotten(console_of, shop):
    console = console_of(shop)
    bob = shop.order(customer_id="bob", items=["iPhone 15"])
    other = shop.order(customer_id="ann", items=["iPhone 15"])
    console.open("operations")
    rows(console, other, bob)
    assert not console.all("#view-name"), "all orders need no name"
    console.click("td a", "bob")
    console.click("[aria-labelledby=orders] a", "In the list of orders")
    console.see("h1", "Operations")
    rows(console, bob)
    assert "customer=bob" in console.browser.current_url
    console.see("h2", "of bob")
    console.type("#view-name", "What Bob orders")
    console.click(".views button", "Keep this view")
    console.see(".views a[aria-current]", "What Bob orders")
    console.open("operations")
    rows(console, other, bob)
    console.browser.refresh()
    console.click(".views a", "What Bob orders")
    rows(console, bob)
    console.click(".views button.copy")
    console.gone(".views a")
    # What a later release or somebody else has left there does no harm.
    console.browser.execute_script("localStorage['omniflow.views'] = '{\"a\": 1}'")
    console.browser.refresh()
    rows(console, bob)
    console.must_be_content()


def test_selected_orders_are_decided_by_one_call_each_and_each_failure_is_named(console_of, shop):
    console = console_of(shop)
    first, second, third = [in_review(shop, customer_id=f"customer-{n}") for n in range(3)]
    unpaid = shop.order(items=["iPhone 15"])
    console.until("they wait", lambda: all(read(shop, id)["state"] == "AWAITING_AUDIT" for id in [first, second, third]))
    console.open("operations")
    rows(console, unpaid, third, second, first)
    select(console, first, second, unpaid)
    assert [button.text for button in console.all("[data-bulk]")] == ["Approve (2)", "Reject (2)", "Cancel (3)"]
    console.network(f"{second}/audit", "answer", status=503, body={"detail": "Try again."})
    console.click("[data-bulk=approve]")
    console.see(".bulk [role=status]", "1 done, 1 failed")
    console.see(".bulk .problem li", second)
    assert "The server has a problem" in console.see(".bulk .problem").text
    assert sorted(console.sent("/audit")) == sorted(f"POST ../api/v1/orders/{id}/audit" for id in [first, second])
    assert read(shop, first)["audit"]["approved"] and not read(shop, third).get("audit")
    # What failed is still selected, and is tried again.
    console.network()
    console.see(".bulk strong", "2 selected")
    console.click("[data-bulk=approve]", "(1)")
    console.until("the second", lambda: read(shop, second).get("audit"))
    console.must_be_content(refusals=True)


def test_what_cannot_be_undone_is_asked_about_first(console_of, shop):
    console = console_of(shop)
    ids = [shop.order(items=["iPhone 15"]) for _ in range(2)]
    console.until("they wait", lambda: all(read(shop, id)["state"] == "AWAITING_PAYMENT" for id in ids))
    console.open("operations")
    rows(console, *ids[::-1])
    console.click("input[aria-label='Select all rows']")
    console.network()
    console.click("[data-bulk=cancel]")
    console.see("dialog h2", "Cancel 2 orders?")
    console.focused().send_keys(Keys.ESCAPE)
    console.gone("dialog")
    assert not console.sent("/cancel")
    console.click("[data-bulk=cancel]")
    console.click("dialog button", "Yes, all of them")
    console.see(".bulk [role=status]", "2 done, 0 failed")
    console.until("both", lambda: all(read(shop, id)["state"] == "CANCELLED" for id in ids))
    console.must_be_content()


def test_nothing_further_is_sent_when_the_connection_is_lost(console_of, shop):
    console = console_of(shop)
    ids = [shop.order(items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"}) for _ in range(3)]
    console.until("they need attention", lambda: all(read(shop, id)["state"] == "NEEDS_ATTENTION" for id in ids))
    console.open("operations")
    rows(console, *ids[::-1])
    select(console, *ids)
    console.network("/retry", "lost request")
    console.click("[data-bulk=retry]", "Go on (3)")
    console.see(".bulk [role=status]", "0 done, 1 failed")
    assert len(console.sent("/retry")) == 1
    assert "can't be reached" in console.see(".bulk .problem li").text


def test_what_is_listed_is_saved_as_a_file_that_no_spreadsheet_takes_for_formulas(console_of, shop):
    console = console_of(shop)
    evil = shop.order(customer_id='=HYPERLINK("evil"),"x', items=["iPhone 15"])
    usual = shop.order(customer_id="Анна, 安娜", items=[{"product_id": "macbook-air", "quantity": 2}, {"product_id": "magic-mouse", "quantity": 1}])
    console.open("operations")
    rows(console, usual, evil)
    console.browser.execute_script(SAVED)
    console.click("button", "CSV")
    text = console.until("the file", lambda: console.browser.execute_script("return saved.find((one) => typeof one === 'string')"))
    lines = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline="")))
    assert [line["order_id"] for line in lines] == [usual, evil]
    assert lines[0]["customer_id"] == "Анна, 安娜" and lines[0]["items"] == "2 × MacBook Air; 1 × Magic Mouse"
    assert lines[0]["currency"] == "USD" and float(lines[0]["amount"]) == read(shop, usual)["amount"]
    assert lines[1]["customer_id"] == "'=HYPERLINK(\"evil\"),\"x"
    assert text.endswith("\r\n")


def test_an_order_is_shown_with_its_number_and_found_by_it(console_of, shop):
    console = console_of(shop)
    first, second = (shop.order(items=["iPhone 15"]) for _ in range(2))
    number = read(shop, second)["number"]
    assert number == read(shop, first)["number"] + 1
    console.open("operations")
    rows(console, second, first)
    console.see(f"[data-number='{number}']", f"#{number}")
    for typed in (f"#{number}", str(number), second.removeprefix("ORD-")):
        console.open("operations")
        console.see("#search").send_keys(typed)
        rows(console, second)
    palette(console).send_keys(f"#{number}")
    console.see(".palette [data-kind=order][aria-selected=true]", f"#{number}")
    console.focused().send_keys(Keys.ENTER)
    console.see("h1", second)
    console.see("h1 [data-number]", f"#{number}")


def palette(console):
    ActionChains(console.browser).key_down(Keys.CONTROL).send_keys("k").key_up(Keys.CONTROL).perform()
    return console.see(".palette input")


def test_the_palette_finds_orders_customers_products_and_pages_by_the_keyboard_alone(console_of, shop):
    console = console_of(shop)
    id = shop.order(customer_id="bob-the-builder", items=["iPhone 15"])
    other = shop.order(customer_id="bob-the-builder", items=["MacBook Air"])
    console.see("h1")
    field = palette(console)
    assert console.focused() == field
    field.send_keys(id[-8:])
    console.see(".palette [data-kind=order][aria-selected=true]", id)
    field.send_keys(Keys.ENTER)
    console.see("h1", id)
    console.gone(".palette")
    palette(console).send_keys("bob-the")
    console.see(".palette [data-kind=customer]", "bob-the-builder")
    for _ in range(2):
        console.focused().send_keys(Keys.ARROW_DOWN)
    assert console.see(".palette [aria-selected=true]").get_attribute("data-kind") == "customer"
    console.focused().send_keys(Keys.ENTER)
    console.see("h1", "bob-the-builder")
    console.until("the orders", lambda: console.row_ids() == [other, id])
    palette(console).send_keys("macbook-air")
    console.see(".palette [data-kind=product]", "MacBook Air").click()
    console.until("the open product", lambda: console.see("#edit-macbook-air-name").get_attribute("value") == "MacBook Air")
    palette(console).send_keys("Revi", Keys.ENTER)
    console.see("h1", "Review")
    palette(console).send_keys("zzzz")
    console.see(".palette [role=status]", "Nothing has this")
    console.focused().send_keys(Keys.ESCAPE)
    console.gone(".palette")
    console.click(".find")
    console.see(".palette")
    console.must_be_content()
