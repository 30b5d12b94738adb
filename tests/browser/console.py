"""The console as somebody in front of it uses it."""

import contextlib
import json
import urllib.request

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_MOUSE
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

# Far more than anything takes: a busy machine must not fail a test.
PATIENCE = 60

# Stands before the page's `fetch`: remembers what was sent, and does to the calls of a rule what the rule says.
NETWORK = """
    if (window.network) return;
    const real = window.fetch;
    window.network = { sent: [], rules: [] };
    window.fetch = async (url, options = {}) => {
        const call = `${options.method ?? "GET"} ${url}`;
        network.sent.push(call);
        const rule = network.rules.find(({ part }) => call.includes(part));
        if (rule?.fate === "silence") return new Promise(() => {});
        if (rule?.fate === "lost request") throw new TypeError("Failed to fetch");
        if (rule?.fate === "answer") return new Response(JSON.stringify(rule.body), { status: rule.status });
        const response = await real(url, options);
        if (rule?.fate === "lost answer") throw new TypeError("Failed to fetch");
        return response;
    };
"""


# A telephone's screen.
PHONE = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}


# The page reads its time from `Date.now` and plans by `setTimeout`.
HASTE = """
const [pause, now, times] = [window.setTimeout, Date.now, arguments[0]];
const begun = now();
window.setTimeout = (run, milliseconds, ...more) => pause(run, milliseconds / times, ...more);
Date.now = () => begun + (now() - begun) * times;
"""


class Console:
    def __init__(self, browser, runtime, language="en"):
        self.browser, self.runtime = browser, runtime
        # Left first, so that the page is loaded anew even when only its fragment would differ.
        browser.get("about:blank")
        browser.get(f"{runtime.url}/web/")
        browser.execute_script("sessionStorage.clear(); localStorage.clear(); localStorage['omniflow.language'] = arguments[0]", language)
        browser.get_log("browser")
        browser.refresh()

    def open(self, page):
        self.browser.execute_script("location.hash = arguments[0]", f"#/{page}")

    def until(self, what, found):
        """Waits until `found()` is true, and gives it."""
        wait = WebDriverWait(self.browser, PATIENCE, 0.1, [NoSuchElementException, StaleElementReferenceException])
        return wait.until(lambda _: found(), what)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def see(self, selector, text=""):
        """Waits for an element with this text in it."""

        def found():
            return next((element for element in self.all(selector) if text in element.text), None)

        return self.until(f"{selector} with '{text}'", found)

    def gone(self, selector):
        self.until(f"no {selector}", lambda: not self.all(selector))

    def click(self, selector, text=""):
        def clicked():
            element = next((element for element in self.all(selector) if text in element.text and element.is_enabled()), None)
            if element:
                self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
                element.click()
            return element

        self.until(f"click {selector} with '{text}'", clicked)

    def type(self, selector, text):
        # As somebody does it: WebDriver's own way to empty a field sends no event before the field has lost the focus, and
        # a page that is drawn anew meanwhile would put the text back.
        self.see(selector).send_keys(Keys.CONTROL + "a" + Keys.NULL, Keys.DELETE, text)

    def type_into(self, selector, text):
        """Puts a text into a field, as an input method or the clipboard does."""
        self.browser.execute_script("arguments[0].select()", self.see(selector))
        self.browser.execute_cdp_cmd("Input.insertText", {"text": text})

    def focused(self):
        return self.browser.switch_to.active_element

    def middle(self, element):
        """Where somebody would click an element, in the window."""
        script = "arguments[0].scrollIntoView({block: 'center'}); const box = arguments[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
        return self.browser.execute_script(script, element)

    def click_at(self, place, times=1, pointer=POINTER_MOUSE):
        """Clicks, or taps, at a place of the window, whatever is there by then."""
        actions = ActionBuilder(self.browser, mouse=PointerInput(pointer, pointer), duration=0)
        actions.pointer_action.move_to_location(*map(int, place))
        for _ in range(times):
            actions.pointer_action.pointer_down().pointer_up()
        actions.perform()

    def look_again(self):
        """Has the page load its data at once, as it does when its tab is looked at again."""
        self.browser.execute_script("document.dispatchEvent(new Event('visibilitychange'))")

    def network(self, part=None, fate=None, **more):
        """From now on, calls (`GET ../api/…`) with this part meet this fate, and no others meet any."""
        self.browser.execute_script(NETWORK)
        rules = [{"part": part, "fate": fate, **more}] if part else []
        self.browser.execute_script("network.rules = arguments[0]", rules)

    def hasten(self, times):
        """From now on, the clock and the timers of the page run so many times as fast."""
        self.browser.execute_script(HASTE, times)

    def sent(self, part):
        """The calls with this part since `network` was first called."""
        return [call for call in self.browser.execute_script("return network.sent") if part in call]

    def row_ids(self):
        """The orders in the list of operations, from the first to the last."""
        return [row.text.split()[0] for row in self.all("[aria-labelledby=orders] tbody tr")]

    @contextlib.contextmanager
    def on_a_phone(self):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        try:
            yield
        finally:
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def must_fit(self, what):
        width = self.browser.execute_script("return document.documentElement.scrollWidth")
        wide = "return [...document.querySelectorAll('main *, header *')].filter((element) => element.getBoundingClientRect().right > arguments[0] && !element.closest('thead')).map((element) => element.outerHTML.slice(0, 120))"
        assert width <= PHONE["width"], f"{what}: {width} pixels wide: {self.browser.execute_script(wide, PHONE['width'])[-3:]}"

    def press(self, element, key):
        """Presses a key where the focus is on this element, of whatever kind it is."""
        self.browser.execute_script("arguments[0].focus()", element)
        ActionChains(self.browser).send_keys(key).perform()

    def choose(self, selector, value):
        Select(self.see(selector)).select_by_value(value)

    def order(self, product, quantity=1, method=""):
        """Orders in the shop; the new order's id."""
        before = [card.get_attribute("data-order") for card in self.all("[data-order]")]
        self.type(f"#quantity-{product}", str(quantity))
        self.choose("#method", method)
        self.click("button", "Place order")
        fresh = lambda: [id for card in self.all("[data-order]") if (id := card.get_attribute("data-order")) not in before]
        return self.until("the new order", fresh)[0]

    def is_in(self, state, within=""):
        """Waits until the page shows this state."""
        return self.see(f"{within} .status[data-state={state}]")

    def is_drawn(self, state, result):
        """Waits until a state of the drawn machine has come to this."""
        return self.see(f".graph [data-state='{state}'][data-result='{result}']")

    def must_be_content(self, refusals=False):
        """Neither a script nor the security policy may have complained; refused calls are complaints, too, unless they were wanted."""
        wanted = {"network"} if refusals else set()
        complaints = [entry for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE" and entry["source"] not in wanted]
        assert not complaints, complaints


def audit(runtime, id, action, note=None):
    """Decides an order elsewhere than in the console."""
    body = json.dumps({"action": action, "note": note}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{runtime.url}/api/v1/orders/{id}/audit", body), timeout=PATIENCE) as answer:
        return json.load(answer)


def read(runtime, id, headers={}):
    """An order as the API has it."""
    request = urllib.request.Request(f"{runtime.url}/api/v1/orders/{id}", headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def send(runtime, method, path, document=None, headers={}):
    """What the API answers to a call."""
    body = None if document is None else document.encode() if isinstance(document, str) else json.dumps(document).encode()
    request = urllib.request.Request(f"{runtime.url}/api/v1/{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read() or b"null")
