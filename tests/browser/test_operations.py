"""Operations: a view that a link leads to, and that a shop's operator finds their way in."""

import json
import urllib.request

import pytest
from console import read

ROWS = "[aria-labelledby=orders] tbody tr"


@pytest.fixture
def shop(start):
    return start("--parameter", "PaymentWindowSeconds=600")


def rows(console, *ids):
    console.until(f"the rows {ids}", lambda: console.row_ids() == list(ids))


def test_what_is_chosen_is_in_the_address_and_outlives_back_and_reload(console_of, shop):
    console = console_of(shop)
    paid = shop.order(customer_id="ann", items=["iPhone 15"], payment={"method": "pm_card"})
    unpaid = shop.order(customer_id="ann", items=["iPhone 15"])
    other = shop.order(customer_id="bob", items=["iPhone 15"])
    console.until("it is done", lambda: read(shop, paid)["state"] == "COMPLETED")
    console.open("operations")
    rows(console, other, unpaid, paid)
    console.type("#search", "ann")
    rows(console, unpaid, paid)
    console.click(".tile", "Completed")
    rows(console, paid)
    console.until("the address", lambda: "state=COMPLETED&search=ann" in console.browser.current_url)
    console.browser.refresh()
    rows(console, paid)
    assert console.see("#search").get_attribute("value") == "ann"
    assert "Completed" in console.see(".tile[aria-current]").text
    console.click(f"{ROWS} a")
    console.see(".large", "Completed")
    console.browser.back()
    rows(console, paid)
    console.browser.back()
    rows(console, unpaid, paid)
    console.browser.back()
    rows(console, other, unpaid, paid)
    assert console.see("#search").get_attribute("value") == ""
    console.must_be_content()


def test_pages_are_in_the_address(console_of, shop):
    console = console_of(shop)
    ids = [shop.order(items=["iPhone 15"]) for _ in range(22)][::-1]
    console.open("operations")
    rows(console, *ids[:20])
    console.click("button", "Older")
    rows(console, *ids[20:])
    console.browser.refresh()
    rows(console, *ids[20:])
    console.browser.back()
    rows(console, *ids[:20])
    console.browser.forward()
    console.click("button", "Newer")
    rows(console, *ids[:20])
    console.must_be_content()


def test_orders_are_found_by_whatever_somebody_knows_of_them(console_of, shop):
    console = console_of(shop)
    shipped = shop.order(customer_id="somebody", email="ann@example.com", items=["iPhone 15"], payment={"method": "pm_card"})
    shop.order(customer_id="other", items=["MacBook Air"])
    console.until("it is done", lambda: read(shop, shipped)["state"] == "COMPLETED")
    tracking = read(shop, shipped)["shipments"][0]["tracking"]
    console.open("operations")
    console.until("both", lambda: len(console.row_ids()) == 2)
    for known in [shipped.removeprefix("ORD-"), shipped[-6:], tracking, tracking.lower(), "ANN@example", "799", "799.00"]:
        console.type("#search", known)
        rows(console, shipped)
        console.type("#search", "zzz")
        console.see("[aria-labelledby=orders] [role=status]", "No orders")
    console.type("#search", "completed")
    console.click("[aria-labelledby=orders] a", "Only the status")
    rows(console, shipped)
    console.must_be_content()


def test_the_counts_are_grouped_and_each_has_its_place(console_of, shop):
    console = console_of(shop)
    console.open("operations")
    console.see(".group", "For a person")
    assert len(console.all(".group .tile")) == 13
    assert [heading.text for heading in console.all(".group h2")] == ["For a person", "With the customer", "Under way", "Ended"]
    places = lambda: [tile.rect for tile in console.all(".tile")]
    before = places()
    shop.order(items=["iPhone 15"])
    console.look_again()
    console.see(".tile:not(.none)", "Awaiting payment")
    assert places() == before
    console.must_be_content()


@pytest.mark.parametrize(("language", "told", "all_of_them"), [("en", "can't be called back", "Show them all"), ("zh", "无法召回", "显示全部"), ("ru", "нельзя отозвать", "Показать все")])
def test_what_needs_attention_is_a_summary(console_of, start, language, told, all_of_them):
    shop = start()
    ids = [shop.order(customer_id=f"customer-{n}", items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"}) for n in range(5)]
    console = console_of(shop, language=language)
    console.until("it needs attention", lambda: all(read(shop, id)["state"] == "NEEDS_ATTENTION" for id in ids))
    console.open("operations")
    box = console.see(".card.alarm", told)
    console.until("three of them", lambda: len(console.all(".card.alarm li")) == 3)
    assert "5" in box.text and "customer-4" in box.text
    assert box.rect["height"] < 400, "it leaves room for the rest of the page"
    console.click(".card.alarm a", all_of_them)
    rows(console, *ids[::-1])
    console.must_be_content()


def test_a_long_name_pushes_nothing_away(console_of, shop):
    console = console_of(shop)
    shop.order(customer_id="x" * 200, items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"})
    console.open("operations")
    console.see(".card.alarm li", "xxx")
    script = "return [...document.querySelectorAll('.scroll')].every((table) => table.scrollWidth <= table.clientWidth) && document.documentElement.scrollWidth <= innerWidth"
    assert console.browser.execute_script(script)
    with console.on_a_phone():
        console.must_fit("operations")
        assert console.browser.execute_script(script), "rows are cards"
        assert console.see(f"{ROWS} td[data-label]").value_of_css_property("display") == "flex"
    console.must_be_content()


def test_stock_has_a_row_for_each_product(console_of, shop):
    console = console_of(shop)
    shop.order(items=["iPhone 15"])
    console.open("operations")
    console.see("[aria-labelledby=stock] tbody tr", "(+1")
    names = [cell.text for cell in console.all("[aria-labelledby=stock] tbody th")]
    assert names == sorted(names, key=str.lower) and len(names) == len(set(names))
    console.must_be_content()


def test_the_last_hour_is_seen_at_a_glance(console_of, start):
    shop = start("--parameter", "PaymentWindowSeconds=600")
    done = [shop.order(items=["iPhone 15"], payment={"method": "pm_card"}) for _ in range(3)]
    declined = shop.order(items=["iPhone 15"], payment={"method": "pm_declined"})
    console = console_of(shop)
    console.until("all ended", lambda: all(read(shop, id)["state"] in ("COMPLETED", "CANCELLED") for id in [*done, declined]))
    console.open("operations")
    console.see(".glance [data-outcome=completed]", "3")
    console.see(".glance [data-outcome=cancelled]", "1")
    assert "completed 3, cancelled 1" in console.see(".chart").get_attribute("aria-label")
    bars = console.all(".chart .done")
    assert bars and all(float(bar.get_attribute("height")) > 0 for bar in bars)
    assert " s" in console.see(".glance tbody tr", "From payment to the end").text
    console.must_be_content()


def test_where_nothing_counts_for_the_page_it_says_where_the_metrics_are(console_of, shop):
    console = console_of(shop)
    console.network("api/v1/metrics", "answer", status=404, body={})
    console.open("operations")
    console.see(".glance", "CloudWatch")
    assert not console.all(".glance svg")


def test_what_is_not_known_of_the_last_hour_is_a_gap_and_hides_nothing_else(console_of, shop):
    with urllib.request.urlopen(f"{shop.url}/api/v1/metrics", timeout=30) as answer:
        told = json.load(answer)
    told |= {"dead_letters": None, "phases": {"reserve": {"count": 2, "p50": 0.1, "p95": 0.2}, "pay": None, "complete": {"count": 0, "p50": None, "p95": None}}}
    for minute in told["minutes"]:
        minute["outcomes"] = {"completed": 1, "cancelled": 0, "rejected": None, "needing_attention": 0}
        minute["stock_conflicts"] = None
    for minute in told["minutes"][:50]:
        minute["outcomes"]["rejected"] = 2
    console = console_of(shop)
    console.network("api/v1/metrics", "answer", status=200, body=told)
    console.open("operations")
    console.see(".glance", "Dashed minutes are not known yet")
    assert (len(console.all(".chart .gap")), len(console.all(".chart .ground"))) == (10, 50)
    assert "completed 60, cancelled 0, rejected 100" in console.see(".chart").get_attribute("aria-label")
    rows = [row.text for row in console.all(".glance tbody tr")]
    assert len(rows) == 2 and rows[1].endswith("– –"), rows
    numbers = console.see(".glance dl").text.splitlines()
    assert numbers[numbers.index("Dead letters") + 1] == numbers[numbers.index("Stock conflicts") + 1] == "–", numbers
    console.must_be_content()
