// The basket with the checkout: what is in it, to whom it goes, how it is paid, and the button that orders.
import { html, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { money, t, whole } from "../language.js";
import { MethodChoice } from "../order-actions.js";
import { Amount, Problem, useAction } from "../parts.js";
import { AddressFields, NO_ADDRESS, addressOf, fieldOf, missingIn } from "./address.js";
import { isUnsure, totalOf, wantedOf } from "./basket.js";

const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

/** What mail programs take for an address at the least; the API looks closer. */
const isEmail = (text) => /^[^\s@]+@[^\s@]+$/.test(text);

/** Leads to a field, which may be folded away, or on another page of the products. */
function show(field) {
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}

/** `lines` are those of the basket; `quantityField(id)` is the id of the field that a line's quantity was typed into. */
export function Checkout({ basket, lines, currency, reviewAbove, quantityField, created, refused }) {
  const [customer, setCustomer] = useState("customer-001");
  const [email, setEmail] = useState("");
  const [address, setAddress] = useState(NO_ADDRESS);
  const [method, setMethod] = useState("");
  const [asked, setAsked] = useState(false);
  // The same key until there is an answer: who submits again after a lost one orders once.
  const [key, setKey] = useState(newKey());
  const { busy, refusal, run } = useAction(async () => {});
  const wanted = isUnsure(lines) ? [] : wantedOf(lines);
  const wrong = lines.find(({ wrong, withdrawn }) => wrong && !withdrawn);
  const total = totalOf(lines);
  const wrongEmail = email.trim() !== "" && !isEmail(email.trim());
  const missing = missingIn(address);
  const create = async () => {
    const sent = basket.taken;
    // The prices that were seen go with it: a customer pays no other one.
    const items = wanted.map(({ product, value }) => ({ product_id: product.product_id, quantity: value, price: product.price }));
    try {
      const order = await api.create({ customer_id: customer || null, email: email.trim() || null, address: addressOf(address), items, payment: method.trim() ? { method: method.trim() } : null }, key);
      basket.ordered(sent);
      setKey(newKey());
      setAsked(false);
      created(order.order_id);
    } catch (error) {
      if (error.status >= 400 && error.status < 500) setKey(newKey());
      // A price or a product may be another one by now: the basket says so once it is known.
      if (error.status === 422) refused();
      throw error;
    }
  };
  const submit = (event) => {
    event.preventDefault();
    setAsked(true);
    const field = wrong ? quantityField(wrong.id) : wrongEmail ? "email" : missing ? fieldOf(missing) : null;
    if (field) show(document.getElementById(field));
    else if (wanted.length > 0) run(create)();
  };
  return html`
    <form class="card basket" aria-labelledby="basket" onSubmit=${submit} noValidate>
      <h2 id="basket" tabindex="-1">${t("basket")}</h2>
      ${lines.length === 0 ? html`<p class="quiet">${t("basket.none")}</p>` : html`<ul class="plain lines">${lines.map((line) => html`<${Line} key=${line.id} line=${line} basket=${basket} currency=${currency} />`)}</ul>`}
      <div class="fields">
        <div>
          <label for="customer">${t("customer")}</label>
          <input id="customer" value=${customer} maxlength="200" autocomplete="off" onInput=${(event) => setCustomer(event.target.value)} />
        </div>
        <div>
          <label for="email">${t("email")} <span class="quiet">${t("optional")}</span></label>
          <input id="email" type="email" value=${email} maxlength="200" autocomplete="email" aria-invalid=${asked && wrongEmail} aria-describedby=${asked && wrongEmail ? "email-wrong" : null} onInput=${(event) => setEmail(event.target.value)} />
          ${asked && wrongEmail && html`<p id="email-wrong" class="problem" role="alert">${t("email.wrong")}</p>`}
        </div>
        <div>
          <label for="method">${t("payment")}</label>
          <${MethodChoice} id="method" value=${method} onChange=${setMethod}>
            <option value="">${t("payment.later")}</option>
          <//>
        </div>
      </div>
      <${AddressFields} typed=${address} change=${setAddress} missing=${asked ? missing : null} />
      <div class="row spread">
        <output for="customer">${t("total")}: <strong><${Amount} of=${currency ? total : null} currency=${currency} /></strong>${" "}
          ${total > reviewAbove && html`<span class="quiet">${t("shop.large", { amount: money(reviewAbove, currency) })}</span>`}
        </output>
        <button class="primary" aria-disabled=${busy || wanted.length === 0 || Boolean(wrong)}>${t("shop.order")}</button>
      </div>
      <${Problem} refusal=${refusal} />
    </form>
  `;
}

function Line({ line: { id, name, product, value, wrong, withdrawn, before }, basket, currency }) {
  const amount = product && !withdrawn && !wrong ? (value * Math.round(product.price * 1000)) / 1000 : null;
  return html`
    <li data-line=${id} class=${withdrawn && "withdrawn"}>
      <div class="row spread">
        <span class="name">${wrong ? "?" : whole(value)} × ${name}</span>
        <span>${amount !== null && html`<${Amount} of=${amount} currency=${currency} />`} <button type="button" class="copy" aria-label=${t("basket.remove", { name })} title=${t("basket.remove", { name })} onClick=${() => basket.remove(id)}>✕</button></span>
      </div>
      ${withdrawn && html`<p class="scarce" role="status">⚠ ${t("basket.withdrawn")}</p>`}
      ${before !== null &&
      html`<p class="scarce" role="status">⚠ ${t("basket.price", { before: money(before, currency), now: money(product.price, currency) })} <button type="button" class="small" onClick=${() => basket.put({ ...product, product_id: id, name }, basket.taken[id].text)}>${t("basket.price.seen")}</button></p>`}
    </li>
  `;
}
