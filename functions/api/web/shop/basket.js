// The basket: what somebody wants, as they typed it, with what each product was called and cost when they took it. This
// browser keeps it, so that it outlives a reload; all tabs of the shop have the same.
import { useEffect, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { useLive } from "../live.js";
import { quantityIn } from "./quantity.js";

const KEPT_AS = "omniflow.basket";

const isLine = (line) => typeof line?.text === "string" && typeof line.name === "string" && typeof line.price === "number";

/** The basket as it is kept; what is none counts as empty. */
function kept() {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(KEPT_AS)) ?? {}).filter(([, line]) => isLine(line)));
  } catch {
    return {};
  }
}

/** What was taken, by the product's id, and what can be done with it. */
export function useBasket() {
  const [taken, setTaken] = useState(kept);
  useEffect(() => localStorage.setItem(KEPT_AS, JSON.stringify(taken)), [taken]);
  useEffect(() => {
    const elsewhere = ({ key }) => key === KEPT_AS && setTaken(kept());
    addEventListener("storage", elsewhere);
    return () => removeEventListener("storage", elsewhere);
  }, []);
  const without = (taken, gone) => Object.fromEntries(Object.entries(taken).filter(([id, line]) => !gone(id, line)));
  return {
    taken,
    put: ({ product_id: id, name, price }, text) => setTaken((taken) => ({ ...taken, [id]: { text, name, price } })),
    remove: (id) => setTaken((taken) => without(taken, (other) => other === id)),
    /** Takes out what was ordered; what was typed since is for the next order. */
    ordered: (sent) => setTaken((now) => without(now, (id, line) => sent[id]?.text === line.text)),
  };
}

/** What the catalogue says of a product; null when there is no such one any more. */
const lookUp = (id) =>
  api.product(id).catch((refusal) => {
    if (refusal.status === 404) return null;
    throw refusal;
  });

/** What the catalogue says of products that the pages of the stock don't have, by id. */
export function useOthers(ids) {
  const load = async () => Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await lookUp(id)])));
  const live = useLive(load, { every: 15_000, most: 60_000, settled: () => ids.length === 0, key: ids.join("\n") });
  return live.data ?? {};
}

/** Whether a product can be ordered. */
export const isSold = (product) => product.active !== false && typeof product.price === "number";

/**
 * The lines of the basket. `product` is what the catalogue says now, undefined as long as that isn't known; `value` how
 * many are wanted, or `wrong` why that can't be told; `withdrawn`, whether it is sold no more; and `before`, what one
 * cost when it was taken, where that was another price.
 */
export function linesOf(taken, known) {
  return Object.entries(taken).map(([id, { text, name, price }]) => {
    const product = known(id);
    const withdrawn = product === null || (product !== undefined && !isSold(product));
    const sold = product && !withdrawn;
    return { id, name: product?.name ?? name, product, withdrawn, before: sold && product.price !== price ? price : null, ...quantityIn(text) };
  });
}

/** Whether it isn't known yet of a product in the basket what it costs, and whether it is still sold. */
export const isUnsure = (lines) => lines.some(({ value, product }) => value > 0 && product === undefined);

/** What is to be ordered. */
export const wantedOf = (lines) => lines.filter(({ value, withdrawn, product }) => value > 0 && !withdrawn && product);

/** The sum of what is to be ordered; null while it can't be told. It is added up in thousandths, which no currency has smaller units than: floats would not add up. */
export function totalOf(lines) {
  if (isUnsure(lines) || lines.some(({ wrong, withdrawn }) => wrong && !withdrawn)) return null;
  return wantedOf(lines).reduce((sum, { value, product }) => sum + value * Math.round(product.price * 1000), 0) / 1000;
}
