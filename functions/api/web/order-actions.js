// What a customer can do with an order: pay it, also at a payment provider, and cancel it.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { api } from "./api.js";
import { t } from "./language.js";
import { Amount, Copy, Items, Problem, isCancellable, useAction, useKeptFocus } from "./parts.js";

/** The methods of the simulated payment gateway. */
export const METHODS = [
  "pm_card",
  "pm_declined",
  "pm_timeout_twice",
  "pm_timeout_always",
  "pm_refund_fails_twice",
  "pm_refund_fails",
];

/** Some of the payment methods that Stripe has for tests (Stripe documentation, "Testing", "PaymentMethods"). They are only suggested: any other can be typed. */
const SUGGESTED = ["pm_card_visa", "pm_card_mastercard", "pm_card_visa_chargeDeclined", "pm_card_authenticationRequired"];

/** Whether the shop's payments are held and taken at Stripe. The page itself says so. */
export const isAtStripe = () => document.documentElement.dataset.paymentProvider === "stripe";

/**
 * How long the question is on the screen before it can be answered with yes, in milliseconds. Without this, the second
 * click of a double click on the button that asks could fall on the answer; double clicks take at most 500 ms.
 */
const READ_FIRST = 600;

/** A payment method's name; one of a payment provider is called by its id. */
export const methodName = (method) => (METHODS.includes(method) ? t(`method.${method}`) : method);

/** A choice of payment methods; children are further options before them. At Stripe there is no list of them: the id is typed, and nothing of a card. */
export const MethodChoice = ({ id, value, onChange, children }) => (isAtStripe() ? html`<${MethodAtStripe} id=${id} value=${value} onChange=${onChange} />` : html`
  <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
    ${children}
    ${METHODS.map((method) => html`<option key=${method} value=${method}>${t(`method.${method}`)}</option>`)}
  </select>
`);

const MethodAtStripe = ({ id, value, onChange }) => html`
  <input id=${id} class="mono" list="${id}-known" placeholder="pm_…" maxlength="255" autocomplete="off" spellcheck="false" value=${value} onInput=${(event) => onChange(event.target.value)} />
  <datalist id="${id}-known">${SUGGESTED.map((method) => html`<option key=${method} value=${method} />`)}</datalist>
`;

/** Buttons for what is possible now. `place` is the ref of the element that has the focus when a button goes away. */
export function OrderActions({ order, reload, place }) {
  const [method, setMethod] = useState(isAtStripe() ? "" : "pm_card");
  const [opened, setOpened] = useState(null);
  const [asked, setAsked] = useState(false);
  const { busy, refusal, run } = useAction(reload);
  const restoreFocus = useKeptFocus(place);
  const id = order.order_id;
  const close = () => {
    setAsked(false);
    restoreFocus();
  };
  const payable = order.state === "AWAITING_PAYMENT";
  const isElsewhere = isAtStripe() || Boolean(order.payment?.provider_id);
  const open = async () => setOpened(await api.openPayment(id));
  return html`
    <div class="actions">
      ${payable && (isAtStripe() || !isElsewhere) &&
      html`
        <form class="row" onSubmit=${method.trim() ? run(() => api.pay(id, method.trim())) : (event) => event.preventDefault()}>
          <label class=${isAtStripe() ? "" : "unseen"} for="method-${id}">${t("payment.method")}</label>
          <${MethodChoice} id="method-${id}" value=${method} onChange=${setMethod} />
          <button class="primary" aria-disabled=${busy || !method.trim()}>${t("pay")}</button>
        </form>
      `}
      ${payable && isElsewhere &&
      html`
        <button type="button" aria-disabled=${busy} onClick=${run(() => api.pay(id, null))}>${t("pay.ask")}</button>
        <button type="button" aria-disabled=${busy} onClick=${run(open)}>${t("payment.open")}</button>
      `}
      ${isCancellable(order) &&
      html`<button type="button" class="danger" aria-disabled=${busy} aria-haspopup="dialog" onClick=${() => !busy && setAsked(true)}>${t("cancel")}</button>`}
    </div>
    ${asked && html`<${CancelConfirmation} order=${order} cancel=${run(() => api.cancel(id))} close=${close} />`}
    <${Problem} refusal=${refusal} />
    ${payable && (refusal?.problem.client_secret ? html`<${ToConfirm} payment=${refusal.problem} />` : opened && html`<${ToConfirm} payment=${opened} />`)}
  `;
}

/** What the shop's own page needs to have its customer confirm the payment. */
const ToConfirm = ({ payment }) => html`
  <section class="to-confirm" aria-label=${t("payment.to-confirm")}>
    <p class="quiet">${t(payment.payment_id ? "payment.to-confirm" : "payment.nothing-to-confirm")}</p>
    <dl>
      ${["payment_id", "client_secret", "publishable_key"].filter((name) => payment[name]).map((name) => html`<dt key=${name}>${t(`payment.${name}`)}</dt><dd data-payment=${name}><span class="mono id">${payment[name]}</span> <${Copy} text=${payment[name]} /></dd>`)}
    </dl>
  </section>
`;

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
