// The returns that are open, of all orders: those that have waited longest first, and what can be done about each now,
// which is done on its order's page.
import { html, useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { duration, t } from "../language.js";
import { useLive, useNow } from "../live.js";
import { Amount, DataProblem, Failure, Fresh, Items, Loading, OrderLink } from "../parts.js";
import { address, go } from "../route.js";

/** The states in which somebody who runs the shop has something to do. */
const TO_DO = ["AWAITING_REVIEW", "AWAITING_GOODS", "NEEDS_ATTENTION"];
/** The tone that each state has. */
const TONES = { AWAITING_REVIEW: "waiting", AWAITING_GOODS: "moving", RECEIVED: "moving", NEEDS_ATTENTION: "alarm" };

export function OpenReturns({ query }) {
  const state = TO_DO.includes(query.state) ? query.state : "";
  // The pages after the first one come when somebody asks for them.
  const [pages, setPages] = useState(1);
  const live = useLive(() => pagesOf(state, pages), { every: 3000, most: 30_000, key: state });
  useEffect(() => {
    if (pages > 1) live.reload();
  }, [pages]);
  const choose = (event) => {
    setPages(1);
    go(address("returns", { state: event.target.value }), { instead: true });
  };
  const { returns = [], unreadable, next } = live.data ?? {};
  return html`
    <h1>${t("page.returns")}</h1>
    <p class="quiet">${t("open-returns.what")}</p>
    <section class="card" aria-labelledby="open-returns">
      <div class="row spread">
        <h2 id="open-returns">${t("open-returns")}</h2>
        <div class="row">
          <label for="to-do">${t("open-returns.to-do")}</label>
          <select id="to-do" value=${state} onChange=${choose}>
            <option value="">${t("filter.all")}</option>
            ${TO_DO.map((name) => html`<option key=${name} value=${name}>${t(`open-returns.${name}`)}</option>`)}
          </select>
        </div>
      </div>
      <${Fresh} live=${live} />
      ${live.data ? html`<${Table} returns=${returns} /><${DataProblem} refusal=${live.refusal} />` : html`<${Loading} live=${live} />`}
      ${live.data && returns.length === 0 && !next && html`<p class="quiet" role="status">${t("open-returns.none")}</p>`}
      ${unreadable > 0 && html`<p class="failure">${t("open-returns.unreadable", { n: unreadable })}</p>`}
      ${next && html`<p><button type="button" onClick=${() => setPages(pages + 1)}>${t("page.next")}</button></p>`}
    </section>
  `;
}

/** The returns of so many pages, the one that waits longest first: the API has them by the last change of their order. */
async function pagesOf(state, pages) {
  let [next, returns, unreadable] = [null, [], 0];
  for (let page = 0; page < pages && (page === 0 || next); page++) {
    const answer = await api.openReturns({ state, next });
    returns = [...returns, ...answer.returns];
    unreadable += answer.unreadable;
    next = answer.next;
  }
  return { returns: returns.sort((one, other) => Date.parse(one.since) - Date.parse(other.since)), unreadable, next };
}

function Table({ returns }) {
  const now = useNow();
  return html`
    <div class="scroll" role="group" aria-labelledby="open-returns" tabindex="0">
      <table class="stack" role="table">
        <thead role="rowgroup">
          <tr role="row"><th scope="col" role="columnheader">${t("order")}</th><th scope="col" role="columnheader">${t("status")}</th><th scope="col" role="columnheader">${t("items")}</th><th scope="col" role="columnheader" class="number">${t("amount")}</th><th scope="col" role="columnheader">${t("customer")}</th><th scope="col" role="columnheader">${t("waits")}</th><th scope="col" role="columnheader">${t("open-returns.to-do")}</th></tr>
        </thead>
        <tbody role="rowgroup">
          ${returns.map((it) => html`<${Row} key=${`${it.order_id} ${it.return}`} it=${it} now=${now} />`)}
        </tbody>
      </table>
    </div>
  `;
}

const Row = ({ it, now }) => html`
  <tr role="row" data-open-return="${it.order_id}/${it.return}">
    <td role="cell"><${OrderLink} id=${it.order_id} number=${it.number} /><div class="quiet">${t("returns.one", { number: it.return })}</div></td>
    <td role="cell"><span class="status ${TONES[it.state] ?? ""}" data-return-state=${it.state}>${it.status}</span></td>
    <td role="cell" class="wide" data-label=${t("items")}><span><${Items} items=${it.items} />${it.reason && html`<div class="quiet">“${it.reason}”</div>`}${it.failure && html`<div class="failure"><${Failure} of=${it.failure} /></div>`}</span></td>
    <td role="cell" class="number" data-label=${t("amount")}><${Amount} of=${it.refund ?? it.value} currency=${it.currency} /></td>
    <td role="cell" data-label=${t("customer")}>${it.customer_id ? html`<a href=${address(`customers/${encodeURIComponent(it.customer_id)}`)}>${it.customer_id}</a>` : "–"}</td>
    <td role="cell" data-label=${t("waits")}>${it.since ? duration(now - Date.parse(it.since)) : "–"}</td>
    <td role="cell" data-label=${t("open-returns.to-do")}>${TO_DO.includes(it.state) ? html`<a href=${address(`orders/${it.order_id}`)} data-do=${it.state}>${t(`open-returns.${it.state}`)}<span class="unseen"> ${it.order_id}, ${t("returns.one", { number: it.return })}</span></a>` : t("open-returns.nothing")}</td>
  </tr>
`;
