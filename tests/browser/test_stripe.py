"""Orders that are paid at Stripe, as somebody pays them from the console: by the id of a payment method, never by a card's number."""

import pytest
from console import read
from stripe import stripe


@pytest.fixture
def shop(start, monkeypatch):
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_x")
    monkeypatch.setenv("STRIPE_PUBLISHABLE_KEY", "pk_test_x")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_x")
    with stripe() as url:
        yield start("--parameter", "PaymentProvider=stripe", "--parameter", f"StripeUrl={url}", "--parameter", "PaymentWindowSeconds=600")


def test_a_method_of_stripe_is_named_and_the_bank_may_decline(console_of, shop):
    id = shop.order(items=["iPhone 15"])
    console = console_of(shop)
    console.open(f"orders/{id}")
    field = f"#method-{id}"
    console.see(f"{field}[placeholder='pm_…']")
    assert {option.get_attribute("value") for option in console.all(f"{field}-known option")} >= {"pm_card_visa", "pm_card_visa_chargeDeclined"}
    console.network()
    console.click("button", "Pay")
    assert not console.sent("/pay"), "without a method there is nothing to pay with"
    console.type(field, "4242424242424242")
    console.click("button", "Pay")
    console.see("[role=alert]", "payment method of Stripe")
    console.type(field, "pm_card_visa_chargeDeclined")
    console.click("button", "Pay")
    console.see("main [role=alert]", "not enough money")
    console.type(field, "pm_card_visa")
    console.click("button", "Pay")
    console.is_in("COMPLETED", ".large")
    assert read(shop, id)["payment"]["state"] == "CAPTURED"
    console.must_be_content(refusals=True)


@pytest.mark.parametrize(("language", "open", "told"), [("en", "What the payment page needs", "Client secret"), ("zh", "付款页面所需信息", "客户端密钥"), ("ru", "Данные для страницы оплаты", "Секрет клиента")])
def test_what_the_shops_page_needs_is_shown(console_of, shop, language, open, told):
    id = shop.order(items=["iPhone 15"])
    console = console_of(shop, language=language)
    console.open(f"orders/{id}")
    console.click("button", open)
    console.see(".to-confirm", told)
    assert console.see("[data-payment=payment_id]").text.startswith("pi_")
    assert "_secret_" in console.see("[data-payment=client_secret]").text
    assert "pk_test_x" in console.see("[data-payment=publishable_key]").text
    with console.on_a_phone():
        console.must_fit(language)
    console.must_be_content()


def test_a_bank_that_asks_its_customer_is_told(console_of, shop):
    id = shop.order(items=["iPhone 15"])
    console = console_of(shop)
    console.open(f"orders/{id}")
    console.type(f"#method-{id}", "pm_card_authenticationRequired")
    console.click("button", "Pay")
    console.see("main [role=alert]", "as their bank asks")
    console.see("[data-payment=client_secret]", "_secret_")
    console.must_be_content(refusals=True)


def test_the_shop_takes_a_method_of_stripe_or_none(console_of, shop):
    console = console_of(shop)
    console.type("#quantity-iphone-15", "1")
    console.type("#method", "pm_card_visa")
    console.click("button", "Place order")
    console.is_in("COMPLETED", "[data-order]")
    console.type("#quantity-iphone-15", "1")
    console.type("#method", " ")
    console.click("button", "Place order")
    console.is_in("AWAITING_PAYMENT", "[data-order]")
    console.must_be_content()
