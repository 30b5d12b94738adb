// What a customer has ordered before, beside an order that waits for a verdict.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t } from "../language.js";
import { address } from "../route.js";
import { Amount, OrderLink, Problem, Status, Time, statusOf } from "../parts.js";

/** How many orders of a customer are looked at, the newest. */
const LIMIT = 20;

/** The other orders of an order's customer. They are a call of their own: without `wanted`, a button asks for them. */
export function Past({ order, wanted }) {
  const [past, setPast] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const customer = order.customer_id;
  const load = () => {
    setRefusal(null);
    api.orders({ customer, limit: LIMIT }).then(setPast, setRefusal);
  };
  useEffect(() => {
    if (wanted && customer && !past) load();
  }, [wanted, customer]);
  const others = past?.orders?.filter((other) => other.order_id !== order.order_id) ?? [];
  return html`
    <div class="past" role="group" aria-labelledby="past-${order.order_id}">
      <h3 id="past-${order.order_id}">${t("past")}</h3>
      <div>
        ${!customer && html`<p class="quiet">${t("past.nobody")}</p>`}
        ${customer && !past && html`<button type="button" class="small" onClick=${load}>${t("past.show")}</button><${Problem} refusal=${refusal} />`}
        ${past && html`<p class="quiet">${others.length === 0 ? t("past.none") : t("past.sum", sumOf(others, past.next))}</p>`}
        <ul class="plain">
          ${others.map((other) => html`<li key=${other.order_id}><${OrderLink} id=${other.order_id} number=${other.number} /><br /><${Status} state=${other.state}>${statusOf(other)}<//> <${Amount} of=${other.amount} currency=${other.currency} /> <span class="quiet"><${Time} at=${other.created_at} /></span></li>`)}
        </ul>
        ${past?.next && html`<p><a href=${address(`customers/${encodeURIComponent(customer)}`)}>${t("past.all")}</a></p>`}
      </div>
    </div>
  `;
}

/** How many orders there are, and how many of them came to their end well or not; `+` when there are more. */
function sumOf(orders, more) {
  const count = (...states) => orders.filter((order) => states.includes(order.state)).length;
  return { n: `${orders.length}${more ? "+" : ""}`, completed: count("COMPLETED"), undone: count("CANCELLED", "REJECTED") };
}
