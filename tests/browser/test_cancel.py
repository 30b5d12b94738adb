"""Cancelling an order: asked first, in a dialog that everybody can use."""

import pytest
from console import read
from selenium.webdriver.common.keys import Keys

# Whether an order can be cancelled at the moment at which the question appears.
AT_ONCE = """
    const done = arguments[1];
    new MutationObserver(() => {
        const dialog = document.querySelector("dialog[open]");
        if (dialog) done(!dialog.querySelector(".danger").disabled);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
    arguments[0].click();
"""


@pytest.fixture(params=["shop", "page"])
def asked(request, console):
    """An order, in the shop or on its page, whose cancelling was asked for: the console, its id, and the button."""
    id = console.order("iphone-15")
    within = f"[data-order={id}]"
    if request.param == "page":
        console.open(f"orders/{id}")
        within = "main"
    console.is_in("AWAITING_PAYMENT", within)
    console.network()
    console.click(f"{within} button", "Cancel order")
    console.see("dialog", "Cancel this order?")
    return console, id, console.see(f"{within} .actions > .danger")


def cancels(console):
    return len(console.sent("/cancel"))


def test_the_harmless_answer_is_at_hand(asked):
    console, id, button = asked
    assert console.focused().text == "Keep the order"
    dialog = console.see("dialog")
    assert (dialog.aria_role, dialog.accessible_name) == ("dialog", "Cancel this order?")
    assert id in dialog.text and "iPhone 15" in dialog.text and "can't be undone" in dialog.text
    console.focused().send_keys(Keys.ENTER)
    console.gone("dialog")
    assert console.focused() == button
    assert cancels(console) == 0
    assert read(console.runtime, id)["state"] == "AWAITING_PAYMENT"


def test_escape_keeps_the_order(asked):
    console, id, button = asked
    console.focused().send_keys(Keys.ESCAPE)
    console.gone("dialog")
    assert console.focused() == button
    assert cancels(console) == 0
    button.click()
    console.see("dialog", "Cancel this order?")
    console.click("dialog button", "Keep the order")
    console.gone("dialog")


@pytest.mark.parametrize("keys", [[Keys.TAB], [Keys.SHIFT, Keys.TAB]])
def test_the_tab_key_stays_in_the_dialog(asked, keys):
    console, _, _ = asked
    console.until("the other answer can be given", lambda: console.see("dialog .danger").is_enabled())
    seen = []
    for _ in range(5):
        console.focused().send_keys(*keys)
        seen.append(console.focused().text)
    assert seen == ["Yes, cancel it", "Keep the order"] * 2 + ["Yes, cancel it"]


def test_a_yes_cancels_and_the_focus_stays_at_the_order(asked):
    console, id, _ = asked
    console.click("dialog button", "Yes, cancel it")
    console.gone("dialog")
    console.until("it is cancelled", lambda: read(console.runtime, id)["state"] == "CANCELLED")
    console.see(".status", "Cancelled (by the customer)")
    assert cancels(console) == 1
    # The article of the order in the shop, the status and what can be done on its page; not `main`, let alone `body`.
    console.until("the focus at the order", lambda: console.focused().tag_name in ("article", "div"))
    assert "Cancelled (by the customer)" in console.focused().text


def test_a_double_click_on_the_button_answers_nothing(console):
    """The second click may fall on the dialog, wherever that appears."""
    id = console.order("iphone-15")
    console.is_in("AWAITING_PAYMENT", f"[data-order={id}]")
    button = console.see(f"[data-order={id}] .actions > .danger")
    assert console.browser.execute_async_script(AT_ONCE, button) is False
    console.click("dialog button", "Keep the order")


def test_an_order_that_ends_meanwhile_is_told(console_of, start):
    console = console_of(start("--parameter", "PaymentWindowSeconds=2"))
    id = console.order("iphone-15")
    console.click(f"[data-order={id}] button", "Cancel order")
    console.see(f"[data-order={id}] .status[data-state=CANCELLED]")
    console.click("dialog button", "Yes, cancel it")
    console.see(f"[data-order={id}] [role=alert]", "Not possible any more. The order is now: Cancelled (payment timed out).")
    assert console.focused().get_attribute("data-order") == id, "the button is gone that had the focus"
    console.must_be_content(refusals=True)


@pytest.mark.parametrize(
    ("language", "question", "keep"),
    [("en", "Cancel this order?", "Keep the order"), ("zh", "取消此订单？", "保留订单"), ("ru", "Отменить этот заказ?", "Оставить заказ")],
)
def test_it_is_asked_in_the_language_of_the_reader(console_of, runtime, language, question, keep):
    console = console_of(runtime, language=language)
    id = runtime.order(items=["iPhone 15"])
    console.open(f"orders/{id}")
    console.is_in("AWAITING_PAYMENT", ".large")
    with console.on_a_phone():
        console.click("main .actions > .danger")
        console.see("dialog", question)
        console.must_fit(language)
        console.click("dialog button", keep)
        console.gone("dialog")
    console.must_be_content()
