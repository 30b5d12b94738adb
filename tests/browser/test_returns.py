"""Returns, as a customer asks for one and those who run the shop take it in, on the order's page, and the list
of those that are open."""

from console import read, send


def ask_back(console, pieces, reason, opened=False):
    """Asks for a return by the form, which is folded away unless it was `opened` before."""
    if not opened:
        console.click("[aria-labelledby=returns] summary", "Return goods")
    console.type("#return-macbook-air", str(pieces))
    console.type("#return-reason", reason)
    console.click("[data-do=ask-return]")


def completed(console, runtime, items, **more):
    """Places an order that is paid at once, and waits until it is completed; its id."""
    id = runtime.order(items=items, payment={"method": "pm_card"}, **more)
    console.until("the completed order", lambda: read(runtime, id)["state"] == "COMPLETED")
    return id


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


def test_open_returns_are_a_queue_that_leads_to_what_can_be_done(start, console_of):
    runtime = start("--parameter", "ReturnReviewThreshold=1500")
    console = console_of(runtime)
    small = completed(console, runtime, [{"product_id": "macbook-air", "quantity": 1}], customer_id="ann")
    large = completed(console, runtime, [{"product_id": "macbook-air", "quantity": 2}])
    console.open("returns")
    console.see("[role=status]", "Nothing is waiting here")
    assert not console.all("nav [data-queue=returns]"), "nothing is counted where nothing waits"
    for id, pieces in [(small, 1), (large, 2)]:
        send(runtime, "POST", f"orders/{id}/returns", {"items": [{"product_id": "macbook-air", "quantity": pieces}], "reason": "too heavy"})
    console.look_again()
    console.see("nav [data-queue=returns]", "2")
    rows = lambda: [row.get_attribute("data-open-return") for row in console.all("[data-open-return]")]
    console.until("the one that waits longest first", lambda: rows() == [f"{small}/1", f"{large}/1"])
    console.see(f"[data-open-return='{small}/1'] [data-do=AWAITING_GOODS]", "Take the goods in")
    console.see(f"[data-open-return='{small}/1']", "1 × MacBook Air")
    console.see(f"[data-open-return='{small}/1'] a[href='#/customers/ann']")
    console.choose("#to-do", "AWAITING_REVIEW")
    console.until("those to approve", lambda: rows() == [f"{large}/1"])
    console.click(f"[data-open-return='{large}/1'] [data-do]", "Approve or reject")
    console.click("[data-return='1'] [data-do=reject]")
    console.see("[data-return='1'] [data-return-state=REJECTED]")
    console.see("nav [data-queue=returns]", "1")
    console.open("returns")
    console.until("what is left", lambda: rows() == [f"{small}/1"])
    console.must_be_content()


def test_on_a_phone_open_returns_are_cards(start, console_of):
    runtime = start()
    console = console_of(runtime)
    id = completed(console, runtime, [{"product_id": "macbook-air", "quantity": 1}], customer_id="y" * 120)
    send(runtime, "POST", f"orders/{id}/returns", {"items": [{"product_id": "macbook-air", "quantity": 1}], "reason": "x" * 200})
    with console.on_a_phone():
        for language in ["zh", "en", "ru"]:
            console.choose("#language", language)
            console.open("returns")
            row = console.see("[data-open-return]")
            places = [cell.location["x"] for cell in row.find_elements("css selector", "td")]
            assert len(set(places)) == 1, "one below the other"
            console.must_fit(f"returns in {language}")
    console.must_be_content()


def test_returns_are_lanes_of_the_timeline_with_what_they_waited_for(start, console_of):
    runtime = start("--parameter", "ReturnReviewThreshold=100000")
    console = console_of(runtime)
    id = completed(console, runtime, [{"product_id": "macbook-air", "quantity": 5}])
    console.open(f"orders/{id}")
    console.see(".gantt [data-row=CapturePayment]")
    assert not console.all("[data-lane=return-1]")
    ask_back(console, 1, "too heavy")
    console.see("[data-lane=return-1] .lane", "Return 1")
    console.see("[data-lane=return-1] [data-row=AwaitReturnedGoods] .span.wait")
    console.click("[data-return='1'] [data-do=receive]")
    console.see("[data-return='1'] [data-return-state=REFUNDED]")
    console.see("[data-lane=return-1] [data-row=RefundReturn] .span.work")
    took = console.see("[data-lane=return-1] [data-row=AwaitReturnedGoods] td.number").text
    assert took.endswith(" s") and took != "0 s", took
    # The return's own drawing, and what its states took and gave.
    console.click("[aria-labelledby=workflow] button", "Return 1")
    console.is_drawn("RefundReturn", "done")
    console.is_drawn("AwaitReturnedGoods", "done")
    # A return that was rejected has not failed.
    ask_back(console, 1, "too light", opened=True)
    console.see("[data-lane=return-2] [data-row=AwaitReturnedGoods] .span.wait")
    console.click("[data-return='2'] [data-do=reject]")
    console.see("[data-lane=return-2] [data-row=CloseReturn]")
    console.click("[aria-labelledby=workflow] button", "Return 2")
    assert "rejected" in console.is_drawn("AwaitReturnedGoods", "decided").text
    console.must_be_content()


def test_of_many_returns_the_others_are_shown_when_they_are_asked_for(start, console_of):
    runtime = start()
    console = console_of(runtime)
    id = completed(console, runtime, [{"product_id": "macbook-air", "quantity": 5}])
    for _ in range(5):
        send(runtime, "POST", f"orders/{id}/returns", {"items": [{"product_id": "macbook-air", "quantity": 1}], "reason": "too heavy"})
    console.open(f"orders/{id}")
    lanes = lambda: [lane.get_attribute("data-lane") for lane in console.all("[data-lane^=return]")]
    console.until("the newest four", lambda: lanes() == [f"return-{number}" for number in range(2, 6)])
    console.click("[aria-labelledby=workflow] button", "Return 1 …")
    console.until("all five", lambda: lanes() == [f"return-{number}" for number in range(1, 6)])
    console.see("[data-execution=return-1]")
    console.must_be_content()
