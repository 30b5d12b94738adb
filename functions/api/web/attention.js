// What those who run the shop do with an order that needs attention: they have its workflow go on, or say what was
// done by hand.
import { html, useState } from "./vendor/preact.js";
import { api } from "./api.js";
import { errorWords } from "./failures.js";
import { t } from "./language.js";
import { Problem, Technical, useAction } from "./parts.js";

const MONEY = ["REFUNDED", "KEPT", "NONE"];
const STOCK = ["RELEASED", "SOLD", "LOST"];

/** What failed and what is open, with the two ways out. Nothing for an order that doesn't need attention. */
export function Attention({ order, reload }) {
  const { busy, refusal, run } = useAction(reload);
  const attention = order.attention;
  if (!attention) return null;
  return html`
    <section class="card alarm" aria-labelledby="attention">
      <h2 id="attention">${t("attention")}</h2>
      <div class="problem">
        <p>${attention.error ? errorWords(attention.error) || attention.error : t("attention.stopped")} ${attention.failed_state && html`<span class="mono quiet">(${attention.failed_state})</span>`}</p>
        <${Technical} of=${order.failure} />
      </div>
      <ul class="open">${attention.open.map((line) => html`<li key=${line}>${line}</li>`)}</ul>
      <div class="actions">
        <button type="button" class="primary" data-do="retry" aria-disabled=${busy} onClick=${run(() => api.retry(order.order_id))}>${t("attention.retry")}</button>
      </div>
      <${Resolution} id=${order.order_id} busy=${busy} run=${run} />
      <${Problem} refusal=${refusal} />
    </section>
  `;
}

function Resolution({ id, busy, run }) {
  const [money, setMoney] = useState(MONEY[0]);
  const [stock, setStock] = useState(STOCK[0]);
  const [note, setNote] = useState("");
  const choice = (name, values, value, set) => html`
    <label for="${name}-${id}">${t(`resolve.${name}`)}</label>
    <select id="${name}-${id}" value=${value} onChange=${(event) => set(event.target.value)}>
      ${values.map((option) => html`<option key=${option} value=${option}>${t(`resolve.${option}`)}</option>`)}
    </select>
  `;
  return html`
    <details>
      <summary>${t("resolve.by-hand")}</summary>
      <form onSubmit=${run(() => api.resolve(id, money, stock, note))}>
        ${choice("money", MONEY, money, setMoney)}
        ${choice("stock", STOCK, stock, setStock)}
        <label for="note-${id}">${t("review.note")}</label>
        <input id="note-${id}" required maxlength="1000" value=${note} onInput=${(event) => setNote(event.target.value)} />
        <button class="danger" aria-disabled=${busy}>${t("resolve")}</button>
      </form>
    </details>
  `;
}
