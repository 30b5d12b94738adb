// The command palette: Ctrl-K, or ⌘K, and a few letters lead to an order, a customer, a product or a page.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { api } from "./api.js";
import { t } from "./language.js";
import { Status, statusOf } from "./parts.js";
import { address, go } from "./route.js";

/** How long nothing is typed before it is searched for, in milliseconds: each search is a call that is paid for. */
const PAUSE = 250;
/** How many orders are found at most. */
const MOST = 8;

/** Opens the palette when its keys are pressed; `open` and `close` do so as well. */
export function usePalette() {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const pressed = (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      // Where another question waits for its answer, that comes first.
      if (!document.querySelector("dialog[open]")) setShown(true);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  return { shown, open: () => setShown(true), close: () => setShown(false) };
}

/** The palette. `pages` are those that somebody sees; `admits`, whether the list of orders is among them. */
export function Palette({ pages, admits, close }) {
  const dialog = useRef();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { entries, searching, refused } = useFound(text.trim(), pages, admits);
  useEffect(() => dialog.current.showModal(), []);
  useEffect(() => setAt(0), [text]);
  useEffect(() => dialog.current.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at]);
  const choose = (entry) => {
    dialog.current.close();
    if (entry) go(entry.to);
  };
  const pressed = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && entries.length > 0) setAt((at + step + entries.length) % entries.length);
    else if (event.key === "Enter") choose(entries[at]);
    else return;
    event.preventDefault();
  };
  return html`
    <dialog ref=${dialog} class="palette" aria-label=${t("palette")} onClose=${close} onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
      <input
        type="text" role="combobox" aria-label=${t("palette.what")} placeholder=${t("palette.what")} aria-expanded="true" aria-controls="found" aria-autocomplete="list"
        aria-activedescendant=${entries[at] ? `found-${at}` : null} autocomplete="off" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)} onKeyDown=${pressed}
      />
      <ul id="found" role="listbox" aria-label=${t("palette.found")}>
        ${entries.map(
          (entry, index) => html`
            <li key=${entry.to + entry.kind} id=${`found-${index}`} role="option" aria-selected=${index === at} data-kind=${entry.kind} onClick=${() => choose(entry)} onPointerMove=${() => index !== at && setAt(index)}>
              <span class="quiet">${t(`palette.${entry.kind}`)}</span> <span class="text">${entry.label}</span> ${entry.order && html`<${Status} state=${entry.order.state}>${statusOf(entry.order)}<//>`}
            </li>
          `,
        )}
      </ul>
      <p class="quiet" role="status">${searching ? t("loading") : refused ? t("waiting") : entries.length === 0 ? t("palette.none") : t("palette.keys")}</p>
    </dialog>
  `;
}

/** What a text leads to. Orders, their customers and products come from the API. */
function useFound(text, pages, admits) {
  const [found, setFound] = useState({ text: "", orders: [], products: [], refused: false });
  const wanted = text.length > 1 ? text : "";
  useEffect(() => {
    if (!wanted) return undefined;
    let gone = false;
    const tell = (orders, products) => !gone && setFound({ text: wanted, orders: orders?.orders ?? [], products: products?.products ?? [], refused: !orders || !products });
    const answer = (call) => call.catch(() => null);
    const look = () => Promise.all([answer(api.orders({ search: wanted, limit: MOST })), answer(api.products({ search: wanted, limit: MOST }))]);
    const timer = setTimeout(() => look().then(([orders, products]) => tell(orders, products)), PAUSE);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [wanted]);
  const has = (label) => label.toLowerCase().includes(text.toLowerCase());
  const isKnown = found.text === wanted && Boolean(wanted);
  const [orders, products] = isKnown ? [found.orders, found.products] : [[], []];
  // Customers only see what they can order: a product leads them into the shop.
  const placeOf = ({ product_id: id, name }) => (admits ? address("catalogue", { search: id, open: id }) : address("shop", { search: name }));
  const customers = [...new Set(orders.map((order) => order.customer_id).filter((id) => id && has(id)))];
  const entries = [
    ...orders.map((order) => ({ kind: "order", label: [order.number && `#${order.number}`, order.order_id, order.customer_id].filter(Boolean).join(" · "), to: address(`orders/${order.order_id}`), order })),
    ...(admits ? customers : []).map((id) => ({ kind: "customer", label: id, to: address(`customers/${encodeURIComponent(id)}`) })),
    ...products.map((product) => ({ kind: "product", label: product.name, to: placeOf(product) })),
    ...pages.filter((name) => has(t(`page.${name}`))).map((name) => ({ kind: "page", label: t(`page.${name}`), to: address(name) })),
  ];
  return { entries, searching: Boolean(wanted) && found.text !== wanted, refused: found.refused && isKnown };
}
