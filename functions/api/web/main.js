// The console: its head, its navigation, and the page that the address names.
import { html, render, useEffect, useRef, useState } from "./vendor/preact.js";
import { later } from "./admin/later.js";
import { api } from "./api.js";
import { again, useTrouble } from "./connection.js";
import { LANGUAGES, choose, hour, keepChoice, language, loadTexts, t } from "./language.js";
import { announce, useLive } from "./live.js";
import { Palette, usePalette } from "./palette.js";
import { Operations } from "./pages/operations.js";
import { OrderPage } from "./pages/order.js";
import { Outbox } from "./pages/outbox.js";
import { Review } from "./pages/review.js";
import { Shop } from "./pages/shop.js";
import { useRoute } from "./route.js";
import { comeBack, onSignIn, signOut, token } from "./session.js";
import { SignIn } from "./sign-in/form.js";

/** The two houses: what customers see, and what those see who run the shop. */
const SHOP = { shop: Shop };
const ADMIN = { review: Review, returns: later("OpenReturns"), operations: Operations, catalogue: later("Catalogue"), customers: later("Customers"), warehouses: later("Warehouses") };
const CUSTOMER = later("Customer");
/** A page of the admin that the navigation doesn't have. */
const OTHERS = { outbox: Outbox };
const ICON = new URL("icon.svg", import.meta.url).href;

/** How many orders wait for a person, or for goods that come back, by page. */
function queues(summary) {
  const of = (state) => summary?.states.find((count) => count.state === state) ?? { count: 0 };
  return { review: of("AWAITING_AUDIT"), returns: summary?.open_returns, operations: of("NEEDS_ATTENTION") };
}

/** A number of orders; `+` when there are more than are counted. */
const numberOf = ({ count, more }) => `${count}${more ? "+" : ""}`;

function Head({ page, admits, waiting, onFind, onLanguage, onSignOut }) {
  return html`
    <header>
      <a class="brand" href="#/shop"><img src=${ICON} alt="" width="28" height="28" />OmniFlow</a>
      <nav aria-label=${t("navigation")}>
        ${Object.keys(pagesOf(admits)).filter((name) => !(name in OTHERS)).map((name) => {
          const queue = waiting[name];
          return html`
            <a key=${name} href="#/${name}" class=${name in ADMIN ? "admin" : ""} aria-current=${page === name ? "page" : null}>
              ${t(`page.${name}`)}${queue?.count > 0 && html`${" "}<span class="count" data-queue=${name}>${numberOf(queue)}<span class="unseen"> ${t(`queue.${name}`)}</span></span>`}
            </a>
          `;
        })}
      </nav>
      <div class="row">
        <button type="button" class="find" aria-haspopup="dialog" aria-keyshortcuts="Control+K Meta+K" onClick=${onFind}><span aria-hidden="true">⌕</span> <span class="label">${t("palette.open")}</span> <kbd class="wide-only" aria-hidden="true">Ctrl K</kbd></button>
        ${token() && html`<button type="button" onClick=${onSignOut}>${t("sign-out")}</button>`}
        <label class="unseen" for="language">${t("language")}</label>
        <select id="language" value=${language()} onChange=${(event) => onLanguage(event.target.value)}>
          ${Object.entries(LANGUAGES).map(([tag, name]) => html`<option key=${tag} value=${tag} lang=${tag}>${name}</option>`)}
        </select>
      </div>
    </header>
  `;
}

const Foot = ({ admits }) => html`
  <footer>
    <a href="docs.html">${t("footer.api")}</a>
    ${admits && html`<a href="#/outbox">${t("page.outbox")}</a>`}
  </footer>
`;

/** Says that what is on the screen may no longer be so. It lies at the window's edge, where it moves nothing. */
function Trouble() {
  const trouble = useTrouble();
  const before = useRef(null);
  useEffect(() => {
    if (before.current?.lost && !trouble) announce(t("connection.found"));
    before.current = trouble;
  });
  const text = trouble && t(trouble.lost ? "connection.lost" : "connection.failing");
  return html`
    <div class="notice" role="alert">
      ${trouble && html`<p>⚠ ${text}${trouble.at ? ` ${t("connection.last", { at: hour(trouble.at) })}` : ""}</p>`}
    </div>
  `;
}

const NoPage = ({ admits }) => html`
  <h1>${t("page.none")}</h1>
  <p>${t("page.none.what")}</p>
  <p class="row">${Object.keys(pagesOf(admits)).map((name) => html`<a key=${name} href="#/${name}">${t(`page.${name}`)}</a>`)}</p>
`;

/** The pages that somebody sees; `admits`, whether the admin is among them. */
const pagesOf = (admits) => (admits ? { ...SHOP, ...ADMIN, ...OTHERS } : SHOP);

/** The page's component, its title and its key: with another key it is another page, and begins anew. `within` is the page of the navigation that it is a part of. */
function shown({ name, rest }, admits) {
  const id = rest[0];
  if (name === "orders" && id && rest.length === 1) return { Page: OrderPage, title: id, key: id };
  if (name === "customers" && id && rest.length === 1 && admits) return { Page: CUSTOMER, title: id, key: `customer ${id}`, within: name };
  const known = pagesOf(admits);
  const Page = rest.length === 0 && Object.hasOwn(known, name) && known[name];
  return Page ? { Page, title: t(`page.${name}`), key: name } : { Page: NoPage, title: t("page.none"), key: "" };
}

/** `failed` is why somebody who came back from the issuer is not signed in. */
function Console({ failed }) {
  const route = useRoute();
  const [, setChosen] = useState(language());
  const [asked, setAsked] = useState(Boolean(failed));
  const [session, setSession] = useState(0);
  const main = useRef();
  const before = useRef(null);
  // Who may not see the counts gets none; the refusal ends the asking, and says that this is a customer. What a page
  // may do is decided by the API alone.
  const summary = useLive(api.summary, { every: 3000, unseen: 60_000, key: String(session) });
  const admits = summary.refusal?.status !== 403;
  const { Page, title, key, within } = shown(route, admits);
  const waiting = queues(summary.data);
  const palette = usePalette();
  useEffect(
    () =>
      onSignIn((what) => {
        setAsked(what === "wanted");
        if (what === "found") again();
      }),
    [],
  );
  useEffect(() => {
    const queue = waiting[key];
    document.title = `${queue?.count > 0 ? `(${numberOf(queue)}) ` : ""}${title} – OmniFlow`;
  });
  // Who follows a link goes on from the page's beginning; the first page leaves the focus where it is.
  useEffect(() => {
    if (before.current !== null) main.current.focus();
    before.current = key;
  }, [key]);
  const signedIn = () => {
    setAsked(false);
    again();
  };
  const languageChosen = async (tag) => {
    await choose(tag);
    keepChoice();
    setChosen(tag);
  };
  const leave = () => {
    // At the issuer the session ends by itself when it can't be reached now.
    signOut().catch(() => {});
    setSession(session + 1);
  };
  const skip = (event) => {
    event.preventDefault();
    main.current.focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <${Head} page=${within ?? key} admits=${admits} waiting=${waiting} onFind=${palette.open} onLanguage=${languageChosen} onSignOut=${leave} />
    <main id="main" ref=${main} tabindex="-1">
      ${asked && html`<${SignIn} failed=${failed} done=${signedIn} />`}
      <div key=${`${session} ${key}`}><${Page} id=${route.rest[0]} query=${route.query} summary=${summary} admits=${admits} /></div>
    </main>
    <${Foot} admits=${admits} />
    <${Trouble} />
    ${palette.shown && html`<${Palette} pages=${Object.keys(pagesOf(admits))} admits=${admits} close=${palette.close} />`}
  `;
}

Promise.all([comeBack(), loadTexts()]).then(([failed]) => render(html`<${Console} failed=${failed} />`, document.getElementById("console")));
