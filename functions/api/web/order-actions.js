// What a customer can do with an order: pay it, and cancel it.
import { html, useState } from "./vendor/preact.js";
import { api } from "./api.js";
import { t } from "./language.js";
import { Problem, isCancellable, useAction } from "./parts.js";

/** The methods of the simulated payment gateway. */
export const METHODS = [
  "pm_card",
  "pm_declined",
  "pm_timeout_twice",
  "pm_timeout_always",
  "pm_refund_fails_twice",
  "pm_refund_fails",
];

/** A choice of payment methods; children are further options before them. */
export const MethodChoice = ({ id, value, onChange, children }) => html`
  <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
    ${children}
    ${METHODS.map((method) => html`<option key=${method} value=${method}>${t(`method.${method}`)}</option>`)}
  </select>
`;

/** Buttons for what is possible now. */
export function OrderActions({ order, reload }) {
  const [method, setMethod] = useState("pm_card");
  const { busy, refusal, run } = useAction(reload);
  const id = order.order_id;
  const payable = order.state === "AWAITING_PAYMENT";
  return html`
    <div class="actions">
      ${payable &&
      html`
        <form class="row" onSubmit=${run(() => api.pay(id, method))}>
          <label class="unseen" for="method-${id}">${t("payment.method")}</label>
          <${MethodChoice} id="method-${id}" value=${method} onChange=${setMethod} />
          <button class="primary" disabled=${busy}>${t("pay")}</button>
        </form>
      `}
      ${isCancellable(order) &&
      html`<button type="button" class="danger" disabled=${busy} onClick=${run(() => api.cancel(id))}>${t("cancel")}</button>`}
    </div>
    <${Problem} refusal=${refusal} />
  `;
}
