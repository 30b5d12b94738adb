// The customers, for those who run the shop: who is looked for, what a customer ordered, what is open, and how everything
// that is known of a person is erased.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t, whole } from "../language.js";
import { announce, useLive } from "../live.js";
import { Confirmation } from "../order-actions.js";
import { Amount, Copy, DataProblem, Fresh, Items, Loading, OrderLink, OrderStatus, Problem, Time, isFinal, isUnreadable, useAction, useKeptFocus } from "../parts.js";
import { address, go } from "../route.js";

/** How many orders are looked at for the customers that they are of, the newest. */
const LIMIT = 100;
/** How long nothing is typed before it is searched for, in milliseconds: each search is a call that is paid for. */
const PAUSE = 300;

/** The address of a customer's page. */
export const customerPage = (id) => address(`customers/${encodeURIComponent(id)}`);

export function Customers({ query }) {
  const search = query.search ?? "";
  const [wanted, setWanted] = useState(search);
  useEffect(() => {
    const timer = setTimeout(() => setWanted(search.trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [search]);
  const live = useLive(() => api.orders({ search: wanted, limit: LIMIT }), { every: 15_000, most: 60_000, key: wanted });
  const found = customersIn(live.data?.orders ?? []);
  return html`
    <h1>${t("page.customers")}</h1>
    <section class="card" aria-labelledby="customers">
      <div class="row spread">
        <h2 id="customers">${t(wanted ? "customers.found" : "customers.latest")}</h2>
        <form role="search" class="row" onSubmit=${(event) => event.preventDefault()}>
          <label class="unseen" for="find-customer">${t("customers.search")}</label>
          <input id="find-customer" type="search" placeholder=${t("customers.search")} value=${search} onInput=${(event) => go(address("customers", { search: event.target.value }), { instead: true })} />
        </form>
      </div>
      <${Fresh} live=${live} />
      ${live.data ? html`<${CustomerTable} customers=${found} /><${DataProblem} refusal=${live.refusal} />` : html`<${Loading} live=${live} />`}
      ${live.data && found.length === 0 && html`<p class="quiet" role="status">${t("customers.none")}</p>`}
      ${live.data?.next && html`<p class="quiet">${t("customers.more", { n: whole(LIMIT) })}</p>`}
      ${wanted && live.data && !found.some(({ id }) => id === wanted) && html`<p><a href=${customerPage(wanted)}>${t("customers.open", { id: wanted })}</a></p>`}
    </section>
  `;
}

/** The customers of these orders, the one with the newest order first. */
function customersIn(orders) {
  const found = new Map();
  for (const order of orders) {
    if (!order.customer_id) continue;
    const customer = found.get(order.customer_id) ?? { id: order.customer_id, orders: [] };
    customer.orders.push(order);
    found.set(customer.id, customer);
  }
  return [...found.values()];
}

const CustomerTable = ({ customers }) => html`
  <div class="scroll" role="group" aria-labelledby="customers" tabindex="0">
    <table class="stack" role="table">
      <thead role="rowgroup">
        <tr role="row"><th scope="col" role="columnheader">${t("customer")}</th><th scope="col" role="columnheader" class="number">${t("orders")}</th><th scope="col" role="columnheader" class="number">${t("customer.open")}</th><th scope="col" role="columnheader">${t("customer.latest")}</th></tr>
      </thead>
      <tbody role="rowgroup">
        ${customers.map(
          ({ id, orders }) => html`
            <tr key=${id} role="row">
              <th scope="row" role="rowheader" class="wide"><a href=${customerPage(id)}>${id}</a></th>
              <td role="cell" class="number" data-label=${t("orders")}>${whole(orders.length)}</td>
              <td role="cell" class="number" data-label=${t("customer.open")}><${Sums} of=${openOf(orders)} /></td>
              <td role="cell" data-label=${t("customer.latest")}><${Time} at=${orders[0].created_at} /></td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  </div>
`;

const readable = (orders) => orders.filter((order) => !isUnreadable(order));
const openOf = (orders) => readable(orders).filter((order) => !isFinal(order));

/** The sum of orders in each of their currencies. It is added up in thousandths, which no currency has smaller units than. */
function Sums({ of }) {
  const sums = new Map();
  for (const { amount, currency } of of) sums.set(currency, (sums.get(currency) ?? 0) + Math.round(amount * 1000));
  if (sums.size === 0) return "–";
  return [...sums].map(([currency, sum], index) => html`<span key=${currency}>${index > 0 && " + "}<${Amount} of=${sum / 1000} currency=${currency} /></span>`);
}

export function Customer({ id }) {
  // The pages after the first one come when somebody asks for them.
  const [pages, setPages] = useState(1);
  const live = useLive(() => pagesOf(id, pages), { every: 3000, most: 30_000, key: id });
  useEffect(() => {
    if (pages > 1) live.reload();
  }, [pages]);
  const orders = live.data?.orders ?? [];
  const more = live.data?.next;
  return html`
    <p><a href=${address("customers")}>← ${t("page.customers")}</a></p>
    <h1 class="id">${id} <${Copy} text=${id} /></h1>
    <${Fresh} live=${live} />
    ${!live.data && html`<${Loading} live=${live} />`}
    ${live.data &&
    html`
      <div class="cards">
        <${Facts} orders=${orders} more=${more} />
        <${Erasure} id=${id} reload=${live.reload} />
      </div>
      <section class="card" aria-labelledby="orders">
        <div class="row spread"><h2 id="orders">${t("orders")}</h2>${orders.length > 0 && html`<a href=${address("operations", { customer: id })}>${t("customer.list")}</a>`}</div>
        ${orders.length === 0 ? html`<p class="quiet">${t("customer.none")}</p>` : html`<${OrdersOf} orders=${orders} />`}
        ${more && html`<p><button type="button" onClick=${() => setPages(pages + 1)}>${t("older")}</button></p>`}
      </section>
      <${DataProblem} refusal=${live.refusal} />
    `}
  `;
}

async function pagesOf(id, pages) {
  let [next, orders] = [null, []];
  for (let page = 0; page < pages && (page === 0 || next); page++) {
    // By the query and not by the path: an id may have a slash, which API Gateway takes for two segments.
    const answer = await api.orders({ customer: id, next, limit: LIMIT });
    orders = [...orders, ...answer.orders];
    next = answer.next;
  }
  return { orders, next };
}

function Facts({ orders, more }) {
  const known = readable(orders);
  const emails = [...new Set(known.map((order) => order.email).filter(Boolean))];
  const count = (list) => `${whole(list.length)}${more ? "+" : ""}`;
  return html`
    <section class="card" aria-labelledby="facts">
      <h2 id="facts">${t("customer.facts")}</h2>
      <dl>
        <dt>${t("orders")}</dt><dd>${count(orders)}</dd>
        <dt>${t("customer.open")}</dt><dd data-sum="open"><${Sums} of=${openOf(orders)} /> (${count(openOf(orders))})</dd>
        <dt>${t("customer.completed")}</dt><dd data-sum="completed"><${Sums} of=${known.filter((order) => order.state === "COMPLETED")} /></dd>
        <dt>${t("email")}</dt><dd>${emails.join(", ") || "–"}</dd>
        <dt>${t("customer.first")}</dt><dd>${more ? "–" : html`<${Time} at=${orders.at(-1)?.created_at} />`}</dd>
      </dl>
    </section>
  `;
}

const OrdersOf = ({ orders }) => html`
  <div class="scroll" role="group" aria-labelledby="orders" tabindex="0">
    <table class="stack" role="table">
      <thead role="rowgroup">
        <tr role="row"><th scope="col" role="columnheader">${t("order")}</th><th scope="col" role="columnheader">${t("status")}</th><th scope="col" role="columnheader">${t("items")}</th><th scope="col" role="columnheader" class="number">${t("amount")}</th><th scope="col" role="columnheader">${t("created")}</th></tr>
      </thead>
      <tbody role="rowgroup">
        ${orders.map(
          (order) => html`
            <tr key=${order.order_id} role="row">
              <td role="cell"><${OrderLink} id=${order.order_id} number=${order.number} /></td>
              <td role="cell"><${OrderStatus} order=${order} /></td>
              <td role="cell" class="wide" data-label=${t("items")}>${isUnreadable(order) ? html`<span class="failure">${t("unreadable.what")}</span>` : html`<${Items} items=${order.items} />`}</td>
              <td role="cell" class="number" data-label=${t("amount")}><${Amount} of=${order.amount} currency=${order.currency} /></td>
              <td role="cell" data-label=${t("created")}><${Time} at=${order.created_at} /></td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  </div>
`;

/** Erases a person from the books, which can't be undone, and so is asked for twice. */
function Erasure({ id, reload }) {
  const [asked, setAsked] = useState(false);
  const [done, setDone] = useState(null);
  const { busy, refusal, run } = useAction(reload);
  const place = useRef();
  const restoreFocus = useKeptFocus(place);
  const erase = run(async () => {
    const { orders } = await api.forget(id);
    const told = t("erase.done", { n: whole(orders) });
    setDone(told);
    announce(told);
  });
  const close = () => {
    setAsked(false);
    restoreFocus();
  };
  return html`
    <section ref=${place} tabindex="-1" class="card" aria-labelledby="erase">
      <h2 id="erase">${t("erase")}</h2>
      <p>${t("erase.what")}</p>
      <p class="actions"><button type="button" class="danger" aria-haspopup="dialog" aria-disabled=${busy} onClick=${() => !busy && setAsked(true)}>${t("erase.ask")}</button></p>
      ${done && html`<p role="status">✓ ${done}</p>`}
      <${Problem} refusal=${refusal} />
      ${asked &&
      html`<${Confirmation} id="erase-customer" title=${t("erase.title")} yes=${t("erase.yes")} no=${t("erase.no")} confirmed=${erase} closed=${close}><p class="id">${id}</p><p>${t("erase.what")}</p><//>`}
    </section>
  `;
}
