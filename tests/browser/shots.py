"""Takes pictures of every page and state of the console: at two widths, light and dark, in three languages.

    target/venv/bin/python tests/browser/shots.py FOLDER [part of a name]

The files are named after page, width, theme and language. Look at them before you say that a change of the console is
done. With `readme`, the picture of the README is taken anew.
"""

import json
import pathlib
import subprocess
import sys
import time

from console import PHONE, Console, audit, read, send
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from runtime import Runtime  # noqa: E402

CARD = {"method": "pm_card"}
SIZES = {"1280": {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}, "390": PHONE}
# What comes back of which order.
RETURNS = [("completed", "COMPLETED", {"product_id": "macbook-air", "quantity": 1}), ("retried", "COMPLETED", {"product_id": "fragile-lamp", "quantity": 1})]
WAITS = "Object.assign(window, { fetch: () => new Promise(() => {}) })"


def browser():
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]:
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def orders(runtime):
    """An order of each kind, by its name in the files."""
    made = {
        "completed": runtime.order(customer_id="customer-001", email="ann@example.com", items=["macbook-air", "magic-mouse"], payment=CARD),
        "retried": runtime.order(customer_id="customer-002", items=["fragile-lamp"], payment=CARD),
        "declined": runtime.order(customer_id="customer-003", items=["iPhone 15"], payment={"method": "pm_declined"}),
        "half-shipped": runtime.order(customer_id="customer-004", items=["magic-mouse", "fragile-vase", "macbook-air"], payment=CARD),
        "attention": runtime.order(customer_id="x" * 200, items=["fragile-vase", "stuck-crate"], payment=CARD),
        "out-of-stock": runtime.order(customer_id="customer-005", items=[{"product_id": "limited-edition", "quantity": 101}]),
        "unpaid": runtime.order(customer_id="customer-006", items=["iPad Air"]),
        "rejected": runtime.order(customer_id="customer-007", items=["Mac Pro"], amount=20000),
        "in-review": runtime.order(customer_id="customer-008", items=[{"product_id": "mac-pro", "quantity": 2}]),
    }
    for name, state, wanted in RETURNS:
        while read(runtime, made[name])["state"] != state:
            time.sleep(0.2)
        send(runtime, "POST", f"orders/{made[name]}/returns", {"items": [wanted], "reason": "too heavy"})
    while read(runtime, made["rejected"])["state"] != "AWAITING_AUDIT":
        time.sleep(0.2)
    audit(runtime, made["rejected"], "REJECT", "a known fraud")
    while read(runtime, made["rejected"])["state"] != "CANCELLED":
        time.sleep(0.2)
    return made


def pages(made):
    """The address of each page, by its name in the files."""
    plain = {name: name for name in ["shop", "review", "returns", "operations", "catalogue", "customers", "warehouses", "outbox", "nowhere"]}
    return plain | {"operations-none": "operations?search=zzz", "order-none": "orders/ORD-1", "shop-found": "shop?search=mac", "shop-none": "shop?search=zzz", "catalogue-low": "catalogue?low=1", "catalogue-open": "catalogue?search=limited&open=limited-edition", "customers-found": "customers?search=customer-00", "customer": "customers/customer-001", "customer-none": "customers/nobody"} | {f"order-{name}": f"orders/{id}" for name, id in made.items()}


class Pictures:
    def __init__(self, driver, folder, wanted):
        self.driver, self.folder, self.wanted = driver, folder, wanted
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, name):
        """The whole page, however long it is."""
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        size = {**self.size, "height": min(max(height, self.size["height"]), 4000)}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.save_screenshot(str(self.folder / f"{name}.png"))
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", self.size)

    def all(self, runtime, empty, made):
        for width, size in SIZES.items():
            self.size = size
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            for theme in ["light", "dark"]:
                self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
                for language in ["en", "zh", "ru"]:
                    self.view(runtime, empty, made, f"{width}-{theme}-{language}", language)

    def view(self, runtime, empty, made, suffix, language):
        def shot(name, prepare, runtime=runtime):
            name = f"{name}-{suffix}"
            if self.wanted not in name:
                return
            console = Console(self.driver, runtime, language=language)
            prepare(console)
            time.sleep(1.2)
            self.take(name)

        for name, address in pages(made).items():
            shot(name, lambda console: console.open(address))
        for name in ["shop", "review", "returns", "operations", "catalogue", "customers", "warehouses"]:
            shot(f"{name}-empty", lambda console: console.open(name), empty)
            shot(f"{name}-lost", lambda console: (console.open(name), time.sleep(1), console.network("../api/", "lost request"), console.look_again()))
            shot(f"{name}-slow", lambda console: (console.open("nowhere"), console.see("h1", ""), time.sleep(0.5), console.browser.execute_script(WAITS), console.open(name)))

        def wrong(console):
            console.type("#quantity-iphone-15", "1.5")
            console.type("#quantity-limited-edition", "101")

        def basket(console):
            # A product that costs more than it did when it was taken, and one that is sold no more.
            taken = {"iphone-15": {"text": "2", "name": "iPhone 15", "price": 749}, "gone": {"text": "1", "name": "Gone for good", "price": 5}, "macbook-air": {"text": "1", "name": "MacBook Air", "price": 1199}}
            console.browser.execute_script("localStorage['omniflow.basket'] = arguments[0]", json.dumps(taken))
            console.browser.refresh()
            console.type("#email", "ann")
            console.click(".address summary")
            console.type("#address-name", "Ann Example")
            console.type("#address-country", "de")
            console.click(".basket button.primary")
            console.see(".withdrawn")

        def warehouse(console):
            console.open("warehouses")
            console.click("[data-warehouse=wh-east] button")
            console.choose("#link-wh-east", "http")

        def erased(console):
            console.open("customers/customer-001")
            console.click("button.danger")

        def chosen(console):
            console.open(f"orders/{made['half-shipped']}")
            console.click(".graph [data-state=ShipWarehouse]")
            console.click(".history summary")

        def asked(console):
            console.open(f"orders/{made['unpaid']}")
            console.click("main .actions > .danger")

        def selected(console):
            console.open("operations")
            for id in [made["in-review"], made["unpaid"]]:
                console.click(f"input[aria-label='{id}']")
            console.see(".bulk")

        def viewed(console):
            console.open("operations?customer=customer-004&sort=-amount")
            console.type("#view-name", "004")
            console.click(".views button.small")

        def found(console):
            console.click(".find")
            console.see(".palette input").send_keys("customer-00")
            console.see(".palette [data-kind=order]")

        def failed(console):
            selected(console)
            console.network("/audit", "answer", status=503, body={})
            console.click("[data-bulk=approve]")
            console.see(".bulk .problem")

        shot("operations-selected", selected)
        shot("operations-failed", failed)
        shot("operations-viewed", viewed)
        shot("palette", found)
        shot("shop-wrong", wrong)
        shot("shop-basket", basket)
        shot("warehouses-open", warehouse)
        shot("customer-erase", erased)
        shot("order-chosen", chosen)
        shot("order-asked", asked)


def readme(driver, runtime):
    """The picture of the README: an order that waits for its payment, beside its workflow."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1280, "height": 1330, "deviceScaleFactor": 1, "mobile": False})
    id = runtime.order(customer_id="customer-001", items=["macbook-air", "magic-mouse", "fragile-lamp"], payment=CARD)
    console = Console(driver, runtime)
    console.open(f"orders/{id}")
    console.is_in("COMPLETED", ".large")
    console.see("[data-execution=order]", "Succeeded")
    console.click(".graph [data-state=ShipWarehouse]")
    time.sleep(1)
    driver.execute_script("scrollTo(0, 0)")
    driver.save_screenshot(str(ROOT / "docs/console.png"))


def main():
    folder, wanted = pathlib.Path(sys.argv[1]), (sys.argv[2:] or [""])[0]
    start = lambda: Runtime("--memory", "--parameter", "PaymentWindowSeconds=600", stderr=subprocess.DEVNULL)
    driver, runtime, empty = browser(), start(), start()
    try:
        if wanted == "readme":
            readme(driver, runtime)
        else:
            Pictures(driver, folder, wanted).all(runtime, empty, orders(runtime))
    finally:
        driver.quit()
        runtime.stop()
        empty.stop()


if __name__ == "__main__":
    main()
