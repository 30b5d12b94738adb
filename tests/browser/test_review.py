"""The review queue: one click decides one order, and nothing moves by itself."""

import pytest
from console import audit, read
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE, POINTER_TOUCH
from selenium.webdriver.common.keys import Keys

LIST = "GET ../api/v1/orders?"
# Where the cards are, in the document.
PLACES = "return Object.fromEntries([...document.querySelectorAll('[data-order]')].map((card) => { const { x, y, width, height } = card.getBoundingClientRect(); return [card.dataset.order, [x, y + scrollY, width, height]]; }))"


@pytest.fixture
def shop(start):
    """A runtime without other orders."""
    return start("--parameter", "PaymentWindowSeconds=600")


def large_order(runtime, **more):
    """An order that waits for a review."""
    return runtime.order(items=[{"product_id": "mac-pro", "quantity": 2}], **more)


def queue(console, runtime, length=3):
    """The review queue with so many orders, and their ids from the first to the last."""
    ids = [large_order(runtime, customer_id=f"customer-{number}") for number in range(length)]
    console.open("review")
    for id in ids:
        console.see(f"[data-order={id}] button.primary")
    console.network()
    return ids


def places(console):
    return console.browser.execute_script(PLACES)


def a_later_list_is_shown(console, runtime):
    """Has the page load the list again, and waits until it shows what is new there."""
    id = large_order(runtime)
    console.until("the order waits", lambda: read(runtime, id)["state"] == "AWAITING_AUDIT")
    console.look_again()
    console.see(f"[data-order={id}]")
    return id


@pytest.mark.parametrize("pointer", [POINTER_MOUSE, POINTER_TOUCH])
@pytest.mark.parametrize(("button", "verdict"), [("Approve", "Approved by you"), ("Reject", "Rejected by you")])
def test_quick_clicks_decide_one_order(console_of, shop, pointer, button, verdict):
    console = console_of(shop)
    first, *others = queue(console, shop)
    before = places(console)
    place = console.middle(console.see(f"[data-order={first}] button", button))
    console.click_at(place, times=2, pointer=pointer)
    console.until("the verdict", lambda: read(shop, first).get("audit"))
    # As soon as the list is loaded without the decided order, and the next one could be where it was.
    later = a_later_list_is_shown(console, shop)
    console.click_at(place, times=2, pointer=pointer)
    assert console.sent("/audit") == [f"POST ../api/v1/orders/{first}/audit"]
    assert not any(read(shop, id).get("audit") for id in [*others, later])
    assert {id: place for id, place in places(console).items() if id != later} == before
    console.see(f"[data-order={first}] .outcome", verdict)
    console.must_be_content()


def test_nothing_moves_until_the_list_is_refreshed_by_hand(console_of, shop):
    console = console_of(shop)
    first, second, third = queue(console, shop)
    console.type(f"#note-{second}", "half a no")
    before = places(console)
    console.click(f"[data-order={third}] button", "Reject")
    audit(shop, first, "APPROVE", "by a colleague")
    console.until("the first has left the queue", lambda: read(shop, first)["state"] == "AWAITING_PAYMENT")
    new = a_later_list_is_shown(console, shop)
    assert list(places(console)) == [first, second, third, new]
    assert {id: place for id, place in places(console).items() if id != new} == before
    assert console.see("#announcements", "New orders: 1")
    for told in ["no longer waits", "Awaiting payment", "Approved", "by a colleague"]:
        console.see(f"[data-order={first}] .outcome", told)
    console.see(f"[data-order={third}] .status", "Cancelled")
    console.click("main button", "Refresh the list")
    console.gone(f"[data-order={first}], [data-order={third}]")
    assert list(places(console)) == [second, new]
    assert console.see(f"#note-{second}").get_attribute("value") == "half a no"
    assert console.focused().text == "Refresh the list"
    console.must_be_content()


@pytest.mark.parametrize(("language", "told"), [("en", "Connection lost"), ("ru", "Связь потеряна")])
def test_a_list_that_fails_is_told_and_moves_nothing(console_of, shop, language, told):
    console = console_of(shop, language=language)
    with console.on_a_phone():
        queue(console, shop)
        before = places(console)
        console.network(LIST, "lost request")
        console.look_again()
        console.see(".notice p", told)
        assert places(console) == before
        console.network()
        console.look_again()
        console.gone(".notice p")
    console.must_be_content()


def test_a_first_order_makes_no_other_move(console_of, shop):
    """One card alone has the place that it has among others."""
    console = console_of(shop)
    (only,) = queue(console, shop, length=1)
    before = places(console)
    a_later_list_is_shown(console, shop)
    assert places(console)[only] == before[only]
    console.must_be_content()


def test_a_decided_order_does_not_come_back_with_a_list_that_lags_behind(console_of, shop):
    console = console_of(shop)
    first, second = queue(console, shop, length=2)
    stale = [read(shop, id) for id in [second, first]]
    console.network(LIST, "answer", status=200, body={"orders": stale, "next": None})
    console.click(f"[data-order={first}] button", "Approve")
    console.see(f"[data-order={first}] .outcome", "Approved by you")
    console.click("main button", "Refresh the list")
    console.gone(f"[data-order={first}]")
    new = {**stale[0], "order_id": "ORD-9990000000000000000"}
    console.network(LIST, "answer", status=200, body={"orders": [new, *stale], "next": None})
    console.look_again()
    console.see("[data-order]", new["order_id"])
    assert list(places(console)) == [second, new["order_id"]]
    console.must_be_content()


@pytest.mark.parametrize(
    ("language", "told", "status", "button"),
    [
        ("en", "Your verdict came too late", "Cancelled (review rejected)", "Approve"),
        ("zh", "您的决定未生效", "已取消 (审核拒绝)", "批准"),
        ("ru", "Ваше решение опоздало", "Отменён", "Одобрить"),
    ],
)
def test_a_verdict_that_comes_too_late_is_told_on_its_card(console_of, shop, language, told, status, button):
    console = console_of(shop, language=language)
    id = large_order(shop)
    console.open("review")
    console.type(f"#note-{id}", "looks good to me")
    # The page doesn't hear of the other verdict before somebody gives one here.
    console.network(LIST, "silence")
    audit(shop, id, "REJECT", "a known fraud")
    console.click(f"[data-order={id}] button", button)
    for text in [told, "looks good to me", "a known fraud"]:
        console.see(f"[data-order={id}] .outcome", text)
    console.see(f"[data-order={id}] .outcome .status", status)
    assert told in console.see("#announcements", id).get_attribute("textContent")
    assert not [control for control in console.all(f"[data-order={id}] button") if control.is_displayed()]
    console.must_be_content(refusals=True)


@pytest.mark.parametrize(
    ("language", "fate", "told"),
    [
        ("en", {"fate": "lost request"}, "can't be reached"),
        ("zh", {"fate": "lost request"}, "无法连接服务器"),
        ("ru", {"fate": "lost request"}, "Сервер недоступен"),
        ("en", {"fate": "answer", "status": 503, "body": {"detail": "Try again."}}, "The server has a problem"),
        ("en", {"fate": "answer", "status": 502, "body": None}, "The server has a problem"),
    ],
)
def test_a_verdict_that_fails_is_told_on_its_card_and_can_be_repeated(console_of, shop, language, fate, told):
    console = console_of(shop, language=language)
    id, below = queue_of_two_rows(console, shop)
    console.type(f"#note-{id}", "called the customer")
    console.network("/audit", **fate)
    before = places(console)
    button = console.see(f"[data-order={id}] button.primary")
    console.press(button, Keys.ENTER)
    console.see(f"[data-order={id}] [role=alert]", told)
    assert console.focused() == button
    assert places(console)[below] == before[below], "the cards below stay where they are"
    console.network()
    button.click()
    console.see(f"[data-order={id}] [data-outcome=APPROVE]")
    assert read(shop, id)["audit"]["note"] == "called the customer"
    console.must_be_content(refusals=True)


def queue_of_two_rows(console, runtime):
    """The first order of the queue, and one of a row below it."""
    ids = [large_order(runtime) for _ in range(6)]
    console.open("review")
    for id in ids:
        console.see(f"[data-order={id}] button.primary")
    tops = {id: place[1] for id, place in places(console).items()}
    return ids[0], next(id for id in ids if tops[id] > tops[ids[0]])


def test_a_verdict_whose_answer_is_lost_is_told_by_the_next_list(console_of, shop):
    console = console_of(shop)
    id, other = queue(console, shop, length=2)
    console.network("/audit", "lost answer")
    console.click(f"[data-order={id}] button", "Approve")
    console.until("it has counted", lambda: read(shop, id)["state"] == "AWAITING_PAYMENT")
    console.look_again()
    console.see(f"[data-order={id}] .outcome", "Approved")
    console.see(f"[data-order={other}] button", "Approve")
    console.must_be_content()


@pytest.mark.parametrize("button", ["Approve", "Reject"])
def test_the_focus_stays_at_the_decided_card(console_of, shop, button):
    console = console_of(shop)
    first, second = queue(console, shop, length=2)
    console.press(next(control for control in console.all(f"[data-order={first}] button") if control.text == button), Keys.ENTER)
    console.see(f"[data-order={first}] [data-outcome]")
    inside = lambda: console.focused().get_attribute("class") == "decision"
    console.until("the focus on what came of it", inside)
    assert console.focused().find_element("xpath", "ancestor::article").get_attribute("data-order") == first
    console.focused().send_keys(Keys.TAB)
    assert second in console.focused().get_attribute("href")
    console.must_be_content()


def test_the_focus_stays_at_a_card_that_somebody_else_decides(console_of, shop):
    console = console_of(shop)
    (id,) = queue(console, shop, length=1)
    console.type(f"#note-{id}", "half a thought")
    audit(shop, id, "REJECT")
    console.until("it has left the queue", lambda: read(shop, id)["state"] == "CANCELLED")
    console.look_again()
    console.see(f"[data-order={id}] .outcome", "half a thought")
    console.until("the focus on what came of it", lambda: console.focused().get_attribute("class") == "decision")
    console.must_be_content()


def test_a_half_typed_note_outlives_refreshes_and_another_language(console_of, shop):
    console = console_of(shop)
    first, second = queue(console, shop, length=2)
    console.type(f"#note-{second}", "half a thou")
    console.click(f"[data-order={first}] button", "Approve")
    a_later_list_is_shown(console, shop)
    console.choose("#language", "ru")
    console.see(f"[data-order={second}] button", "Одобрить")
    console.see("h1", "Проверка")
    assert console.see(f"#note-{second}").get_attribute("value") == "half a thou"
    console.must_be_content()


def test_of_a_long_queue_the_part_that_is_not_listed_still_waits(console_of, shop):
    """A page ends before the oldest orders, of which it says nothing; an order between others is missed."""
    console = console_of(shop)
    first, second, third = queue(console, shop)
    new = {**read(shop, third), "order_id": "ORD-9990000000000000000"}
    page = [new, read(shop, third)]
    console.network(LIST, "answer", status=200, body={"orders": page, "next": third})
    console.look_again()
    console.see("[data-order]", new["order_id"])
    assert not console.all(".outcome")
    page.append(read(shop, first))
    console.network(LIST, "answer", status=200, body={"orders": page, "next": first})
    console.look_again()
    console.see(f"[data-order={second}] .outcome", "no longer waits")
    assert len(console.all(".outcome")) == 1
    console.must_be_content()


@pytest.mark.parametrize(("language", "button", "told", "undo"), [("en", "Approve", "Approving in a moment", "Undo"), ("zh", "拒绝", "即将拒绝", "撤销"), ("ru", "Отклонить", "Сейчас будет отклонён", "Отменить решение")])
def test_a_verdict_can_be_taken_back_for_a_moment(console_of, shop, language, button, told, undo):
    console = console_of(shop, language=language)
    id, other = queue(console, shop, length=2)
    before = places(console)
    console.type(f"#note-{id}", "half a thought")
    console.click(f"[data-order={id}] button", button)
    console.see(f"[data-order={id}] [data-pending]", told)
    console.click(f"[data-order={id}] [data-pending] button", undo)
    console.gone("[data-pending]")
    assert console.see(f"#note-{id}").get_attribute("value") == "half a thought"
    assert places(console) == before
    # Longer than a verdict waits: another one, given later, has been sent by then.
    console.click(f"[data-order={other}] button.primary")
    console.see(f"[data-order={other}] [data-outcome=APPROVE]")
    assert console.sent("/audit") == [f"POST ../api/v1/orders/{other}/audit"]
    console.must_be_content()


@pytest.mark.parametrize("leave", ["page", "tab"])
def test_whoever_leaves_has_given_the_verdict(console_of, shop, leave):
    console = console_of(shop)
    (id,) = queue(console, shop, length=1)
    console.click(f"[data-order={id}] button", "Reject")
    console.see("[data-pending=REJECT]")
    if leave == "page":
        console.open("shop")
    else:
        console.browser.get("about:blank")
    console.until("it is rejected", lambda: read(shop, id)["state"] == "CANCELLED")


def test_the_queue_is_counted_in_the_navigation_and_the_title(console_of, shop):
    ids = [large_order(shop) for _ in range(2)]
    console = console_of(shop)
    console.see("nav [data-queue=review]", "2")
    assert "Review 2 waiting for review" in [" ".join(link.accessible_name.split()) for link in console.all("header nav a")]
    console.open("review")
    console.until("the title", lambda: console.browser.title == "(2) Review – OmniFlow")
    audit(shop, ids[0], "APPROVE")
    console.until("it has left the queue", lambda: read(shop, ids[0])["state"] == "AWAITING_PAYMENT")
    console.look_again()
    console.until("the title", lambda: console.browser.title == "(1) Review – OmniFlow")
    console.must_be_content()


def test_the_rows_are_oldest_first_beside_what_their_customers_ordered_before(console_of, shop):
    console = console_of(shop)
    before = shop.order(customer_id="customer-0", items=["iPhone 15"], payment={"method": "pm_card"})
    console.until("it is done", lambda: read(shop, before)["state"] == "COMPLETED")
    ids = queue(console, shop, length=5)
    assert list(places(console)) == ids
    widths = {tuple(place[0::2]) for place in places(console).values()}
    assert len(widths) == 1, "one below the other"
    past = console.see(f"[data-order={ids[0]}] .past", "Others: 1; completed: 1")
    assert before in past.text and ids[0] not in past.text
    console.see(f"[data-order={ids[1]}] .past", "this is the first")
    # Of orders further down they are asked for by whoever turns to them, and nothing moves.
    assert not console.sent("customer=customer-4")
    held = places(console)
    console.click(f"#note-{ids[4]}")
    console.see(f"[data-order={ids[4]}] .past", "this is the first")
    assert len(console.sent("customer=customer-4")) == 1
    assert places(console) == held
    console.must_be_content()
