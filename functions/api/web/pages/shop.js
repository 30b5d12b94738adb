// The shop: choose from what is in stock, order, and watch, pay or cancel what was ordered in this tab.
import { html, useEffect, useState } from "../vendor/preact.js";
import { Refusal, api } from "../api.js";
import { hint, money, t } from "../language.js";
import { useAnnounced, useLive } from "../live.js";
import { MethodChoice, OrderActions } from "../order-actions.js";
import { Amount, Items, Loading, OrderLink, Problem, Status, isFinal, useAction } from "../parts.js";

const KEPT_AS = "omniflow.orders";
/** How many orders of this tab are shown. */
const MOST_SHOWN = 8;

const kept = () => JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "[]");

const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

export function Shop() {
  const [orders, setOrders] = useState(kept());
  const stock = useLive(api.stock, { every: 5000 });
  useEffect(() => sessionStorage.setItem(KEPT_AS, JSON.stringify(orders)), [orders]);
  const created = (id) => {
    setOrders((orders) => [id, ...orders].slice(0, MOST_SHOWN));
    stock.reload();
  };
  return html`
    <h1>${t("page.shop")}</h1>
    <div class="columns">
      ${stock.data ? html`<${OrderForm} products=${stock.data.products} created=${created} />` : html`<${Loading} live=${stock} />`}
      <section aria-labelledby="your-orders">
        <h2 id="your-orders">${t("shop.yours")}</h2>
        ${orders.length === 0 && html`<p class="quiet">${t("shop.none")}</p>`}
        ${orders.map((id) => html`<${OrderCard} key=${id} id=${id} />`)}
      </section>
    </div>
  `;
}

function OrderForm({ products, created }) {
  const [wanted, setWanted] = useState({});
  const [customer, setCustomer] = useState("customer-001");
  const [method, setMethod] = useState("");
  // The same key until there is an answer: who submits again after a lost one orders once.
  const [key, setKey] = useState(newKey());
  const items = products
    .filter((product) => wanted[product.product_id] > 0)
    .map((product) => ({ product_id: product.product_id, quantity: wanted[product.product_id] }));
  const total = products.reduce((sum, product) => sum + (wanted[product.product_id] || 0) * Math.round((product.price ?? 0) * 100), 0) / 100;
  const { busy, refusal, run } = useAction(async () => {});
  const create = async () => {
    try {
      const order = await api.create({ customer_id: customer || null, items, payment: method ? { method } : null }, key);
      setWanted({});
      setKey(newKey());
      created(order.order_id);
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) setKey(newKey());
      throw error;
    }
  };
  const want = (id, text) => setWanted((wanted) => ({ ...wanted, [id]: Math.max(0, Math.trunc(Number(text)) || 0) }));
  return html`
    <form class="card" onSubmit=${run(create)}>
      <h2>${t("shop.new")}</h2>
      <table class="products">
        <thead>
          <tr><th scope="col">${t("product")}</th><th scope="col" class="number">${t("price")}</th><th scope="col" class="number">${t("stock.available")}</th><th scope="col">${t("quantity")}</th></tr>
        </thead>
        <tbody>
          ${products.map((product) => html`<${ProductRow} key=${product.product_id} product=${product} wanted=${wanted[product.product_id]} want=${want} />`)}
        </tbody>
      </table>
      <div class="fields">
        <div>
          <label for="customer">${t("customer")}</label>
          <input id="customer" value=${customer} maxlength="200" onInput=${(event) => setCustomer(event.target.value)} />
        </div>
        <div>
          <label for="method">${t("payment")}</label>
          <${MethodChoice} id="method" value=${method} onChange=${setMethod}>
            <option value="">${t("payment.later")}</option>
          <//>
        </div>
      </div>
      <div class="row spread">
        <output for="customer">${t("total")}: <strong>${money(total)}</strong>${" "}
          ${total > 10000 && html`<span class="quiet">${t("shop.large")}</span>`}
        </output>
        <button class="primary" disabled=${busy || items.length === 0}>${t("shop.order")}</button>
      </div>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}

function ProductRow({ product, wanted, want }) {
  const id = `quantity-${product.product_id}`;
  return html`
    <tr>
      <td><label for=${id}>${product.name ?? product.product_id}</label><small>${hint(`product.${product.product_id}`)}</small></td>
      <td class="number"><${Amount} of=${product.price} /></td>
      <td class="number">${product.available}</td>
      <td><input id=${id} type="number" inputmode="numeric" min="0" max="1000000" value=${wanted || ""} placeholder="0" onInput=${(event) => want(product.product_id, event.target.value)} /></td>
    </tr>
  `;
}

function OrderCard({ id }) {
  const live = useLive(() => api.order(id), { every: 1000, settled: isFinal });
  const order = live.data;
  useAnnounced(`${id}: ${order?.status}`, order?.state);
  if (!order) return html`<article class="card"><h3><${OrderLink} id=${id} /></h3><${Loading} live=${live} /></article>`;
  return html`
    <article class="card order" data-order=${id}>
      <h3><${OrderLink} id=${id} /></h3>
      <p><${Status} state=${order.state}>${order.status}<//></p>
      <p class="quiet"><${Items} items=${order.items} /> · <${Amount} of=${order.amount} /></p>
      <${OrderActions} order=${order} reload=${live.reload} />
      <${Problem} refusal=${live.refusal} />
    </article>
  `;
}
