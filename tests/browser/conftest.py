"""Runtimes of their own and a real Chromium for the console's tests, which several processes may run side by side
(pytest-xdist), each with its own."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import urllib.parse
import urllib.request

import pytest
from console import Console
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtime import BINARY, ROOT, Runtime, is_built  # noqa: E402

# The version of axe-core, whose rules the pages must keep.
AXE = "4.14.1"

# The version of oidc-provider, at which people sign in.
OIDC_PROVIDER = "9.13.3"

# Where a skipped test would be a test that nobody ever runs.
REQUIRED = os.environ.get("OMNIFLOW_BROWSER") == "required"


def unavailable(what):
    """Skips, saying what is missing; fails where the browser is required."""
    (pytest.fail if REQUIRED else pytest.skip)(f"{what}; the console is not tested")


@contextlib.contextmanager
def alone():
    """What several processes of tests do one after the other: what the first has fetched is there for the next."""
    with open(ROOT / "target/browser-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def start():
    """Starts runtimes, and stops them at the end."""
    started = []

    def start(*arguments):
        if not is_built():
            unavailable(f"{BINARY} is not built (`cargo build -p omniflow`)")
        started.append(Runtime("--memory", *arguments, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for runtime in started:
        runtime.stop()


@pytest.fixture(scope="session")
def runtime(start):
    """A runtime with time enough to pay."""
    return start("--parameter", "PaymentWindowSeconds=600")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, without a screen and without a past."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        unavailable("there is no chromium with its chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    profile = tmp_path_factory.mktemp("profile")
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        f"--user-data-dir={profile}",
    ]:
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core (MPL-2.0), which is only used here and comes from npm."""
    script = ROOT / f"target/axe-core-{AXE}/package/axe.min.js"
    with alone():
        if not script.exists():
            fetch_axe(script.parents[1])
    return script.read_text()


def fetch_axe(folder):
    if not shutil.which("npm"):
        unavailable("there is no npm to get axe-core with")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "pack", "--silent", f"axe-core@{AXE}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(folder / f"axe-core-{AXE}.tgz") as package:
        package.extractall(folder, filter="data")


class Issuer:
    """An OpenID Connect issuer as a process of its own (`issuer.mjs`)."""

    def __init__(self, library):
        command = ["node", pathlib.Path(__file__).with_name("issuer.mjs"), library]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().removeprefix("ready: ").strip()
        assert self.url, "the issuer did not start"

    def ask(self, what, **parameters):
        with urllib.request.urlopen(f"{self.url}/test/{what}?{urllib.parse.urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)


@pytest.fixture
def issuer():
    """An issuer that knows `ann`, `olga`, who is in the group `operators`, and `nobody`, whom it refuses."""
    folder = ROOT / f"target/oidc-provider-{OIDC_PROVIDER}"
    library = folder / "node_modules/oidc-provider/lib/index.js"
    with alone():
        if not library.exists():
            fetch_oidc_provider(folder)
    issuer = Issuer(library)
    yield issuer
    issuer.process.kill()
    issuer.process.wait()


def fetch_oidc_provider(folder):
    if not shutil.which("npm") or not shutil.which("node"):
        unavailable("there is no npm to get oidc-provider with")
    folder.mkdir(parents=True, exist_ok=True)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, f"oidc-provider@{OIDC_PROVIDER}"]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def console(browser, runtime):
    """The console of the usual runtime, in English; it must not have complained when the test is over."""
    console = Console(browser, runtime)
    yield console
    console.must_be_content()


@pytest.fixture
def console_of(browser):
    """As `console`, of another runtime."""
    return lambda runtime, **options: Console(browser, runtime, **options)
