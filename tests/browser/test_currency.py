"""The shop in another currency: money is shown with its decimal places, in the reader's language."""

import pytest
from console import read


@pytest.fixture(scope="module")
def in_yen(start):
    """A runtime with time enough to pay, whose currency has no decimal places."""
    return start("--parameter", "PaymentWindowSeconds=600", "--parameter", "Currency=JPY", "--parameter", "AuditThreshold=1000000")


@pytest.fixture(scope="module")
def in_dinars(start):
    """The same with three decimal places."""
    return start("--parameter", "PaymentWindowSeconds=600", "--parameter", "Currency=KWD")


def price_of(console, product):
    """The price that the shop shows for a product, with usual spaces."""
    card = console.see(f".product:has(#quantity-{product})")
    return card.find_element("css selector", ".amount").text.replace("\u00a0", " ").replace("\u202f", " ")


def total(console):
    return console.see("form output strong .amount").text


def test_an_order_in_yen_from_the_shop_to_its_end(console_of, in_yen):
    console = console_of(in_yen)
    assert price_of(console, "iphone-15") == "¥79,900"
    console.type("#quantity-iphone-15", "2")
    console.until("the sum", lambda: total(console) == "¥159,800")
    id = console.order("iphone-15", quantity=2)
    console.see(f"[data-order='{id}'] .amount", "¥159,800")
    console.open(f"orders/{id}")
    console.see("dd .amount", "¥159,800")
    console.see(".items .amount", "¥79,900")
    console.click("button", "Pay")
    console.is_in("COMPLETED", ".large")
    order = read(in_yen, id)
    assert (order["amount"], order["currency"]) == (159800, "JPY")
    console.open("operations")
    console.see("td .amount", "¥159,800")
    console.must_be_content()


@pytest.mark.parametrize(("language", "price"), [("en", "¥79,900"), ("zh", "JP¥79,900"), ("ru", "79 900 ¥")])
def test_yen_are_written_as_the_reader_writes_them(console_of, in_yen, language, price):
    console = console_of(in_yen, language=language)
    assert price_of(console, "iphone-15") == price
    console.must_be_content()


def test_dinars_have_three_decimal_places_and_add_up(console_of, in_dinars):
    console = console_of(in_dinars)
    assert price_of(console, "prod-001") == "KWD 99.999"
    console.type("#quantity-prod-001", "3")
    console.type("#quantity-iphone-15", "1")
    console.until("the sum", lambda: total(console).endswith("379.897"))
    console.must_be_content()


def test_dollars_are_the_default(console):
    assert price_of(console, "iphone-15") == "$799.00"


@pytest.mark.parametrize("currency", ["RSD", "UZS"])
def test_no_amount_is_rounded_whatever_the_browser_thinks_of_its_currency(console_of, start, currency):
    """Browsers write both without decimal places, which they have by ISO 4217."""
    console = console_of(start("--parameter", f"Currency={currency}"))
    assert price_of(console, "prod-001").endswith("99.99")
    console.must_be_content()
