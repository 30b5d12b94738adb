"""Signing in at an issuer, by OpenID Connect: where it leads, what is kept of it, and how it ends."""

import urllib.error
import urllib.parse
import urllib.request

import pytest
from console import read
from test_accessibility import violations

TOKEN = "the-token-of-who-runs-it"


@pytest.fixture
def shop(start, issuer):
    parameters = {
        "JwtIssuer": issuer.url,
        "ConsoleClientId": "console",
        "ConsoleResource": "urn:omniflow",
        "OperatorClaim": "groups",
        "OperatorValue": "operators",
        "PaymentWindowSeconds": "600",
    }
    shop = start("--token", TOKEN, *(part for item in parameters.items() for part in ("--parameter", "=".join(item))))
    issuer.ask("console", place=f"{shop.url}/web/index.html")
    return shop


@pytest.fixture
def console(console_of, shop):
    console = console_of(shop)
    # The issuer remembers people by cookies, which are those of every port.
    console.browser.delete_all_cookies()
    return console


def sign_in(console, who):
    console.click("#at-issuer")
    console.click(f"#{who}")


def token(console):
    return console.browser.execute_script("return sessionStorage['omniflow.token'] ?? null")


def spoil_token(console):
    """Puts a token in place of the tab's own that the system doesn't take, as when it has expired."""
    console.browser.execute_script("sessionStorage['omniflow.token'] = 'a.b.c'")


def must_hide_secrets(console):
    """No token and no code is in an address that the browser keeps, and none on the disk."""
    kept = console.browser.execute_script("return [location.href, document.referrer, JSON.stringify(localStorage)]")
    assert urllib.parse.urlsplit(kept[0]).query == ""
    for secret in [token(console), "code=", "refresh"]:
        assert not any(secret in text for text in kept), (secret, kept)
    entries = console.browser.execute_cdp_cmd("Page.getNavigationHistory", {})["entries"]
    own = [entry["url"] for entry in entries if entry["url"].startswith(console.runtime.url)]
    assert own and not any("code=" in url or token(console) in url for url in own), own


def test_who_signs_in_comes_back_to_where_they_were(console):
    console.see("#at-issuer")
    assert console.focused() == console.see("#at-issuer")
    console.open("operations?state=CANCELLED")
    console.see("#at-issuer")
    sign_in(console, "olga")
    console.see("[aria-labelledby=orders]")
    console.gone("#at-issuer")
    assert console.browser.current_url.endswith("/web/index.html#/operations?state=CANCELLED")
    must_hide_secrets(console)
    # What is in the tab outlives a refresh.
    console.browser.refresh()
    console.see("[aria-labelledby=orders]")
    console.gone("#at-issuer")
    must_hide_secrets(console)


def test_an_order_belongs_to_who_signed_in_and_is_reviewed_by_an_operator(console, shop):
    sign_in(console, "ann")
    id = console.order("mac-pro", 2)
    assert read(shop, id, {"authorization": f"Bearer {TOKEN}"})["customer_id"] == "ann"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        verdict = urllib.request.Request(f"{shop.url}/api/v1/orders/{id}/audit", b'{"action": "APPROVE"}', {"authorization": f"Bearer {token(console)}"})
        urllib.request.urlopen(verdict, timeout=30)
    console.click("button", "Sign out")
    console.click("#leave")
    console.see("#at-issuer")
    assert console.browser.current_url.startswith(f"{shop.url}/web/index.html")
    sign_in(console, "olga")
    console.open("review")
    console.click(f"[data-order={id}] button", "Approve")
    console.see(f"[data-order={id}] [data-outcome=APPROVE]")
    told = lambda: (read(shop, id, {"authorization": f"Bearer {TOKEN}"})["audit"] or {}).get("approved")
    console.until("the verdict is there", told)


@pytest.mark.parametrize(("language", "said"), [("en", "You are not signed in (access_denied)"), ("zh", "登录未成功（access_denied）"), ("ru", "Войти не удалось (access_denied)")])
def test_who_is_refused_is_told_so_and_can_try_again(console_of, shop, language, said):
    console = console_of(shop, language=language)
    console.browser.delete_all_cookies()
    sign_in(console, "nobody")
    console.see(".sign-in [role=alert]", said)
    assert urllib.parse.urlsplit(console.browser.current_url).query == ""
    sign_in(console, "ann")
    console.see("#quantity-iphone-15")


def test_a_token_is_renewed_before_it_expires_and_when_it_is_refused(console, issuer):
    sign_in(console, "olga")
    console.see("#quantity-iphone-15")
    first = token(console)
    before = issuer.ask("told")["tokens"]
    # By the page's clock, an hour has nearly passed.
    console.browser.execute_script("const now = Date.now; Date.now = () => now() + 3_595_000")
    console.look_again()
    console.until("another token", lambda: token(console) != first)
    second = token(console)
    # Several calls at once ask for one token, since the issuer takes each refresh token once.
    spoil_token(console)
    console.browser.refresh()
    console.see("#quantity-iphone-15")
    console.until("a third token", lambda: token(console) not in (second, "a.b.c"))
    console.gone("#at-issuer")
    assert issuer.ask("told")["tokens"] == before + 2


def test_when_the_issuer_renews_no_more_somebody_is_asked_and_nothing_is_lost(console, issuer):
    sign_in(console, "olga")
    id = console.order("mac-pro", 2)
    console.open("review")
    console.type(f"#note-{id}", "half a thought")
    issuer.ask("refuse", wish="yes")
    spoil_token(console)
    console.look_again()
    console.see(".sign-in [role=alert]", "Your sign-in is not taken any more")
    assert console.see(f"#note-{id}").get_attribute("value") == "half a thought"
    issuer.ask("refuse", wish="no")
    console.click("#at-issuer")
    # The issuer still knows who it is, and asks nothing.
    console.see(f"#note-{id}")
    console.gone("#at-issuer")
    assert console.browser.current_url.endswith("#/review")


def test_a_sign_out_ends_the_session_at_the_issuer_and_in_other_tabs(console, issuer, shop):
    sign_in(console, "olga")
    console.see("#quantity-iphone-15")
    first = console.browser.current_window_handle
    console.browser.switch_to.new_window("tab")
    second = console.browser.current_window_handle
    try:
        console.browser.get(f"{shop.url}/web/")
        console.see("#quantity-iphone-15")
        console.browser.switch_to.window(first)
        console.click("button", "Sign out")
        console.click("#leave")
        console.see("#at-issuer")
        assert token(console) is None
        assert issuer.ask("told")["revoked"] == 1
        console.browser.switch_to.window(second)
        console.see("#at-issuer")
        assert token(console) is None
    finally:
        console.browser.switch_to.window(second)
        console.browser.close()
        console.browser.switch_to.window(first)
    console.click("#at-issuer")
    console.see("#ann")


def test_a_stranger_s_answer_signs_nobody_in(console, shop):
    """Whoever leads somebody to the console with a code of their own would have them work in a stranger's name."""
    console.see("#at-issuer")
    console.browser.get(f"{shop.url}/web/index.html?code=stolen&state=made-up#/review")
    console.see("#at-issuer")
    assert token(console) is None
    assert console.browser.current_url == f"{shop.url}/web/index.html"
    # Also while somebody is about to come back: the state is another one.
    console.click("#at-issuer")
    console.see("#ann")
    console.browser.get(f"{shop.url}/web/index.html?code=stolen&state=made-up")
    console.see(".sign-in [role=alert]", "You are not signed in")
    assert token(console) is None


def test_who_runs_the_system_may_paste_its_token(console):
    console.click("summary", "Access token")
    console.type("#token", TOKEN)
    console.click("button", "Use the token")
    console.see("#quantity-iphone-15")
    console.open("outbox")
    console.see("main p", "Nothing yet")


def test_the_console_calls_the_issuer_and_nobody_else(console, issuer, shop):
    console.see("#at-issuer")
    asked = "const done = arguments[1]; fetch(arguments[0], { mode: 'no-cors' }).then(() => done('called'), () => done('refused'))"
    assert console.browser.execute_async_script(asked, f"{issuer.url}/jwks") == "called"
    assert console.browser.execute_async_script(asked, shop.aws_url) == "refused"


def test_the_form_is_for_everybody(console, axe):
    console.see("#at-issuer")
    console.click("summary", "Access token")
    console.see("#token")
    assert not violations(console.browser, axe)
    with console.on_a_phone():
        console.must_fit("the form")
        assert not violations(console.browser, axe)
