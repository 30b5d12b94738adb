// The list of orders: filtered, searched and paged by the address. Rows keep their places until somebody asks for a newer
// list: what they say is renewed, and orders that are new are counted.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { useLive } from "../live.js";
import { address, go } from "../route.js";
import { Amount, DataProblem, Items, Loading, OrderLink, OrderStatus, Time, isUnreadable, statusOf } from "../parts.js";

const LIMIT = 20;

export function Orders({ query, states }) {
  const { state = "", search = "" } = query;
  // The pages before this one begin after these orders: each page only knows the next.
  const before = (query.after ?? "").split(",").filter(Boolean);
  const next = before.at(-1) ?? "";
  const key = `${state} ${search} ${next}`;
  const live = useLive(() => api.orders({ state, search: searched(search), next, limit: LIMIT }), { every: 3000, key });
  const { rows, news, renew } = useHeld(live.data, key);
  const to = (after) => address("operations", { state, search, after: after.join(",") });
  const meant = states.filter((count) => search && count.state !== state && statusOf(count).toLowerCase().includes(search.toLowerCase()));
  return html`
    <section class="card" aria-labelledby="orders">
      <div class="row spread">
        <h2 id="orders">${t("orders")}${state && html`: ${statusOf(states.find((count) => count.state === state) ?? { state })}`}</h2>
        <${Search} query=${query} />
      </div>
      <div class="row news">
        <button type="button" class="small ${news ? "primary" : ""}" disabled=${news === 0} onClick=${renew}>${news ? t("orders.new", { n: news }) : t("orders.current")}</button>
        ${(state || search) && html`<a href="#/operations">${t("filter.clear")}</a>`}
        ${meant.map((count) => html`<a key=${count.state} href=${address("operations", { state: count.state })}>${t("filter.meant", { status: statusOf(count) })}</a>`)}
      </div>
      ${rows ? html`<${OrderTable} orders=${rows} />` : html`<${Loading} live=${live} />`}
      ${rows?.length === 0 && html`<p class="quiet" role="status">${t(live.data?.next ? "search.further" : "orders.none")}</p>`}
      <div class="row spread">
        <button type="button" disabled=${before.length === 0} onClick=${() => go(to(before.slice(0, -1)))}>${t("newer")}</button>
        <button type="button" disabled=${!live.data?.next} onClick=${() => go(to([...before, live.data.next]))}>${t("older")}</button>
      </div>
      ${rows && html`<${DataProblem} refusal=${live.refusal} />`}
    </section>
  `;
}

/** Digits alone are those of an id, when there are so many that nothing else has them. */
const searched = (text) => (/^\d{10,}$/.test(text) ? `ORD-${text}` : text);

/**
 * The rows as they were first listed, each with what is known of it now, the number of orders that have come since, and
 * the function that shows these. An order that the list has no more is left as it was.
 */
function useHeld(page, key) {
  const [held, setHeld] = useState({ key: null, ids: [], orders: new Map() });
  useEffect(() => {
    if (!page) return;
    setHeld((held) => {
      const fresh = held.key !== key || held.ids.length === 0;
      const listed = page.orders.map((order) => order.order_id);
      const orders = new Map([...(fresh ? [] : held.orders), ...page.orders.map((order) => [order.order_id, order])]);
      return { key, ids: fresh ? listed : held.ids, orders, listed };
    });
  }, [page, key]);
  if (held.key !== key) return { rows: null, news: 0, renew: () => {} };
  const shown = new Set(held.ids);
  const news = held.listed.filter((id) => !shown.has(id)).length;
  const renew = () => setHeld((held) => ({ ...held, ids: held.listed }));
  return { rows: held.ids.map((id) => held.orders.get(id)), news, renew };
}

/** What is typed is in the address a moment later; each whole search is one step back. */
function Search({ query }) {
  const known = query.search ?? "";
  const [typed, setTyped] = useState(known);
  const sent = useRef(known);
  useEffect(() => {
    // The address was changed elsewhere, such as by Back.
    if (known !== sent.current) setTyped(known);
    sent.current = known;
  }, [known]);
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === sent.current) return;
    const timer = setTimeout(() => {
      const instead = sent.current !== "" && wanted !== "";
      sent.current = wanted;
      go(address("operations", { state: query.state, search: wanted }), { instead });
    }, 300);
    return () => clearTimeout(timer);
  }, [typed]);
  return html`
    <form role="search" class="row" onSubmit=${(event) => event.preventDefault()}>
      <label class="unseen" for="search">${t("search")}</label>
      <input id="search" type="search" placeholder=${t("search")} value=${typed} onInput=${(event) => setTyped(event.target.value)} />
    </form>
  `;
}

const OrderTable = ({ orders }) => html`
  <div class="scroll" role="group" aria-labelledby="orders" tabindex="0">
    <table class="stack" role="table">
      <thead role="rowgroup">
        <tr role="row"><th scope="col" role="columnheader">${t("order")}</th><th scope="col" role="columnheader">${t("status")}</th><th scope="col" role="columnheader">${t("customer")}</th><th scope="col" role="columnheader">${t("items")}</th><th scope="col" role="columnheader" class="number">${t("amount")}</th><th scope="col" role="columnheader">${t("created")}</th></tr>
      </thead>
      <tbody role="rowgroup">
        ${orders.map(
          (order) => html`
            <tr key=${order.order_id} role="row">
              <td role="cell"><${OrderLink} id=${order.order_id} /></td>
              <td role="cell"><${OrderStatus} order=${order} /></td>
              <td role="cell" class="wide" data-label=${t("customer")}>${order.customer_id ?? "–"}</td>
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
