"""How the console keeps up: calmly, without moving what is on the screen, and saying so when it can't."""

import time
import urllib.request

import pytest
from console import read

EVERYTHING = "../api/"
# What is there once a page has its data.
LOADED = {"shop": "#quantity-iphone-15", "review": ".fresh", "operations": "[aria-labelledby=orders] tbody tr", "order": ".large .status[data-state=AWAITING_PAYMENT]"}


@pytest.fixture
def shop(start):
    return start("--parameter", "PaymentWindowSeconds=600")


@pytest.mark.parametrize(
    ("page", "language", "told"),
    [
        ("shop", "zh", "连接已断开"),
        ("review", "ru", "Связь потеряна"),
        ("operations", "en", "Connection lost"),
        ("order", "en", "Connection lost"),
    ],
)
def test_a_lost_connection_is_told_once_and_actions_wait(console_of, shop, page, language, told):
    console = console_of(shop, language=language)
    id = shop.order(items=["iPhone 15"])
    console.open(f"orders/{id}" if page == "order" else page)
    console.see(LOADED[page])
    console.network(EVERYTHING, "lost request")
    console.look_again()
    bar = console.see(".notice p", told)
    assert any(letter.isdigit() for letter in bar.text), "it says since when"
    assert not console.all("main [role=alert]"), "it is told once"
    if page == "order":
        console.until("the buttons wait", lambda: all(button.get_attribute("aria-disabled") == "true" for button in console.all(".actions button")))
        console.click("form .primary")
        assert not console.sent("/pay")
    console.network()
    console.gone(".notice p")
    found = {"en": "The connection is back", "zh": "连接已恢复", "ru": "Связь восстановлена"}
    assert found[language] in console.see("#announcements").get_attribute("textContent")
    if page == "order":
        console.click("form .primary")
        console.is_in("COMPLETED", ".large")
    console.must_be_content()


def test_a_failing_server_is_told_as_such(console_of, shop):
    console = console_of(shop)
    console.network(EVERYTHING, "answer", status=503, body={"detail": "Try again."})
    console.look_again()
    console.see(".notice p", "The server has a problem")
    console.network()
    console.gone(".notice p")
    console.must_be_content(refusals=True)


# The first two and a half minutes are for the pauses to grow.
SENT_IN_HALF_A_MINUTE = """
const [done] = arguments;
setTimeout(() => {
  network.sent = [];
  setTimeout(() => done(network.sent.slice()), 30_000);
}, 150_000);
"""


@pytest.fixture(scope="module")
def quiet(start):
    """A runtime in which nothing happens that no test does."""
    return start("--parameter", "PaymentWindowSeconds=86400")


@pytest.mark.parametrize("page", ["shop", "review", "operations", "orders"])
def test_an_idle_page_calls_seldom(console_of, quiet, page):
    """Each call of a deployed console is paid for: five in 30 seconds at most, when nothing happens."""
    console = console_of(quiet)
    id = console.order("iphone-15")
    console.open(f"orders/{id}" if page == "orders" else page)
    console.is_in("AWAITING_PAYMENT", "main") if page in ("shop", "orders") else console.see("h1")
    console.network()
    console.hasten(20)
    sent = console.browser.execute_async_script(SENT_IN_HALF_A_MINUTE)
    assert len(sent) <= 5, "\n".join(sent)
    console.must_be_content()


def test_new_orders_are_counted_and_move_nothing(console_of, shop):
    console = console_of(shop)
    old = [shop.order(customer_id=f"customer-{number}", items=["iPhone 15"]) for number in range(3)]
    console.open("operations")
    console.until("the rows", lambda: console.row_ids() == old[::-1])
    tops = lambda: {row.text.split()[0]: row.rect["y"] for row in console.all("[aria-labelledby=orders] tbody tr")}
    before = tops()
    new = [shop.order(items=["iPhone 15"]) for _ in range(2)]
    console.until("they wait", lambda: read(shop, new[1])["state"] == "AWAITING_PAYMENT")
    console.look_again()
    console.see("[aria-labelledby=orders] button", "Show new orders: 2")
    assert tops() == before
    # What is shown is renewed where it is, and a filtered list keeps what has left it.
    console.click("[aria-labelledby=orders] button", "Show new orders: 2")
    console.until("all rows", lambda: console.row_ids() == [*new[::-1], *old[::-1]])
    console.must_be_content()


def test_updates_are_paused_and_go_on(console_of, shop):
    console = console_of(shop)
    console.open("operations")
    console.see(".fresh", "Updated")
    console.click(".fresh button", "Pause")
    console.see(".fresh", "Paused")
    console.network()
    id = shop.order(items=["iPhone 15"])
    console.look_again()
    assert not console.sent(EVERYTHING)
    console.click(".fresh button", "Go on")
    console.until("the new row", lambda: console.row_ids() == [id])
    console.must_be_content()


@pytest.mark.parametrize(
    ("id", "language", "told"),
    [
        ("ORD-1", "en", "There is no such order"),
        ("ORD-1000000000000000000", "zh", "没有此订单"),
        ("nonsense", "ru", "Такого заказа нет"),
        ("%E0%A4%A", "en", "There is no such order"),
    ],
)
def test_a_wrong_id_is_told_and_not_asked_for_again(console_of, runtime, id, language, told):
    console = console_of(runtime, language=language)
    console.network()
    console.open(f"orders/{id}")
    console.see("h1", told)
    asked = console.sent("/orders/")
    assert len(asked) == 1
    time.sleep(3)
    assert console.sent("/orders/") == asked
    console.must_be_content(refusals=True)


@pytest.mark.parametrize(
    ("page", "language", "told"),
    [("nowhere", "en", "no such page"), ("shop/1", "zh", "没有此页面"), ("orders", "ru", "Такой страницы нет"), ("constructor", "en", "no such page")],
)
def test_an_unknown_page_says_so(console_of, runtime, page, language, told):
    console = console_of(runtime, language=language)
    console.open(page)
    console.see("h1", told)
    console.click("main a")
    console.see("#quantity-iphone-15")
    console.must_be_content()


def test_a_page_hears_of_changes_and_need_not_ask(console_of, shop):
    """The local runtime tells: a page whose own next question never comes shows what becomes of its order."""
    console = console_of(shop)
    id = shop.order(items=["iPhone 15"])
    console.open(f"orders/{id}")
    console.is_in("AWAITING_PAYMENT", ".large")
    console.network()
    # When nothing has changed, the next question is 1.7 s away at least.
    console.browser.execute_script("window.setTimeout = ((real) => (run, pause, ...more) => real(run, pause > 1500 ? 1e9 : pause, ...more))(setTimeout)")
    console.look_again()
    console.until("it has asked", lambda: console.sent(f"GET ../api/v1/orders/{id}"))
    urllib.request.urlopen(urllib.request.Request(f"{shop.url}/api/v1/orders/{id}/cancel", b"")).close()
    console.is_in("CANCELLED", ".large")
    console.must_be_content()


def test_where_the_server_does_not_tell_the_page_asks(console_of, shop):
    console = console_of(shop)
    console.network("_omniflow/changes", "answer", status=404, body={})
    # The page's present stream ends when it is hidden, and the next answer is that there is none.
    console.browser.execute_script("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))")
    console.browser.execute_script("Object.defineProperty(document, 'hidden', { value: false, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))")
    console.open("operations")
    console.see(".fresh", "Updated")
    asked = len(console.sent("_omniflow/changes"))
    id = shop.order(items=["iPhone 15"])
    console.until("the row", lambda: console.row_ids() == [id] or console.all("[aria-labelledby=orders] .news .primary"))
    assert len(console.sent("_omniflow/changes")) == asked == 1
    console.must_be_content()


def test_a_page_that_nobody_sees_listens_to_nothing(console_of, shop):
    console = console_of(shop)
    console.network()
    console.browser.execute_script("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))")
    console.open("review")
    console.see("h1", "Review")
    assert not console.sent("_omniflow/changes")
