// Operations: what needs a person, orders by state, search, and the stock of each warehouse.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { useLive } from "../live.js";
import { Amount, Items, Loading, OrderLink, OrderStatus, Problem, TONES, Time, isUnreadable, statusOf } from "../parts.js";

const LIMIT = 20;

export function Operations() {
  const summary = useLive(api.summary, { every: 3000 });
  const [state, setState] = useState("");
  return html`
    <h1>${t("page.operations")}</h1>
    <${Attention} counts=${summary.data?.states} />
    ${summary.data ? html`<${States} states=${summary.data.states} chosen=${state} choose=${setState} />` : html`<${Loading} live=${summary} />`}
    <${Orders} state=${state} />
    <${Stock} />
  `;
}

function Attention({ counts }) {
  const waiting = counts?.find((count) => count.state === "NEEDS_ATTENTION");
  if (!waiting?.count) return null;
  return html`<${Alarms} key=${waiting.count} />`;
}

function Alarms() {
  const live = useLive(() => api.orders({ state: "NEEDS_ATTENTION", limit: 10 }), { every: 10000 });
  return html`
    <section class="card alarm" aria-labelledby="attention">
      <h2 id="attention">${t("attention")}</h2>
      <p>${t("attention.what")}</p>
      ${!live.data && html`<${Loading} live=${live} />`}
      <ul class="plain">
        ${live.data?.orders.map(
          (order) => html`
            <li key=${order.order_id}>
              <${OrderLink} id=${order.order_id} /> · <${Amount} of=${order.amount} currency=${order.currency} /> · <${Items} items=${order.items} />
              <div class="failure">${isUnreadable(order) ? t("unreadable.what") : order.failure ?? order.reason}</div>
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

function States({ states, chosen, choose }) {
  const number = (count) => (count.more ? `${count.count}+` : count.count);
  const tile = (state, label, value, tone) => html`
    <button key=${state} type="button" class="tile ${tone}" aria-pressed=${chosen === state} onClick=${() => choose(state)}>
      <strong>${value}</strong><span>${label}</span>
    </button>
  `;
  const all = states.reduce((sum, count) => ({ count: sum.count + count.count, more: sum.more || count.more }), { count: 0, more: false });
  return html`
    <div class="tiles" role="group" aria-label=${t("filter.state")}>
      ${tile("", t("filter.all"), number(all), "")}
      ${states.map((count) => tile(count.state, statusOf(count), number(count), TONES[count.state] ?? ""))}
    </div>
  `;
}

function Orders({ state }) {
  const [typed, setTyped] = useState("");
  const [search, setSearch] = useState("");
  const [path, setPath] = useState([""]);
  const next = path.at(-1);
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed.trim()), 300);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => setPath([""]), [state, search]);
  const live = useLive(() => api.orders({ state, search, next, limit: LIMIT }), { every: 3000, key: `${state} ${search} ${next}` });
  const page = live.data;
  return html`
    <section class="card" aria-labelledby="orders">
      <div class="row spread">
        <h2 id="orders">${t("orders")}</h2>
        <form role="search" class="row" onSubmit=${(event) => event.preventDefault()}>
          <label class="unseen" for="search">${t("search")}</label>
          <input id="search" type="search" placeholder=${t("search")} value=${typed} onInput=${(event) => setTyped(event.target.value)} />
        </form>
      </div>
      ${page ? html`<${OrderTable} orders=${page.orders} />` : html`<${Loading} live=${live} />`}
      ${page && page.orders.length === 0 && html`<p class="quiet" role="status">${t(page.next ? "search.further" : "orders.none")}</p>`}
      <div class="row spread">
        <button type="button" disabled=${path.length === 1} onClick=${() => setPath(path.slice(0, -1))}>${t("newer")}</button>
        <button type="button" disabled=${!page?.next} onClick=${() => setPath([...path, page.next])}>${t("older")}</button>
      </div>
      ${page && html`<${Problem} refusal=${live.refusal} />`}
    </section>
  `;
}

const OrderTable = ({ orders }) => html`
  <div class="scroll" role="region" aria-labelledby="orders" tabindex="0">
    <table>
      <thead>
        <tr><th scope="col">${t("order")}</th><th scope="col">${t("status")}</th><th scope="col">${t("customer")}</th><th scope="col">${t("items")}</th><th scope="col" class="number">${t("amount")}</th><th scope="col">${t("created")}</th></tr>
      </thead>
      <tbody>
        ${orders.map(
          (order) => html`
            <tr key=${order.order_id}>
              <td><${OrderLink} id=${order.order_id} /></td>
              <td><${OrderStatus} order=${order} /></td>
              <td>${order.customer_id ?? "–"}</td>
              <td class="wide">${isUnreadable(order) ? html`<span class="failure">${t("unreadable.what")}</span>` : html`<${Items} items=${order.items} />`}</td>
              <td class="number"><${Amount} of=${order.amount} currency=${order.currency} /></td>
              <td><${Time} at=${order.created_at} /></td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  </div>
`;

function Stock() {
  const live = useLive(api.stock, { every: 5000 });
  const rows = (live.data?.products ?? []).flatMap((product) => product.warehouses.map((row) => ({ product, row })));
  return html`
    <section class="card" aria-labelledby="stock">
      <h2 id="stock">${t("stock")}</h2>
      ${!live.data && html`<${Loading} live=${live} />`}
      <div class="scroll" role="region" aria-labelledby="stock" tabindex="0">
        <table>
          <thead>
            <tr><th scope="col">${t("product")}</th><th scope="col">${t("warehouse")}</th><th scope="col" class="number">${t("stock.available")}</th><th scope="col" class="number">${t("stock.reserved")}</th><th scope="col" class="number">${t("stock.sold")}</th></tr>
          </thead>
          <tbody>
            ${rows.map(
              ({ product, row }) => html`
                <tr key=${`${product.product_id} ${row.warehouse}`}>
                  <td>${product.name ?? product.product_id}</td>
                  <td>${row.warehouse}</td>
                  <td class="number">${row.available}</td>
                  <td class="number">${row.reserved}</td>
                  <td class="number">${row.sold}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}
