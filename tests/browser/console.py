"""The console as somebody in front of it uses it."""

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

# Far more than anything takes: a busy machine must not fail a test.
PATIENCE = 60


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
        element = self.see(selector)
        element.clear()
        element.send_keys(text)

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

    def must_be_content(self):
        """Neither a script nor the security policy may have complained."""
        complaints = [entry for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert not complaints, complaints
