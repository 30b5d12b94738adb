"""The catalogue in the admin: products and stock in place, movements, low stock, and files."""

import pytest
from console import send

# What the browser would save, as text.
SAVED = """
window.saved = [];
HTMLAnchorElement.prototype.click = function () { if (this.download) saved.push(this.download); };
URL.createObjectURL = (blob) => { blob.text().then((text) => saved.push(text)); return "data:text/csv,"; };
"""


@pytest.fixture
def shop(start):
    return start("--parameter", "PaymentWindowSeconds=600")


def value(console, field):
    return console.see(field).get_attribute("value")


def move(console, product, kind, quantity, reason, warehouse=None):
    console.choose(f"#move-{product}-kind", kind)
    if warehouse:
        console.type(f"#move-{product}-warehouse", warehouse)
    console.type(f"#move-{product}-quantity", str(quantity))
    console.type(f"#move-{product}-reason", reason)
    console.click(f"[data-move={product}] button")


def available(console, place, number):
    console.until(f"{number} in {place}", lambda: console.see(f"[data-place='{place}'] td").text == str(number))


def test_a_product_is_added_stocked_sold_and_withdrawn(console_of, shop):
    console = console_of(shop)
    console.open("catalogue")
    console.click("summary", "Add a product")
    console.type("#new-id", "teapot")
    console.type("#new-name", "Teapot")
    console.type("#new-price", "24.50")
    console.type("#new-low_stock", "5")
    console.click("details button", "Add a product")
    console.click("[data-product=teapot] button", "Open")
    console.see("[data-product=teapot]", "Nothing in stock yet")
    move(console, "teapot", "receive", 6, "first delivery", "wh-main")
    available(console, "teapot/wh-main", 6)
    console.see("[data-movement=receive]", "first delivery")
    move(console, "teapot", "adjust", -1, "one is broken")
    available(console, "teapot/wh-main", 5)
    console.see("[data-movement=adjust]", "-1")
    console.see("[data-product=teapot] .head .badge", "low")
    # What is not there can't be moved, and nothing of what was typed is lost.
    move(console, "teapot", "adjust", -6, "too many")
    console.see("[data-move=teapot] [role=alert]")
    assert value(console, "#move-teapot-reason") == "too many"
    console.click("label", "Low stock only")
    console.until("only that", lambda: [row.get_attribute("data-product") for row in console.all(".product-row")] == ["teapot"])
    assert "low=1" in console.browser.current_url
    console.click("label", "Low stock only")
    console.type("#find", "teapot")
    console.click("[data-product=teapot] button", "Open")
    console.click("[data-product=teapot] button", "Withdraw")
    console.see("[data-product=teapot] button", "Sell again")
    console.open("shop")
    console.see("#quantity-iphone-15")
    assert not console.all("[data-product=teapot]")
    console.must_be_content(refusals=True)


@pytest.mark.parametrize(("language", "told", "anew"), [("en", "Somebody changed this", "Load it anew"), ("zh", "已被他人更改", "重新读取"), ("ru", "тем временем изменили", "Загрузить заново")])
def test_nobody_overwrites_what_somebody_else_has_saved(console_of, shop, language, told, anew):
    console = console_of(shop, language=language)
    console.open("catalogue?search=magic&open=magic-mouse")
    console.until("the product", lambda: value(console, "#edit-magic-mouse-price") == "79")
    send(shop, "PUT", "products/magic-mouse", {"name": "Magic Mouse 2", "price": 89})
    console.type("#edit-magic-mouse-price", "99")
    console.click("[data-product=magic-mouse] form .primary")
    console.see("[data-product=magic-mouse] [role=alert]", told)
    assert value(console, "#edit-magic-mouse-price") == "99"
    assert send(shop, "GET", "products/magic-mouse")["price"] == 89
    console.click("[data-product=magic-mouse] button", anew)
    console.until("what is there now", lambda: value(console, "#edit-magic-mouse-name") == "Magic Mouse 2")
    console.type("#edit-magic-mouse-price", "99")
    console.click("[data-product=magic-mouse] form .primary")
    console.see("[data-product=magic-mouse] .head", "99")
    product = send(shop, "GET", "products/magic-mouse")
    assert (product["name"], product["price"]) == ("Magic Mouse 2", 99)
    console.must_be_content(refusals=True)


def test_a_movement_whose_answer_is_lost_is_made_once(console_of, shop):
    console = console_of(shop)
    console.open("catalogue?search=limited&open=limited-edition")
    available(console, "limited-edition/wh-east", 40)
    console.network("POST ../api/v1/stock", "lost answer")
    move(console, "limited-edition", "receive", 10, "delivery")
    console.see("[data-move=limited-edition] [role=alert]", "can't be reached")
    console.network()
    console.click("[data-move=limited-edition] button")
    available(console, "limited-edition/wh-east", 50)
    assert len(send(shop, "GET", "stock/limited-edition/wh-east/movements")["movements"]) == 1
    console.must_be_content()


def test_movements_are_of_the_warehouse_that_somebody_chooses(console_of, shop):
    for number in range(12):
        send(shop, "POST", "stock/iphone-15/wh-west/movements", {"kind": "receive", "quantity": 1, "reason": f"delivery {number}"})
    console = console_of(shop)
    console.open("catalogue?search=iphone-15&open=iphone-15")
    console.click("[data-place='iphone-15/wh-west'] button")
    console.see("h4", "Movements in wh-west")
    console.see("[data-movement]", "delivery 11")
    assert len(console.all("[data-movement]")) == 10
    console.click(".open-product button", "Next page")
    console.see("[data-movement]", "delivery 0")
    assert len(console.all("[data-movement]")) == 2
    console.must_be_content()


def test_a_catalogue_goes_out_as_a_file_and_comes_in_as_one(console_of, shop, tmp_path):
    console = console_of(shop)
    console.browser.execute_script(SAVED)
    console.open("catalogue")
    console.click("summary", "Files for spreadsheets")
    console.click("[data-export=products]")
    saved = console.until("the file", lambda: console.browser.execute_script("return saved.length === 2 && saved"))
    assert any(name.startswith("products-") for name in saved)
    text = next(part for part in saved if "product_id" in part)
    assert "\nmagic-mouse,Magic Mouse,79" in text.replace("\r", "")
    # More rows than one request takes, a name with a line break in it, and one row that is none.
    rows = [f'p{n:04},"Product {n:04}",{n + 1}' for n in range(700)]
    rows[10] = 'p0010,"Product\n0010",11'
    rows[650] = "p0650,Product 0650,much"
    file = tmp_path / "products.csv"
    file.write_text("\ufeff" + "\r\n".join(["product_id,name,price", *rows]) + "\r\n", newline="")
    console.see("#import-products").send_keys(str(file))
    console.click("[data-import=products] button")
    result = console.see("[data-imported=products]", "Written: 698")
    # A name with a line break is refused as well; the lines are those of the whole file.
    assert "Line 12:" in result.text and "Line 653:" in result.text, result.text
    assert send(shop, "GET", "products/p0699")["price"] == 700
    console.see("#import-products").send_keys(str(file))
    console.click("[data-import=products] button")
    console.see("[data-imported=products]", "Written: 0, already so: 698")
    console.must_be_content()


def test_more_stock_than_a_page_is_shown_page_by_page(console_of, start):
    shop = start("--empty")
    send(shop, "POST", "import/products", "product_id,name,price\n" + "".join(f"p{n:03},Product {n:03},1\n" for n in range(130)))
    send(shop, "POST", "import/stock", "product_id,warehouse,on_hand\n" + "".join(f"p{n:03},wh-main,5\n" for n in range(130)))
    console = console_of(shop)
    console.open("operations")
    console.until("a page", lambda: len(console.all("[aria-labelledby=stock] tbody tr")) == 100)
    console.click("[aria-labelledby=stock] button", "Next page")
    console.until("the rest", lambda: len(console.all("[aria-labelledby=stock] tbody tr")) == 30)
    console.open("catalogue")
    console.until("a page", lambda: len(console.all(".product-row")) == 100)
    console.click("button", "Next page")
    console.until("the rest", lambda: len(console.all(".product-row")) == 30)
    console.must_be_content()


@pytest.mark.parametrize("page", ["catalogue", "catalogue?search=iphone&open=iphone-15", "customers", "warehouses", "returns"])
def test_the_pages_of_the_admin_fit_a_phone(console_of, runtime, page):
    runtime.order(customer_id="y" * 200, items=["iPhone 15"])
    for language in ["en", "zh", "ru"]:
        console = console_of(runtime, language=language)
        with console.on_a_phone():
            console.open(page)
            console.see("main .card")
            console.must_fit(f"{page} in {language}")
    console.must_be_content()


def test_pages_that_can_not_be_loaded_say_so(console_of, shop):
    console = console_of(shop)
    console.browser.execute_cdp_cmd("Network.enable", {})
    console.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/admin.js"]})
    console.browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    try:
        console.open("warehouses")
        console.see("main [role=alert]", "could not be loaded")
    finally:
        console.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    console.click("button", "Load the page anew")
    console.see("[data-warehouse]")
    console.browser.get_log("browser")
