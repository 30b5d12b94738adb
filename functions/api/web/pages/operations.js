// Operations: what needs a person, orders by state, search, what was counted lately, and the stock of each warehouse.
import { html } from "../vendor/preact.js";
import { api } from "../api.js";
import { failureOf } from "../failures.js";
import { t } from "../language.js";
import { useLive, useNow } from "../live.js";
import { address } from "../route.js";
import { Amount, DataProblem, Fresh, Items, Loading, OrderLink, TONES, ageOf, isUnreadable, statusOf } from "../parts.js";
import { Glance } from "./glance.js";
import { Orders } from "./orders.js";
import { Stock } from "./stock.js";

/** How many of the orders that need a person are shown; a link leads to all. */
const FEW = 3;

/** The states, by what they mean for who runs the shop. */
const GROUPS = {
  person: ["NEEDS_ATTENTION", "AWAITING_AUDIT"],
  waiting: ["AWAITING_PAYMENT"],
  moving: ["RECEIVED", "RESERVED", "PAYMENT_RECEIVED", "PAID", "SHIPPING", "COMPENSATING"],
  ended: ["COMPLETED", "CANCELLED", "REJECTED"],
};

export function Operations({ query, summary }) {
  const states = summary.data?.states;
  const attention = states?.find((count) => count.state === "NEEDS_ATTENTION");
  return html`
    <h1>${t("page.operations")}</h1>
    <${Fresh} live=${summary} />
    ${states ? html`<${States} states=${states} query=${query} />` : html`<${Loading} live=${summary} />`}
    ${attention?.count > 0 && query.state !== "NEEDS_ATTENTION" && html`<${Alarms} count=${attention} />`}
    <${DataProblem} refusal=${summary.data && summary.refusal} />
    <${Orders} query=${query} states=${states ?? []} />
    <${Glance} />
    <${Stock} />
  `;
}

function Alarms({ count }) {
  // Loaded anew when the number changes, and otherwise seldom: what is in it stands still.
  const live = useLive(() => api.orders({ state: "NEEDS_ATTENTION", limit: FEW }), { every: 60_000, most: 120_000, key: String(count.count) });
  const now = useNow();
  return html`
    <section class="card alarm" aria-labelledby="attention">
      <div class="row spread">
        <h2 id="attention">${t("attention.title", { n: numberOf(count) })}</h2>
        <a href=${address("operations", { state: "NEEDS_ATTENTION" })}>${t("attention.all")}</a>
      </div>
      <p class="quiet">${t("attention.what")}</p>
      ${!live.data && html`<${Loading} live=${live} />`}
      <ul class="plain">
        ${live.data?.orders.map(
          (order) => html`
            <li key=${order.order_id}>
              <${OrderLink} id=${order.order_id} number=${order.number} /> · ${order.customer_id ?? "–"} · <${Amount} of=${order.amount} currency=${order.currency} /> · <${Items} items=${order.items} /> · <span class="quiet">${ageOf(order, now)}</span>
              <div class="failure">${isUnreadable(order) ? t("unreadable.what") : failureOf(order.failure ?? order.reason).words}</div>
              ${order.attention && html`<div class="quiet">${order.attention.open.join(" ")}</div>`}
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

/** A number of orders; `+` when there are more than are counted. */
const numberOf = ({ count, more }) => `${count}${more ? "+" : ""}`;

const sumOf = (counts) => counts.reduce((sum, { count, more }) => ({ count: sum.count + count, more: sum.more || more }), { count: 0, more: false });

function States({ states, query }) {
  const chosen = query.state ?? "";
  // All states have their place all the time, so that none moves when another gets its first order.
  const tile = (state, label, count, tone) => html`
    <a key=${state} class="tile ${tone} ${count.count === 0 ? "none" : ""}" href=${address("operations", { state, search: query.search })} aria-current=${chosen === state ? "true" : null}>
      <span>${label}</span> <strong>${numberOf(count)}</strong>
    </a>
  `;
  const known = Object.values(GROUPS).flat();
  const others = states.filter((count) => !known.includes(count.state));
  const group = (name, counts) => html`
    <section key=${name} class="group" aria-labelledby="group-${name}">
      <h2 id="group-${name}">${t(`group.${name}`)}</h2>
      ${counts.map((count) => tile(count.state, statusOf(count), count, TONES[count.state] ?? ""))}
    </section>
  `;
  const of = (names) => names.map((name) => states.find((count) => count.state === name)).filter(Boolean);
  return html`
    <nav class="groups" aria-label=${t("filter.state")}>
      ${Object.entries(GROUPS).map(([name, names]) => group(name, name === "moving" ? [...of(names), ...others] : of(names)))}
      <section class="group all" aria-label=${t("filter.all")}>${tile("", t("filter.all"), sumOf(states), "")}</section>
    </nav>
  `;
}
