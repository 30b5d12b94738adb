"""The console's texts: each in all languages, and each that the pages ask for."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "functions/api/web"
LANGUAGES = ["en", "ru", "zh"]
# `t("key")`, and `t(condition ? "key" : "other")`.
ASKED = re.compile(r"\bt\(([^()`]*?)[,)]")


@pytest.fixture
def texts(console):
    # The texts lie beside the script of the page.
    script = "const [name, done] = arguments; import(new URL(`lang/${name}.js`, document.querySelector('script').src)).then((module) => done(module.default))"
    return {name: console.browser.execute_async_script(script, name) for name in LANGUAGES}


def test_the_languages_have_the_same_texts_with_the_same_places(texts):
    places = {name: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts[name].items()} for name in LANGUAGES}
    assert places["ru"] == places["en"]
    assert places["zh"] == places["en"]
    assert all(text.strip() for name in LANGUAGES for text in texts[name].values())


def test_every_failure_has_words(texts):
    names = set(re.findall(r"^    ([A-Z]\w+) => ", (ROOT / "functions/domain/src/error_name.rs").read_text(), re.MULTILINE))
    assert len(names) > 15, "the names are found"
    assert {f"error.{name}" for name in names} <= set(texts["en"])


def test_the_pages_ask_for_texts_that_there_are(texts):
    sources = [path.read_text() for path in WEB.rglob("*.js") if path.parts[-2] not in ("lang", "vendor", "docs")]
    asked = {key for source in sources for call in ASKED.findall(source) for key in re.findall(r'"([\w.-]+)"', call)}
    assert len(asked) > 50, "the calls are found"
    assert not asked - set(texts["en"])
