// The shop: choose from what is in stock, order, and watch, pay or cancel what was ordered in this tab.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { hint, money, t, whole } from "../language.js";
import { useAnnounced, useLive } from "../live.js";
import { MethodChoice, OrderActions } from "../order-actions.js";
import { Amount, Copy, DataProblem, Items, LiveStatus, Loading, OrderLink, Problem, deadlineOf, isFinal, useAction } from "../parts.js";

const KEPT_AS = "omniflow.orders";
/** How many orders of this tab are shown. */
const MOST_SHOWN = 8;
/** The most of one product that an order may have; the API refuses more. */
const MOST_OF_ONE = 1_000_000;

const kept = () => JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "[]");

const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

export function Shop() {
  const [orders, setOrders] = useState(kept());
  const stock = useLive(api.stock, { every: 5000, most: 60_000 });
  useEffect(() => sessionStorage.setItem(KEPT_AS, JSON.stringify(orders)), [orders]);
  const created = (id) => {
    setOrders((orders) => [id, ...orders].slice(0, MOST_SHOWN));
    stock.reload();
  };
  return html`
    <h1>${t("page.shop")}</h1>
    <div class="columns">
      ${stock.data ? html`<${OrderForm} products=${stock.data.products.filter((product) => product.active !== false)} reviewAbove=${stock.data.review_above} created=${created} />` : html`<${Loading} live=${stock} />`}
      <section aria-labelledby="your-orders">
        <h2 id="your-orders">${t("shop.yours")}</h2>
        ${orders.length === 0 && html`<p class="quiet">${t("shop.none")}</p>`}
        ${orders.map((id) => html`<${OrderCard} key=${id} id=${id} others=${orders.length} />`)}
      </section>
    </div>
  `;
}

function OrderForm({ products, reviewAbove, created }) {
  // The quantities as they were typed, by product.
  const [typed, setTyped] = useState({});
  const [customer, setCustomer] = useState("customer-001");
  const [method, setMethod] = useState("");
  // The same key until there is an answer: who submits again after a lost one orders once.
  const [key, setKey] = useState(newKey());
  const lines = products.map((product) => ({ product, ...quantityIn(typed[product.product_id]) }));
  const wrong = lines.find((line) => line.wrong);
  const items = lines.filter((line) => line.value > 0).map(({ product, value }) => ({ product_id: product.product_id, quantity: value }));
  // Added up in thousandths, which no currency has smaller units than: floats would not add up.
  const total = wrong || products.length === 0 ? null : lines.reduce((sum, { product, value }) => sum + value * Math.round((product.price ?? 0) * 1000), 0) / 1000;
  const { busy, refusal, run } = useAction(async () => {});
  const create = async () => {
    try {
      const order = await api.create({ customer_id: customer || null, items, payment: method ? { method } : null }, key);
      // What was typed while the answer was awaited is for the next order.
      setTyped((now) => Object.fromEntries(Object.entries(now).filter(([id, text]) => text !== typed[id])));
      setKey(newKey());
      created(order.order_id);
    } catch (error) {
      if (error.status >= 400 && error.status < 500) setKey(newKey());
      throw error;
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (wrong) document.getElementById(fieldOf(wrong.product)).focus();
    else if (items.length > 0) run(create)();
  };
  return html`
    <form class="card" onSubmit=${submit}>
      <h2>${t("shop.new")}</h2>
      <table class="products">
        <thead>
          <tr><th scope="col">${t("product")}</th><th scope="col" class="number">${t("price")}</th><th scope="col" class="number wide-only">${t("stock.available")}</th><th scope="col" class="number">${t("quantity")}</th></tr>
        </thead>
        <tbody>
          ${lines.map((line) => {
            const id = line.product.product_id;
            return html`<${ProductRow} key=${id} line=${line} text=${typed[id]} change=${(text) => setTyped((typed) => ({ ...typed, [id]: text }))} />`;
          })}
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
        <output for="customer">${t("total")}: <strong><${Amount} of=${total} currency=${products[0]?.currency} /></strong>${" "}
          ${total > reviewAbove && html`<span class="quiet">${t("shop.large", { amount: money(reviewAbove, products[0].currency) })}</span>`}
        </output>
        <button class="primary" aria-disabled=${busy || items.length === 0 || Boolean(wrong)}>${t("shop.order")}</button>
      </div>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}

const fieldOf = (product) => `quantity-${product.product_id}`;

function ProductRow({ line: { product, value, wrong }, text, change }) {
  const id = fieldOf(product);
  const name = product.name ?? product.product_id;
  return html`
    <tr class=${(wrong || value > product.available) && "wrong"}>
      <td>
        <label for=${id}>${name}</label>
        <small>${hint(`product.${product.product_id}`)}</small>
        <small class="narrow-only">${t("stock.available")}: ${whole(product.available)}</small>
      </td>
      <td class="number"><${Amount} of=${product.price} currency=${product.currency} /></td>
      <td class="number wide-only">${whole(product.available)}</td>
      <td><${Quantity} id=${id} name=${name} text=${text} problem=${wrong ? `${id}-problem` : value > product.available ? `${id}-scarce` : null} change=${change} /></td>
    </tr>
    ${wrong && html`<tr><td colspan="4" class="number"><p id="${id}-problem" class="problem" role="alert">${t(wrong, { most: whole(MOST_OF_ONE) })}</p></td></tr>`}
    ${!wrong && value > product.available && html`<tr><td colspan="4" class="number"><p id="${id}-scarce" class="scarce" role="status">⚠ ${t("quantity.scarce", { n: whole(product.available) })}</p></td></tr>`}
  `;
}

/**
 * What a text says: `{ value }`, or `{ wrong }` with the key of the text that tells why it is no quantity. Only ASCII
 * digits count. Whatever else there is could mean another number than it seems to: "1,5", "1e2", full-width digits. A
 * field that nobody has typed in (`undefined`) wants none; one that was emptied doesn't say what is wanted.
 */
function quantityIn(text) {
  if (text === undefined) return { value: 0 };
  const digits = text.trim();
  if (!/^[0-9]+$/.test(digits)) return { wrong: "quantity.not-whole" };
  const value = Number(digits);
  return value <= MOST_OF_ONE ? { value } : { wrong: "quantity.too-many" };
}

/** The field, with `text` in it exactly as it was typed. `problem` is the id of the text that tells what is wrong with it, if anything is. */
function Quantity({ id, name, text, problem, change }) {
  const { value, wrong } = quantityIn(text);
  // What is no quantity stays as it was typed until somebody corrects it.
  const from = text === "" ? 0 : value;
  const stepped = (by) => from !== undefined && change(String(Math.min(MOST_OF_ONE, Math.max(0, from + by))));
  const keys = { ArrowUp: 1, ArrowDown: -1 };
  const pressed = (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    stepped(keys[event.key]);
  };
  // The buttons are for pointers: who uses the keyboard has the arrow keys and needs no further stops.
  const step = (by, sign, label) => html`<button type="button" tabindex="-1" aria-label=${`${t(label)}: ${name}`} onClick=${() => stepped(by)}>${sign}</button>`;
  return html`
    <div class="stepper">
      ${step(-1, "−", "quantity.less")}
      <input
        id=${id} type="text" role="spinbutton" inputmode="numeric" autocomplete="off" placeholder="0"
        value=${text ?? ""} aria-valuenow=${wrong ? null : value} aria-valuemin="0" aria-valuemax=${MOST_OF_ONE}
        aria-invalid=${Boolean(wrong)} aria-describedby=${problem}
        onInput=${(event) => change(event.target.value)} onKeyDown=${pressed}
      />
      ${step(1, "+", "quantity.more")}
    </div>
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
