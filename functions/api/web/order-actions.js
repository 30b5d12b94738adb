// What a customer can do with an order: pay it, and cancel it.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { api } from "./api.js";
import { t } from "./language.js";
import { Amount, Items, Problem, isCancellable, useAction, useKeptFocus } from "./parts.js";

/** The methods of the simulated payment gateway. */
export const METHODS = [
  "pm_card",
  "pm_declined",
  "pm_timeout_twice",
  "pm_timeout_always",
  "pm_refund_fails_twice",
  "pm_refund_fails",
];

/**
 * How long the question is on the screen before it can be answered with yes, in milliseconds. Without this, the second
 * click of a double click on the button that asks could fall on the answer; double clicks take at most 500 ms.
 */
const READ_FIRST = 600;

/** A payment method's name; one of a payment provider is called by its id. */
export const methodName = (method) => (METHODS.includes(method) ? t(`method.${method}`) : method);

/** A choice of payment methods; children are further options before them. */
export const MethodChoice = ({ id, value, onChange, children }) => html`
  <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
    ${children}
    ${METHODS.map((method) => html`<option key=${method} value=${method}>${t(`method.${method}`)}</option>`)}
  </select>
`;

/** Buttons for what is possible now. `place` is the ref of the element that has the focus when a button goes away. */
export function OrderActions({ order, reload, place }) {
  const [method, setMethod] = useState("pm_card");
  const [asked, setAsked] = useState(false);
  const { busy, refusal, run } = useAction(reload);
  const restoreFocus = useKeptFocus(place);
  const id = order.order_id;
  const close = () => {
    setAsked(false);
    restoreFocus();
  };
  const payable = order.state === "AWAITING_PAYMENT";
  return html`
    <div class="actions">
      ${payable && order.payment?.provider_id &&
      html`<button type="button" class="primary" aria-disabled=${busy} onClick=${run(() => api.pay(id, null))}>${t("pay.ask")}</button>`}
      ${payable && !order.payment?.provider_id &&
      html`
        <form class="row" onSubmit=${run(() => api.pay(id, method))}>
          <label class="unseen" for="method-${id}">${t("payment.method")}</label>
          <${MethodChoice} id="method-${id}" value=${method} onChange=${setMethod} />
          <button class="primary" aria-disabled=${busy}>${t("pay")}</button>
        </form>
      `}
      ${isCancellable(order) &&
      html`<button type="button" class="danger" aria-disabled=${busy} aria-haspopup="dialog" onClick=${() => !busy && setAsked(true)}>${t("cancel")}</button>`}
    </div>
    ${asked && html`<${CancelConfirmation} order=${order} cancel=${run(() => api.cancel(id))} close=${close} />`}
    <${Problem} refusal=${refusal} />
  `;
}

/** Asks before an order is cancelled, since that can't be undone. */
const CancelConfirmation = ({ order, cancel, close }) => html`
  <${Confirmation} id="cancel-${order.order_id}" title=${t("cancel.title")} yes=${t("cancel.yes")} no=${t("cancel.no")} confirmed=${cancel} closed=${close}>
    <p class="mono">${order.order_id}</p>
    <p><${Items} items=${order.items} /> · <${Amount} of=${order.amount} currency=${order.currency} /></p>
    <p>${t("cancel.what")}</p>
  <//>
`;

/**
 * A modal dialog with the question as its children. The harmless answer has the focus, and Escape gives it; the Tab key
 * stays inside. Calls `confirmed` after a yes, and `closed` after either answer, when the focus is back where it was.
 */
export function Confirmation({ id, title, yes, no, confirmed, closed, children }) {
  const dialog = useRef();
  const harmless = useRef();
  const [ready, setReady] = useState(false);
  useEffect(() => {
    dialog.current.showModal();
    harmless.current.focus();
    const timer = setTimeout(() => setReady(true), READ_FIRST);
    return () => clearTimeout(timer);
  }, []);
  const answered = () => {
    if (dialog.current.returnValue === "yes") confirmed();
    closed();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="${id}-title" aria-describedby="${id}-text" onClose=${answered} onKeyDown=${keepInside}>
      <h2 id="${id}-title">${title}</h2>
      <div id="${id}-text">${children}</div>
      <div class="actions">
        <button ref=${harmless} type="button" class="primary" onClick=${() => dialog.current.close("no")}>${no}</button>
        <button type="button" class="danger" disabled=${!ready} onClick=${() => dialog.current.close("yes")}>${yes}</button>
      </div>
    </dialog>
  `;
}

/** The Tab key goes round within the dialog; by itself it would leave for the browser's own controls. */
function keepInside(event) {
  if (event.key !== "Tab") return;
  const controls = [...event.currentTarget.querySelectorAll("button:enabled")];
  const [leaves, enters] = event.shiftKey ? [controls[0], controls.at(-1)] : [controls.at(-1), controls[0]];
  if (document.activeElement !== leaves) return;
  event.preventDefault();
  enters.focus();
}
