// How many pieces somebody wants: a field that takes whole numbers and nothing that is read as another number than it
// seems to be.
import { html } from "../vendor/preact.js";
import { t, whole } from "../language.js";

/** The most of one product that an order may have; the API refuses more. */
const MOST_OF_ONE = 1_000_000;

/**
 * What a text says: `{ value }`, or `{ wrong }` with the key of the text that tells why it is no quantity. Only ASCII
 * digits count. Whatever else there is could mean another number than it seems to: "1,5", "1e2", full-width digits. A
 * field that nobody has typed in (`undefined`) wants none; one that was emptied doesn't say what is wanted.
 */
export function quantityIn(text) {
  if (text === undefined) return { value: 0 };
  const digits = text.trim();
  if (!/^[0-9]+$/.test(digits)) return { wrong: "quantity.not-whole" };
  const value = Number(digits);
  return value <= MOST_OF_ONE ? { value } : { wrong: "quantity.too-many" };
}

/** Why a text is no quantity, in words. */
export const wrongWords = (wrong) => t(wrong, { most: whole(MOST_OF_ONE) });

/** The field, with `text` in it exactly as it was typed. `problem` is the id of the text that tells what is wrong with it, if anything is. */
export function Quantity({ id, name, text, problem, change }) {
  const { value, wrong } = quantityIn(text);
  // What is no quantity stays as it was typed until somebody corrects it.
  const from = text === "" ? 0 : value;
  const stepped = (by) => from !== undefined && change(String(Math.min(MOST_OF_ONE, Math.max(0, from + by))));
  const keys = { ArrowUp: 1, ArrowDown: -1 };
  const pressed = (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    stepped(keys[event.key]);
  };
  // The buttons are for pointers: who uses the keyboard has the arrow keys and needs no further stops.
  const step = (by, sign, label) => html`<button type="button" tabindex="-1" aria-label=${`${t(label)}: ${name}`} onClick=${() => stepped(by)}>${sign}</button>`;
  return html`
    <div class="stepper">
      ${step(-1, "−", "quantity.less")}
      <input
        id=${id} type="text" role="spinbutton" inputmode="numeric" autocomplete="off" placeholder="0"
        value=${text ?? ""} aria-valuenow=${wrong ? null : value} aria-valuemin="0" aria-valuemax=${MOST_OF_ONE}
        aria-invalid=${Boolean(wrong)} aria-describedby=${problem}
        onInput=${(event) => change(event.target.value)} onKeyDown=${pressed}
      />
      ${step(1, "+", "quantity.more")}
    </div>
  `;
}
