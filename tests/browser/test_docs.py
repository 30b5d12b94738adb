"""The documentation of the API in a real browser."""

import json
import urllib.request

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 60


@pytest.fixture
def docs(browser, runtime):
    """Opens the documentation at a place of it."""

    def open(place=""):
        # Left first, so that the page is loaded anew even when only its fragment would differ.
        browser.get("about:blank")
        browser.get(f"{runtime.url}/docs{place}")
        WebDriverWait(browser, PATIENCE).until(lambda _: browser.find_elements(By.CSS_SELECTOR, "main"), "the page")
        return browser

    browser.get_log("browser")
    yield open
    complaints = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not complaints, complaints


def calls(runtime):
    """What /openapi.json describes."""
    with urllib.request.urlopen(f"{runtime.url}/openapi.json", timeout=30) as answer:
        paths = json.load(answer)["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_every_call_is_shown(docs, runtime):
    shown = docs().find_elements(By.CSS_SELECTOR, ".call > summary")
    heads = [[part.text for part in call.find_elements(By.CSS_SELECTOR, ".method, .path")] for call in shown]
    assert {" ".join(head) for head in heads} == calls(runtime)


@pytest.mark.parametrize("name", ["urn:omniflow:problem:wrong-state", "wrong-state"])
def test_the_type_of_a_problem_leads_to_its_meaning(docs, name):
    browser = docs(f"#{name}")
    problem = browser.find_element(By.ID, "urn:omniflow:problem:wrong-state")
    assert "409" in problem.text and "what it is now" in problem.text
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", problem)
    assert -100 < top < 300, top


def test_a_call_is_opened_by_its_name(docs):
    call = docs("#payOrder").find_element(By.ID, "payOrder")
    assert call.get_attribute("open")
    for said in ["Idempotency-Key", "PaymentOrder", "409", "application/problem+json"]:
        assert said in call.text, said


def test_it_fits_a_phone(docs):
    browser = docs()
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        for details in browser.find_elements(By.CSS_SELECTOR, "details"):
            browser.execute_script("arguments[0].open = true", details)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
