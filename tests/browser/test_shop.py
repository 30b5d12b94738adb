"""Quantities in the shop: whole numbers, and nothing that is read as another number than it seems to be."""

import pytest
from selenium.webdriver.common.keys import Keys

FIELD = "#quantity-iphone-15"
PROBLEM = "#quantity-iphone-15-problem"
NOT_WHOLE = "Enter a whole number"


def placed(console):
    """How many orders were sent."""
    return len(console.sent("POST ../api/v1/orders"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.5", NOT_WHOLE),
        ("1,5", NOT_WHOLE),
        ("1e2", NOT_WHOLE),
        ("-1", NOT_WHOLE),
        ("+1", NOT_WHOLE),
        ("0x10", NOT_WHOLE),
        ("1 000", NOT_WHOLE),
        ("two", NOT_WHOLE),
        ("１２", NOT_WHOLE),
        ("٣", NOT_WHOLE),
        ("Ⅷ", NOT_WHOLE),
        ("1000001", "1,000,000 at most"),
        ("9" * 400, "1,000,000 at most"),
    ],
)
def test_what_is_no_quantity_is_refused_and_kept(console, text, told):
    console.network()
    console.type("#quantity-macbook-air", "1")
    # Typed key by key, and pasted.
    for enter in [console.type, console.type_into]:
        console.type(FIELD, "1")
        console.gone(PROBLEM)
        enter(FIELD, text)
        console.see(PROBLEM, told)
        field = console.see(FIELD)
        assert field.get_attribute("value") == text
        assert field.get_attribute("aria-invalid") == "true"
        assert PROBLEM == "#" + field.get_attribute("aria-describedby")
        console.click("button", "Place order")
        console.press(console.see("#customer"), Keys.ENTER)
        assert placed(console) == 0
        assert console.focused() == field, "what is wrong is shown to who tries to order"
        assert field.get_attribute("value") == text


def test_a_field_that_was_emptied_says_not_how_many(console):
    console.type("#quantity-macbook-air", "1")
    console.network()
    console.see(FIELD).send_keys("12")
    for _ in "12":
        console.see(FIELD).send_keys(Keys.BACKSPACE)
    console.see(PROBLEM, NOT_WHOLE)
    console.click("button", "Place order")
    assert placed(console) == 0
    console.see(FIELD).send_keys("0")
    console.gone(PROBLEM)
    console.click("button", "Place order")
    console.see("[data-order]", "1 × MacBook Air")
    assert "iPhone" not in console.see("[data-order]").text


def test_nothing_is_ordered_where_nothing_is_chosen(console):
    console.network()
    console.see(FIELD).send_keys("0")
    console.click("button", "Place order")
    assert placed(console) == 0


@pytest.mark.parametrize(("language", "told"), [("en", NOT_WHOLE), ("zh", "输入整数"), ("ru", "Введите целое число")])
def test_it_is_told_in_the_language_of_the_reader(console_of, runtime, language, told):
    console = console_of(runtime, language=language)
    with console.on_a_phone():
        console.type(FIELD, "1,5")
        console.see(PROBLEM, told)
        console.must_fit(language)
    console.must_be_content()


def test_what_was_refused_is_corrected_and_ordered(console):
    console.see(FIELD).send_keys("1.5")
    console.see(PROBLEM)
    console.see(FIELD).send_keys(Keys.BACKSPACE, Keys.BACKSPACE, "2")
    console.gone(PROBLEM)
    console.click("button", "Place order")
    console.see("[data-order]", "12 × iPhone 15")
    console.until("an empty form", lambda: console.see(FIELD).get_attribute("value") == "")
    assert not console.all(PROBLEM)


def test_digits_are_taken_wherever_they_are_typed(console):
    console.see(FIELD).send_keys("13", Keys.ARROW_LEFT, "2", Keys.HOME, "0")
    assert console.see(FIELD).get_attribute("value") == "0123"
    assert console.see(FIELD).get_attribute("aria-valuenow") == "123"


def test_a_quantity_is_stepped(console):
    field = console.see(FIELD)
    value = lambda: field.get_attribute("value")
    field.send_keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_DOWN)
    assert value() == "2"
    buttons = field.find_elements("xpath", "../button")
    assert ["iPhone 15" in button.accessible_name for button in buttons] == [True, True]
    less, more = buttons
    more.click()
    console.until("one more", lambda: value() == "3")
    for _ in range(5):
        less.click()
    console.until("none", lambda: value() == "0")
    field.send_keys(Keys.BACKSPACE, Keys.ARROW_UP)
    assert value() == "1", "from an empty field, too"
    console.type(FIELD, "1000000")
    more.click()
    assert value() == "1000000"
    console.type(FIELD, "1.5")
    more.click()
    field.send_keys(Keys.ARROW_UP)
    assert value() == "1.5"
    console.click("button", "Place order")
    assert console.focused() == field


def test_what_was_typed_outlives_refreshes_refusals_and_another_language(console_of, runtime):
    console = console_of(runtime)
    console.type(FIELD, "2")
    console.type("#quantity-macbook-air", "1,5")
    console.type("#customer", "a customer of mine")
    loads = "GET ../api/v1/stock"
    console.network(loads, "lost request")
    console.look_again()
    console.until("a refresh", lambda: console.sent(loads))
    console.choose("#language", "ru")
    console.see("h1", "Магазин")
    console.network()
    console.choose("#language", "en")
    console.see("button", "Place order")
    kept = lambda: [console.see(field).get_attribute("value") for field in [FIELD, "#quantity-macbook-air", "#customer"]]
    assert kept() == ["2", "1,5", "a customer of mine"]
    console.type("#quantity-macbook-air", "1")
    console.network("POST ../api/v1/orders", "answer", status=503, body={"detail": "Try again."})
    console.click("button", "Place order")
    console.see("form [role=alert]", "The server has a problem")
    assert kept() == ["2", "1", "a customer of mine"]
    console.must_be_content(refusals=True)


def test_an_order_whose_answer_is_lost_is_repeated_once(console_of, runtime):
    console = console_of(runtime)
    console.type(FIELD, "1")
    console.type("#customer", "lost-answer")
    console.network("POST ../api/v1/orders", "lost answer")
    console.click("button", "Place order")
    console.see("form [role=alert]", "can't be reached")
    console.network()
    console.click("button", "Place order")
    id = console.see("[data-order]").get_attribute("data-order")
    console.open("operations")
    console.type("#search", "lost-answer")
    console.until("one order", lambda: [row.text.split()[0] for row in console.all("[aria-labelledby=orders] tbody tr")] == [id])
    console.must_be_content()


@pytest.mark.parametrize(("language", "told"), [("en", "Only 100 available"), ("zh", "仅有 100 件"), ("ru", "В наличии только 100")])
def test_more_than_there_is_warns_before_it_is_ordered(console_of, runtime, language, told):
    console = console_of(runtime, language=language)
    field, warning = "#quantity-limited-edition", "#quantity-limited-edition-scarce"
    console.type(field, "100")
    assert not console.all(warning)
    console.type(field, "101")
    console.see(warning, told)
    assert console.see(field).get_attribute("aria-describedby") == warning[1:]
    console.must_be_content()
