"""Returns, as a customer asks for one and those who run the shop take it in, on the order's page."""


def ask_back(console, pieces, reason):
    console.click("[aria-labelledby=returns] summary", "Return goods")
    console.type("#return-macbook-air", str(pieces))
    console.type("#return-reason", reason)
    console.click("[data-do=ask-return]")


def test_goods_are_asked_back_received_and_refunded(start, console_of):
    runtime = start("--parameter", "ReturnReviewThreshold=1")
    console = console_of(runtime)
    id = runtime.order(items=[{"product_id": "macbook-air", "quantity": 2}], payment={"method": "pm_card"})
    console.open(f"orders/{id}")
    console.is_in("COMPLETED", ".large")
    ask_back(console, 2, "too heavy")
    # Over the threshold it waits for a person.
    console.see("[data-return='1'] [data-return-state=AWAITING_REVIEW]")
    console.click("[data-return='1'] [data-do=approve]")
    console.see("[data-return='1'] [data-return-state=AWAITING_GOODS]")
    console.type("#restock-1-macbook-air", "1")
    console.type("#write-off-1-macbook-air", "1")
    console.click("[data-return='1'] [data-do=receive]")
    console.see("[data-return='1'] [data-return-state=REFUNDED]", "Refunded")
    console.see("[data-return='1'] .items", "restocked: 1, written off: 1")
    console.must_be_content()


def test_what_cannot_be_returned_says_why_and_a_return_can_be_rejected(start, console_of):
    runtime = start()
    console = console_of(runtime)
    id = runtime.order(items=[{"product_id": "macbook-air", "quantity": 1}], payment={"method": "pm_card"})
    console.open(f"orders/{id}")
    console.is_in("COMPLETED", ".large")
    ask_back(console, 1, "too heavy")
    console.see("[data-return='1'] [data-return-state]")
    console.type("#return-macbook-air", "1")
    console.type("#return-reason", "once more")
    console.click("[data-do=ask-return]")
    console.see("[aria-labelledby=returns] [role=alert]", "0 can be")
    console.click("[data-return='1'] [data-do=reject]")
    console.see("[data-return='1'] [data-return-state=REJECTED]")
