// The shop: products with pictures, the basket, and what was ordered in this tab, to watch, pay or cancel.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { hint, language, t, whole } from "../language.js";
import { useAnnounced, useLive } from "../live.js";
import { OrderActions } from "../order-actions.js";
import { Amount, Copy, DataProblem, Items, LiveStatus, Loading, OrderLink, deadlineOf, isFinal } from "../parts.js";
import { address, go } from "../route.js";
import { isSold, linesOf, totalOf, useBasket, useOthers, wantedOf } from "../shop/basket.js";
import { Checkout } from "../shop/checkout.js";
import { Picture } from "../shop/picture.js";
import { Quantity, quantityIn, wrongWords } from "../shop/quantity.js";

const KEPT_AS = "omniflow.orders";
/** How many orders of this tab are shown. */
const MOST_SHOWN = 8;
/** How many products a search of the catalogue finds at most. */
const MOST_FOUND = 50;
/** How long nothing is typed before it is searched for, in milliseconds: each search is a call that is paid for. */
const PAUSE = 300;

const kept = () => JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "[]");

const fieldOf = (id) => `quantity-${id}`;

/** The first pages of the stock, as one list. */
async function stockOf(pages) {
  let [answer, products] = [null, []];
  for (let page = 0; page < pages && (page === 0 || answer.next); page++) {
    answer = await api.stock(answer ? { next: answer.next } : {});
    products = [...products, ...answer.products];
  }
  return { ...answer, products };
}

export function Shop({ query }) {
  const [orders, setOrders] = useState(kept());
  const [pages, setPages] = useState(1);
  const basket = useBasket();
  const stock = useLive(() => stockOf(pages), { every: 5000, most: 60_000 });
  const search = query.search ?? "";
  const found = useFound(search);
  useEffect(() => sessionStorage.setItem(KEPT_AS, JSON.stringify(orders)), [orders]);
  useEffect(() => {
    if (pages > 1) stock.reload();
  }, [pages]);
  const loaded = new Map((stock.data?.products ?? []).map((product) => [product.product_id, product]));
  const others = useOthers(stock.data ? Object.keys(basket.taken).filter((id) => !loaded.has(id)) : []);
  const known = (id) => loaded.get(id) ?? others[id];
  const lines = linesOf(basket.taken, known);
  const created = (id) => {
    setOrders((orders) => [id, ...orders].slice(0, MOST_SHOWN));
    stock.reload();
  };
  return html`
    <h1>${t("page.shop")}</h1>
    <div class="columns">
      <section aria-labelledby="products">
        <div class="row spread">
          <h2 id="products">${t("shop.products")}</h2>
          <${Search} search=${search} />
        </div>
        ${stock.data
          ? html`<${Products} loaded=${loaded} found=${found} search=${search} basket=${basket} more=${stock.data.next && !search ? () => setPages(pages + 1) : null} /><${DataProblem} refusal=${stock.refusal} />`
          : html`<${Loading} live=${stock} />`}
        <${ToBasket} lines=${lines} currency=${stock.data?.products[0]?.currency} />
      </section>
      <div class="aside">
        <${Checkout} basket=${basket} lines=${lines} currency=${stock.data?.products[0]?.currency} reviewAbove=${stock.data?.review_above} quantityField=${fieldOf} created=${created} refused=${stock.reload} />
        <section aria-labelledby="your-orders">
          <h2 id="your-orders">${t("shop.yours")}</h2>
          ${orders.length === 0 && html`<p class="quiet">${t("shop.none")}</p>`}
          ${orders.map((id) => html`<${OrderCard} key=${id} id=${id} others=${orders.length} />`)}
        </section>
      </div>
    </div>
  `;
}

/** On a phone the basket is below all products: this leads there. */
function ToBasket({ lines, currency }) {
  if (wantedOf(lines).length === 0) return null;
  const show = () => {
    const basket = document.getElementById("basket");
    basket.scrollIntoView();
    basket.focus();
  };
  return html`<button type="button" class="primary to-basket" onClick=${show}><span>${t("basket")} ↓</span> <${Amount} of=${totalOf(lines)} currency=${currency} /></button>`;
}

/** What is searched for is in the address, so that a link leads to it. */
const Search = ({ search }) => html`
  <form role="search" class="row" onSubmit=${(event) => event.preventDefault()}>
    <label class="unseen" for="search-products">${t("shop.search")}</label>
    <input id="search-products" type="search" placeholder=${t("shop.search")} value=${search} onInput=${(event) => go(address("shop", { search: event.target.value }), { instead: true })} />
  </form>
`;

/** What the catalogue finds for a text, by all names of its products and in the whole of it; null until it is known. */
function useFound(search) {
  const [found, setFound] = useState({ text: "", products: null });
  const text = search.trim();
  useEffect(() => {
    if (!text) return undefined;
    let gone = false;
    const tell = (products) => !gone && setFound({ text, products });
    const timer = setTimeout(() => api.products({ search: text, active: true, limit: MOST_FOUND }).then(({ products }) => tell(products), () => tell([])), PAUSE);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [text]);
  return text && found.text === text ? found.products : null;
}

function Products({ loaded, found, search, basket, more }) {
  const text = search.trim().toLowerCase();
  const matches = ({ product_id: id, name }) => !text || `${name ?? ""} ${id}`.toLowerCase().includes(text);
  const here = [...loaded.values()].filter(matches);
  const shown = new Map(here.map((product) => [product.product_id, product]));
  for (const product of found ?? []) shown.set(product.product_id, loaded.get(product.product_id) ?? product);
  const products = [...shown.values()].filter(isSold).toSorted((one, other) => (one.name ?? one.product_id).localeCompare(other.name ?? other.product_id, language()));
  return html`
    <p class="unseen" role="status">${text ? t("shop.found", { n: whole(products.length) }) : ""}</p>
    ${products.length === 0 && html`<p class="quiet">${t(text ? (found ? "shop.found.none" : "loading") : "shop.empty")}</p>`}
    <ul class="products">
      ${products.map((product) => html`<${Product} key=${product.product_id} product=${product} text=${basket.taken[product.product_id]?.text} put=${basket.put} />`)}
    </ul>
    ${more && html`<p><button type="button" onClick=${more}>${t("shop.more")}</button></p>`}
  `;
}

function Product({ product, text, put }) {
  const id = fieldOf(product.product_id);
  const { value, wrong } = quantityIn(text);
  const name = product.name ?? product.product_id;
  const available = product.available;
  const scarce = !wrong && value > available;
  const change = (text) => put({ product_id: product.product_id, name, price: product.price }, text);
  return html`
    <li class="card product ${value > 0 && "taken"}" data-product=${product.product_id}>
      <${Picture} id=${product.product_id} name=${name} />
      <h3><label for=${id}>${name}</label></h3>
      <small>${hint(`product.${product.product_id}`)}</small>
      <p><strong><${Amount} of=${product.price} currency=${product.currency} /></strong></p>
      ${available !== undefined && html`<small>${available === 0 ? t("shop.sold-out") : `${t("stock.available")}: ${whole(available)}`}</small>`}
      <${Quantity} id=${id} name=${name} text=${text} problem=${wrong ? `${id}-problem` : scarce ? `${id}-scarce` : null} change=${change} />
      ${wrong && html`<p id="${id}-problem" class="problem" role="alert">${wrongWords(wrong)}</p>`}
      ${scarce && html`<p id="${id}-scarce" class="scarce" role="status">⚠ ${t("quantity.scarce", { n: whole(available) })}</p>`}
    </li>
  `;
}

function OrderCard({ id, others }) {
  // Each card asks for itself: the more there are, the less often while nothing happens.
  const live = useLive(() => api.order(id), { every: 1000, most: 20_000 * others, settled: isFinal, wake: deadlineOf });
  const order = live.data;
  const place = useRef();
  useAnnounced(`${id}: ${order?.status}`, order?.state);
  if (!order) return html`<article class="card"><h3><${OrderLink} id=${id} /></h3><${Loading} live=${live} /></article>`;
  return html`
    <article ref=${place} tabindex="-1" class="card order" data-order=${id}>
      <h3><${OrderLink} id=${id} number=${order.number} /> <${Copy} text=${id} /></h3>
      <p><${LiveStatus} order=${order} /></p>
      <p class="quiet"><${Items} items=${order.items} /> · <${Amount} of=${order.amount} currency=${order.currency} /></p>
      <${OrderActions} order=${order} reload=${live.reload} place=${place} />
      <${DataProblem} refusal=${live.refusal} />
    </article>
  `;
}
