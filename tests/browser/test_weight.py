"""How much the console loads, and how often."""

import urllib.request

import pytest

LOADED = "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map(({ name, encodedBodySize, transferSize }) => [name, encodedBodySize, transferSize])"


def loaded(console):
    return console.browser.execute_script(LOADED)


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_the_first_view_is_light(console_of, runtime, language):
    console = console_of(runtime, language=language)
    console.browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    console.browser.refresh()
    console.see("#quantity-iphone-15")
    files = loaded(console)
    assert len(files) <= 10, files
    assert sum(size for _, size, _ in files) <= 60 * 1024, files
    languages = [name for name, *_ in files if "/lang/" in name]
    assert len(languages) == 1 and languages[0].endswith(f"/{language}.js")
    assert not [name for name, *_ in files if "workflow" in name], "the drawing is loaded when it is wanted"


def test_the_files_come_out_of_the_cache_the_second_time(console):
    console.see("#quantity-iphone-15")
    console.browser.get(f"{console.runtime.url}/web/")
    console.see("#quantity-iphone-15")
    kept = {name.rsplit("/", 1)[1]: transferred for name, _, transferred in loaded(console) if name.endswith((".js", ".css"))}
    assert set(kept) == {"app.js", "preact.js", "style.css", "en.js"} and not any(kept.values()), kept


def test_a_drawing_that_can_not_be_loaded_says_so(console, runtime):
    id = runtime.order(items=["iPhone 15"])
    console.browser.execute_cdp_cmd("Network.enable", {})
    console.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/workflow.js"]})
    console.browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    try:
        console.open(f"orders/{id}")
        console.see("[aria-labelledby=workflow] [role=alert]", "The drawing could not be loaded")
    finally:
        console.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    console.click("button", "Load the page anew")
    console.see(".graph")
    console.browser.get_log("browser")


def test_every_page_has_an_icon(runtime):
    with urllib.request.urlopen(f"{runtime.url}/favicon.ico", timeout=30) as answer:
        assert answer.headers["content-type"] == "image/svg+xml"
        assert b"<svg" in answer.read()
