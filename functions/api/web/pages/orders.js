// The list of orders: filtered, searched, sorted and paged by the address. Rows keep their places until somebody asks for
// a newer list: what they say is renewed, and orders that are new are counted.
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { language, t } from "../language.js";
import { useLive } from "../live.js";
import { Bulk } from "../orders/bulk.js";
import { download } from "../orders/csv.js";
import { Views } from "../orders/views.js";
import { address, go } from "../route.js";
import { Amount, DataProblem, Items, Loading, OrderLink, OrderStatus, Time, isUnreadable, statusOf } from "../parts.js";

const LIMIT = 20;

/** What the rows can be sorted by, as the address names it. Without a choice, the newest are first. */
const SORTS = {
  status: statusOf,
  customer: (order) => order.customer_id ?? "",
  amount: (order) => order.amount ?? -1,
  created: (order) => order.created_at ?? "",
};

export function Orders({ query, states }) {
  const { state = "", search = "", customer = "", sort = "" } = query;
  // The pages before this one begin after these orders: each page only knows the next.
  const before = (query.after ?? "").split(",").filter(Boolean);
  const next = before.at(-1) ?? "";
  const key = `${state} ${search} ${next} ${customer}`;
  const live = useLive(() => api.orders({ state, search, customer, next, limit: LIMIT }), { every: 3000, key });
  const { rows, news, renew } = useHeld(live.data, key, sort);
  const [selected, setSelected] = useState(new Set());
  useEffect(() => setSelected(new Set()), [key]);
  const chosen = { state, search, customer, sort };
  const to = (after) => address("operations", { ...chosen, after: after.join(",") });
  const meant = states.filter((count) => search && count.state !== state && statusOf(count).toLowerCase().includes(search.toLowerCase()));
  return html`
    <section class="card" aria-labelledby="orders">
      <div class="row spread">
        <h2 id="orders">${t("orders")}${state && html`: ${statusOf(states.find((count) => count.state === state) ?? { state })}`}${customer && html`: ${t("orders.of", { customer })}`}</h2>
        <${Search} query=${query} />
      </div>
      <${Views} query=${chosen} />
      <div class="row news">
        <button type="button" class="small ${news ? "primary" : ""}" disabled=${news === 0} onClick=${renew}>${news ? t("orders.new", { n: news }) : t("orders.current")}</button>
        ${(state || search || customer) && html`<a href=${address("operations", { sort })}>${t("filter.clear")}</a>`}
        ${meant.map((count) => html`<a key=${count.state} href=${address("operations", { state: count.state })}>${t("filter.meant", { status: statusOf(count) })}</a>`)}
        ${rows?.length > 0 && html`<button type="button" class="small" title=${t("csv.what")} onClick=${() => download(rows)}>${t("csv")}</button>`}
      </div>
      ${rows ? html`<${OrderTable} orders=${rows} sort=${sort} sorted=${(sort) => address("operations", { ...chosen, sort, after: query.after })} selected=${selected} select=${setSelected} />` : html`<${Loading} live=${live} />`}
      ${rows?.length === 0 && html`<p class="quiet" role="status">${t(live.data?.next ? "search.further" : "orders.none")}</p>`}
      <div class="row spread">
        <button type="button" disabled=${before.length === 0} onClick=${() => go(to(before.slice(0, -1)))}>${t("newer")}</button>
        <button type="button" disabled=${!live.data?.next} onClick=${() => go(to([...before, live.data.next]))}>${t("older")}</button>
      </div>
      ${rows && html`<${DataProblem} refusal=${live.refusal} />`}
      <${Bulk} key=${key} orders=${(rows ?? []).filter((order) => selected.has(order.order_id))} done=${(ids) => setSelected((selected) => selected.difference(new Set(ids)))} reload=${live.reload} />
    </section>
  `;
}

/**
 * The rows as they were first listed, each with what is known of it now, the number of orders that have come since, and
 * the function that shows these. An order that the list has no more is left as it was. What they are sorted by counts
 * when they are listed: a row whose status changes stays where it is.
 */
function useHeld(page, key, sort) {
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
  const ids = useMemo(() => inOrder(held.ids, held.orders, sort), [held.ids, sort]);
  if (held.key !== key) return { rows: null, news: 0, renew: () => {} };
  const shown = new Set(held.ids);
  const news = held.listed.filter((id) => !shown.has(id)).length;
  const renew = () => setHeld((held) => ({ ...held, ids: held.listed }));
  return { rows: ids.map((id) => held.orders.get(id)), news, renew };
}

function inOrder(ids, orders, sort) {
  const value = SORTS[sort.replace("-", "")];
  if (!value) return ids;
  const compare = (one, other) => (typeof one === "number" ? one - other : one.localeCompare(other, language(), { numeric: true }));
  const sorted = ids.toSorted((one, other) => compare(value(orders.get(one)), value(orders.get(other))));
  return sort.startsWith("-") ? sorted.reverse() : sorted;
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
      go(address("operations", { ...query, search: wanted, after: "" }), { instead });
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

function OrderTable({ orders, sort, sorted, selected, select }) {
  const ids = orders.filter((order) => !isUnreadable(order)).map((order) => order.order_id);
  const all = ids.length > 0 && ids.every((id) => selected.has(id));
  const toggle = (id) => select((selected) => (selected.has(id) ? selected.difference(new Set([id])) : new Set([...selected, id])));
  const column = (name, kind = "") => {
    const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : null;
    // The first choice of a number or a date has the largest first.
    const first = name === "amount" || name === "created" ? `-${name}` : name;
    const following = sort === first ? (first === name ? `-${name}` : name) : first;
    return html`<th scope="col" role="columnheader" class=${kind} aria-sort=${direction}><a href=${sorted(following)} title=${t("sort.what")}>${t(name)}${direction && html`<span aria-hidden="true"> ${direction === "ascending" ? "↑" : "↓"}</span>`}</a></th>`;
  };
  return html`
    <div class="scroll" role="group" aria-labelledby="orders" tabindex="0">
      <table class="stack orders" role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th scope="col" role="columnheader" class="check"><input type="checkbox" aria-label=${t("bulk.all")} checked=${all} onChange=${() => select(new Set(all ? [] : ids))} /></th>
            <th scope="col" role="columnheader">${t("order")}</th>${column("status")}${column("customer")}<th scope="col" role="columnheader">${t("items")}</th>${column("amount", "number")}${column("created")}
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${orders.map(
            (order) => html`
              <tr key=${order.order_id} role="row" aria-selected=${selected.has(order.order_id)}>
                <td role="cell" class="check">${!isUnreadable(order) && html`<input type="checkbox" aria-label=${order.order_id} checked=${selected.has(order.order_id)} onChange=${() => toggle(order.order_id)} />`}</td>
                <td role="cell"><${OrderLink} id=${order.order_id} number=${order.number} /></td>
                <td role="cell"><${OrderStatus} order=${order} /></td>
                <td role="cell" class="wide" data-label=${t("customer")}>${order.customer_id ? html`<a class="subtle" href=${address(`customers/${encodeURIComponent(order.customer_id)}`)}>${order.customer_id}</a>` : "–"}</td>
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
}
