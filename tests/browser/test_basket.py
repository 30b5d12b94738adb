"""The shop: finding products, the basket that outlives a reload, and the checkout."""

import json

import pytest
from console import PHONE, read, send
from selenium.webdriver.common.keys import Keys

TOTAL = ".basket output .amount"


@pytest.fixture
def shop(start):
    return start("--parameter", "PaymentWindowSeconds=600")


def line(console, product, text=""):
    return console.see(f"[data-line={product}]", text)


def total(console, amount):
    console.until(f"{amount} in all", lambda: console.see(TOTAL).text == amount)


def test_the_basket_outlives_a_reload_and_another_page(console_of, shop):
    console = console_of(shop)
    console.see(".basket", "Nothing in it yet")
    console.type("#quantity-iphone-15", "2")
    console.type("#quantity-magic-mouse", "1")
    total(console, "$1,677.00")
    console.browser.refresh()
    total(console, "$1,677.00")
    assert console.see("#quantity-iphone-15").get_attribute("value") == "2"
    line(console, "iphone-15", "2 × iPhone 15")
    console.open("review")
    console.see("h1", "Review")
    console.open("shop")
    console.click("[data-line=magic-mouse] button")
    total(console, "$1,598.00")
    assert console.see("#quantity-magic-mouse").get_attribute("value") == ""
    console.click("button", "Place order")
    id = console.see("[data-order]").get_attribute("data-order")
    console.see(".basket", "Nothing in it yet")
    assert [(item["product_id"], item["quantity"]) for item in read(shop, id)["items"]] == [("iphone-15", 2)]
    console.must_be_content()


def test_what_is_no_basket_counts_as_empty(console_of, shop):
    console = console_of(shop)
    for kept in ["{", "[]", "null", json.dumps({"iphone-15": {"text": 2}}), json.dumps({"iphone-15": "2"})]:
        console.browser.execute_script("localStorage['omniflow.basket'] = arguments[0]", kept)
        console.browser.refresh()
        console.see(".basket", "Nothing in it yet")
    console.must_be_content()


@pytest.mark.parametrize(
    ("language", "price", "withdrawn", "agree"),
    [
        ("en", "$799.00 before, $749.00 now", "No longer sold", "All right"),
        ("zh", "原价 US$799.00，现价 US$749.00", "已停售", "知道了"),
        ("ru", "теперь 749,00", "Больше не продаётся", "Понятно"),
    ],
)
def test_the_basket_says_what_is_sold_no_more_and_what_costs_another_price(console_of, shop, language, price, withdrawn, agree):
    console = console_of(shop, language=language)
    console.type("#quantity-iphone-15", "1")
    console.type("#quantity-macbook-air", "1")
    send(shop, "PUT", "products/iphone-15", {"name": "iPhone 15", "price": 749})
    send(shop, "PUT", "products/macbook-air", {"name": "MacBook Air", "price": 1199, "active": False})
    console.look_again()
    line(console, "iphone-15", price)
    line(console, "macbook-air", withdrawn)
    assert not console.all("[data-product=macbook-air]"), "it can't be taken any more"
    # It is said again after a reload, until somebody has seen it.
    console.browser.refresh()
    line(console, "macbook-air", withdrawn)
    line(console, "iphone-15", price)
    console.click("[data-line=iphone-15] button.small", agree)
    console.until("it is seen", lambda: price not in line(console, "iphone-15").text)
    console.click(".basket button.primary")
    order = read(shop, console.see("[data-order]").get_attribute("data-order"))
    assert ([item["product_id"] for item in order["items"]], order["amount"]) == (["iphone-15"], 749)
    console.must_be_content()


def test_a_product_that_was_removed_is_told(console_of, shop):
    send(shop, "PUT", "products/teapot", {"name": "Teapot", "price": 24.5})
    console = console_of(shop)
    console.type("#search-products", "teapot")
    console.type("#quantity-teapot", "1")
    total(console, "$24.50")
    send(shop, "DELETE", "products/teapot")
    console.browser.refresh()
    line(console, "teapot", "No longer sold")
    total(console, "$0.00")
    console.must_be_content(refusals=True)


def test_nothing_is_left_out_because_it_could_not_be_looked_up(console_of, shop):
    # Without stock it is on no page of the stock.
    send(shop, "PUT", "products/teapot", {"name": "Teapot", "price": 24.5})
    console = console_of(shop)
    console.see("#quantity-iphone-15")
    console.network("GET ../api/v1/products/teapot", "lost request")
    taken = {"teapot": {"text": "1", "name": "Teapot", "price": 24.5}, "iphone-15": {"text": "1", "name": "iPhone 15", "price": 799}}
    kept = "localStorage['omniflow.basket'] = arguments[0]; dispatchEvent(new StorageEvent('storage', { key: 'omniflow.basket' }))"
    console.browser.execute_script(kept, json.dumps(taken))
    line(console, "teapot", "1 × Teapot")
    total(console, "–")
    assert console.see(".basket button.primary").get_attribute("aria-disabled") == "true"
    console.click(".basket button.primary")
    assert not console.sent("POST")
    console.network()
    total(console, "$823.50")
    console.must_be_content()


def test_products_are_found_by_all_their_names_and_the_search_is_in_the_address(console_of, shop):
    send(shop, "PUT", "products/teapot", {"name": "Teapot", "price": 24.5, "names": ["茶壶"]})
    send(shop, "POST", "stock/teapot/wh-main/movements", {"kind": "receive", "quantity": 3, "reason": "delivery"})
    console = console_of(shop)
    console.type("#search-products", "mac")
    shown = lambda: [card.get_attribute("data-product") for card in console.all("[data-product]")]
    console.until("what has it in its name", lambda: shown() == ["mac-pro", "macbook-air", "macbook-pro"])
    console.type("#search-products", "茶壶")
    console.until("what is called so, too", lambda: shown() == ["teapot"])
    assert "search=" in console.browser.current_url
    console.browser.refresh()
    console.until("the same", lambda: shown() == ["teapot"])
    console.see("[data-product=teapot]", "Available: 3")
    console.type("#search-products", "zzz")
    console.see("main", "Nothing here is called that")
    console.must_be_content()


def test_a_catalogue_of_more_than_a_page_is_shown_page_by_page(console_of, start):
    shop = start("--empty")
    rows = range(120)
    send(shop, "POST", "import/products", "product_id,name,price\n" + "".join(f"p{n:03},Product {n:03},{n + 1}\n" for n in rows))
    send(shop, "POST", "import/stock", "product_id,warehouse,on_hand\n" + "".join(f"p{n:03},wh-main,5\n" for n in rows))
    console = console_of(shop)
    console.until("a page", lambda: len(console.all("[data-product]")) == 100)
    console.click("button", "Show more products")
    console.until("all of them", lambda: len(console.all("[data-product]")) == 120)
    console.type("#quantity-p119", "1")
    # After a reload, what is in the basket is looked up, though its page is not shown.
    console.browser.refresh()
    total(console, "$120.00")
    console.must_be_content()


def test_an_order_goes_to_an_address_and_is_written_about(console_of, shop):
    console = console_of(shop)
    console.type("#quantity-iphone-15", "1")
    console.type("#email", "ann")
    console.network()
    console.click("button", "Place order")
    console.see("#email-wrong", "ann@example.com")
    assert console.focused().get_attribute("id") == "email"
    console.type("#email", "ann@example.org")
    console.click(".address summary")
    console.type("#address-name", "Ann Example")
    console.type("#address-city", "Berlin")
    console.type("#address-country", "xx")
    console.click("button", "Place order")
    console.see("#address-missing", "Street and number")
    assert console.focused().get_attribute("id") == "address-line1"
    console.type("#address-line1", "1 Main Street")
    console.see("#address-missing", "Country code")
    console.type("#address-country", "de")
    console.see(".address small", "Germany")
    assert not console.sent("POST ../api/v1/orders")
    console.click("button", "Place order")
    order = read(shop, console.see("[data-order]").get_attribute("data-order"))
    assert order["email"] == "ann@example.org"
    assert order["address"] == {"name": "Ann Example", "lines": ["1 Main Street"], "city": "Berlin", "country": "DE"}
    console.must_be_content()


def test_enter_in_a_quantity_orders_nothing(console_of, shop):
    console = console_of(shop)
    console.network()
    console.type("#quantity-iphone-15", "1")
    console.see("#quantity-iphone-15").send_keys(Keys.ENTER)
    line(console, "iphone-15")
    assert not console.sent("POST")
    console.must_be_content()


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_on_a_phone_the_basket_is_a_touch_away(console_of, shop, language):
    console = console_of(shop, language=language)
    with console.on_a_phone():
        console.type("#quantity-iphone-15", "1")
        console.must_fit(language)
        console.click(".to-basket")
        assert console.focused().get_attribute("id") == "basket"
        top = console.browser.execute_script("return document.getElementById('basket').getBoundingClientRect().top")
        assert 0 <= top < PHONE["height"]
    console.must_be_content()


def test_the_time_to_pay_runs_out_before_the_eyes(console_of, start):
    shop = start("--parameter", "PaymentWindowSeconds=3600")
    id = shop.order(items=["iPhone 15"])
    console = console_of(shop)
    console.open(f"orders/{id}")
    bar = console.see(".time-left progress")
    left = lambda: int(bar.get_attribute("value"))
    assert 3500 < left() <= int(bar.get_attribute("max")) <= 3601
    before = left()
    console.until("it runs", lambda: left() < before)
    console.click("button", "Pay")
    console.is_in("COMPLETED", ".large")
    assert not console.all(".time-left")
    console.see("[data-delivery=shipped]", "On its way since")
    console.must_be_content()
