"""Signing in: what is wrong is said, nothing that was typed is lost, and one tab is enough."""

import pytest
from console import read

TOKEN = "the-right-one"


@pytest.fixture
def shop(start):
    return start("--token", TOKEN, "--parameter", "PaymentWindowSeconds=600")


def sign_in(console, token=TOKEN):
    console.type("#token", token)
    console.click("button", "Sign in")


def test_a_token_is_asked_for_where_one_is_needed(console_of, shop):
    console = console_of(shop)
    sign_in(console)
    console.see("#quantity-iphone-15")
    console.gone(".sign-in")
    console.click("button", "Sign out")
    console.see(".sign-in")
    assert not console.all("#quantity-iphone-15"), "what was shown is gone"


@pytest.mark.parametrize(("language", "told"), [("en", "This token opens nothing"), ("zh", "此令牌无效"), ("ru", "Этот токен не подходит")])
def test_a_wrong_token_says_so(console_of, shop, language, told):
    console = console_of(shop, language=language)
    console.type("#token", "a-wrong-one")
    console.click(".sign-in button")
    console.see(".sign-in [role=alert]", told)
    assert console.see("#token").get_attribute("aria-invalid") == "true"
    console.type("#token", TOKEN)
    console.click(".sign-in button")
    console.see("#quantity-iphone-15")


def test_what_was_typed_outlives_a_sign_in(console_of, shop):
    console = console_of(shop)
    sign_in(console)
    id = console.order("mac-pro", 2)
    console.open("review")
    console.type(f"#note-{id}", "half a thought")
    # The token has expired.
    console.browser.execute_script("sessionStorage.clear()")
    console.look_again()
    console.see(".sign-in")
    sign_in(console)
    console.gone(".sign-in")
    assert console.see(f"#note-{id}").get_attribute("value") == "half a thought"
    console.click(f"[data-order={id}] button", "Approve")
    console.see(f"[data-order={id}] [data-outcome=APPROVE]")
    assert read(shop, id, {"authorization": f"Bearer {TOKEN}"})["audit"]["note"] == "half a thought"


def test_another_tab_need_not_ask_again(console_of, shop):
    console = console_of(shop)
    sign_in(console)
    console.see("#quantity-iphone-15")
    first = console.browser.current_window_handle
    console.browser.switch_to.new_window("tab")
    try:
        console.browser.get(f"{shop.url}/web/")
        console.see("#quantity-iphone-15")
        console.gone(".sign-in")
        assert console.browser.execute_script("return localStorage['omniflow.token'] ?? null") is None, "it is not kept on the disk"
    finally:
        console.browser.close()
        console.browser.switch_to.window(first)


def test_the_outbox_opens_with_the_token(console_of, shop):
    console = console_of(shop)
    sign_in(console)
    console.see("#quantity-iphone-15")
    console.click("footer a", "Outbox")
    console.see("main p", "Nothing yet")
