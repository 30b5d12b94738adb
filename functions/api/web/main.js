// The console: its head, its navigation, and the page that the address names.
import { html, render, useEffect, useRef, useState } from "./vendor/preact.js";
import { onSignInWanted, signIn, token } from "./api.js";
import { LANGUAGES, choose, language, t } from "./language.js";
import { Operations } from "./pages/operations.js";
import { OrderPage } from "./pages/order.js";
import { Review } from "./pages/review.js";
import { Shop } from "./pages/shop.js";

const PAGES = { shop: Shop, review: Review, operations: Operations };

function usePath() {
  const read = () => location.hash.replace(/^#\/?/, "").split("/");
  const [path, setPath] = useState(read());
  useEffect(() => {
    const changed = () => setPath(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return path;
}

function SignIn({ done }) {
  const [text, setText] = useState("");
  const submit = (event) => {
    event.preventDefault();
    signIn(text.trim());
    done();
  };
  return html`
    <form class="card sign-in" onSubmit=${submit}>
      <h2>${t("sign-in")}</h2>
      <p>${t("sign-in.why")}</p>
      <label for="token">${t("sign-in.token")}</label>
      <input id="token" type="password" autocomplete="off" required value=${text} onInput=${(event) => setText(event.target.value)} />
      <button class="primary">${t("sign-in")}</button>
    </form>
  `;
}

function Head({ page, onLanguage, onSignOut }) {
  return html`
    <header>
      <a class="brand" href="#/shop"><img src="icon.svg" alt="" width="28" height="28" />OmniFlow</a>
      <nav aria-label=${t("navigation")}>
        ${Object.keys(PAGES).map(
          (name) => html`<a key=${name} href="#/${name}" aria-current=${page === name ? "page" : null}>${t(`page.${name}`)}</a>`,
        )}
      </nav>
      <div class="row">
        ${token() && html`<button type="button" onClick=${onSignOut}>${t("sign-out")}</button>`}
        <label class="unseen" for="language">${t("language")}</label>
        <select id="language" value=${language()} onChange=${(event) => onLanguage(event.target.value)}>
          ${Object.entries(LANGUAGES).map(([tag, name]) => html`<option key=${tag} value=${tag} lang=${tag}>${name}</option>`)}
        </select>
      </div>
    </header>
  `;
}

function Console() {
  const [name, id] = usePath();
  const [, chooseLanguage] = useState(language());
  const [asked, setAsked] = useState(false);
  const [session, setSession] = useState(0);
  const main = useRef();
  const shown = useRef(null);
  const page = name === "orders" && id ? "orders" : name in PAGES ? name : "shop";
  const title = page === "orders" ? id : t(`page.${page}`);
  useEffect(() => onSignInWanted(() => setAsked(true)), []);
  useEffect(() => {
    document.title = `${title} – OmniFlow`;
  });
  // Who follows a link goes on from the page's beginning; the first page leaves the focus where it is.
  useEffect(() => {
    if (shown.current) main.current.focus();
    shown.current = title;
  }, [page, id]);
  const restart = () => {
    setAsked(false);
    setSession(session + 1);
  };
  const languageChosen = (tag) => {
    choose(tag);
    chooseLanguage(tag);
  };
  const signOut = () => {
    signIn(null);
    restart();
  };
  const Page = PAGES[page];
  return html`
    <${Head} page=${page} onLanguage=${languageChosen} onSignOut=${signOut} />
    <main ref=${main} tabindex="-1">
      ${asked && html`<${SignIn} done=${restart} />`}
      <div key=${session}>
        ${page === "orders" ? html`<${OrderPage} key=${id} id=${id} />` : html`<${Page} />`}
      </div>
    </main>
  `;
}

render(html`<${Console} />`, document.getElementById("console"));
