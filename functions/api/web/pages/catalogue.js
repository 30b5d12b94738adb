// The catalogue, for those who run the shop: products are found, added and changed in place, and files are taken in and
// given out. The address says what is searched for, whether only low stock is shown, and which product is open.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { Files } from "../admin/files.js";
import { Edit, Fields, typedOf, wantedOf } from "../admin/product.js";
import { Shelves } from "../admin/shelves.js";
import { language, t, whole } from "../language.js";
import { announce, useLive } from "../live.js";
import { Amount, DataProblem, Fresh, Loading, Problem, useAction } from "../parts.js";
import { address, go } from "../route.js";
import { Picture } from "../shop/picture.js";

/** How long nothing is typed before it is searched for, in milliseconds: each search is a call that is paid for. */
const PAUSE = 300;

/** The products of a page, each with what the first page of the stock says of it. */
async function listed({ search, low, next }) {
  if (low) {
    const { products, next: further } = await api.stock({ low: true, next });
    const found = products.filter(({ product_id: id, name }) => `${id} ${name}`.toLowerCase().includes(search.toLowerCase()));
    return { products: found.map((product) => ({ ...product, stock: product })), next: further };
  }
  const [page, stock] = await Promise.all([api.products({ search, next }), api.stock()]);
  const stocked = new Map(stock.products.map((product) => [product.product_id, product]));
  return { products: page.products.map((product) => ({ ...product, stock: stocked.get(product.product_id) })), next: page.next };
}

export function Catalogue({ query }) {
  const { search = "", open = "", low = "" } = query;
  const [wanted, setWanted] = useState(search);
  const [next, setNext] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => (setWanted(search.trim()), setNext("")), PAUSE);
    return () => clearTimeout(timer);
  }, [search]);
  const live = useLive(() => listed({ search: wanted, low, next }), { every: 30_000, most: 120_000, key: `${wanted} ${low} ${next}` });
  const products = (live.data?.products ?? []).toSorted((one, other) => (one.name ?? one.product_id).localeCompare(other.name ?? other.product_id, language()));
  const to = (change) => address("catalogue", { search, open, low, ...change });
  const changed = (product) => {
    announce(t("catalogue.saved", { name: product.name }));
    live.reload();
  };
  return html`
    <h1>${t("page.catalogue")}</h1>
    <${NewProduct} changed=${changed} />
    <${Files} changed=${live.reload} />
    <section class="card" aria-labelledby="catalogue">
      <div class="row spread">
        <h2 id="catalogue">${t("catalogue.products")}</h2>
        <form role="search" class="row" onSubmit=${(event) => event.preventDefault()}>
          <label class="unseen" for="find">${t("catalogue.search")}</label>
          <input id="find" type="search" placeholder=${t("catalogue.search")} value=${search} onInput=${(event) => go(to({ search: event.target.value, open: "" }), { instead: true })} />
          <label class="row"><input id="low-only" type="checkbox" checked=${Boolean(low)} onChange=${() => (setNext(""), go(to({ low: low ? "" : "1", open: "" })))} /> ${t("catalogue.low-only")}</label>
        </form>
      </div>
      <${Fresh} live=${live} />
      ${!live.data && html`<${Loading} live=${live} />`}
      ${live.data && products.length === 0 && html`<p class="quiet" role="status">${t(low ? "catalogue.none-low" : "catalogue.none")}</p>`}
      <ul class="plain rows">
        ${products.map((product) => html`<${Product} key=${product.product_id} product=${product} isOpen=${open === product.product_id} toggle=${() => go(to({ open: open === product.product_id ? "" : product.product_id }), { instead: true })} changed=${changed} moved=${live.reload} />`)}
      </ul>
      <${DataProblem} refusal=${live.data && live.refusal} />
      ${(next || live.data?.next) &&
      html`<div class="row spread"><button type="button" disabled=${!next} onClick=${() => setNext("")}>${t("page.first")}</button><button type="button" disabled=${!live.data?.next} onClick=${() => setNext(live.data.next)}>${t("page.next")}</button></div>`}
    </section>
  `;
}

function NewProduct({ changed }) {
  const [id, setId] = useState("");
  const [typed, setTyped] = useState(typedOf(null));
  const { busy, refusal, run } = useAction(async () => {});
  const add = async () => {
    changed(await api.putProduct(id.trim(), wantedOf(typed, true), { "if-none-match": "*" }));
    setId("");
    setTyped(typedOf(null));
  };
  return html`
    <details class="card">
      <summary>${t("catalogue.add")}</summary>
      <form onSubmit=${run(add)}>
        <div class="fields">
          <div>
            <label for="new-id">${t("catalogue.id")}</label>
            <input id="new-id" class="mono" required maxlength="100" pattern="[A-Za-z0-9_.\\-]+" value=${id} onInput=${(event) => setId(event.target.value)} />
            <small>${t("catalogue.id.what")}</small>
          </div>
          <${Fields} id="new" of=${typed} change=${setTyped} />
        </div>
        <button class="primary" aria-disabled=${busy}>${t("catalogue.add")}</button>
        <${Problem} refusal=${refusal} />
      </form>
    </details>
  `;
}

function Product({ product, isOpen, toggle, changed, moved }) {
  const id = `product-${product.product_id}`;
  const name = product.name ?? product.product_id;
  const { stock } = product;
  return html`
    <li class="product-row" data-product=${product.product_id}>
      <div class="head">
        <${Picture} id=${product.product_id} name=${name} />
        <h3 id=${id}>${name} <small class="mono">${product.product_id}</small></h3>
        <p class="row">
          ${product.active === false && html`<span class="badge">${t("catalogue.withdrawn")}</span>`}
          ${stock?.low && html`<span class="badge alarm">⚠ ${t("catalogue.is-low")}</span>`}
        </p>
        <p class="number">${stock ? html`<span class="quiet">${t("stock.available")}</span> <strong class=${stock.available === 0 ? "failure" : ""}>${whole(stock.available)}</strong>` : ""}</p>
        <p class="number"><strong><${Amount} of=${product.price} currency=${product.currency} /></strong></p>
        <button type="button" aria-expanded=${isOpen} aria-controls="${id}-open" onClick=${toggle}>${t(isOpen ? "catalogue.close" : "catalogue.open")}<span class="unseen"> ${name}</span></button>
      </div>
      <div id="${id}-open" class="open-product" hidden=${!isOpen}>
        ${isOpen && html`<${Edit} id=${product.product_id} changed=${changed} /><${Shelves} product=${product} moved=${moved} />`}
      </div>
    </li>
  `;
}
