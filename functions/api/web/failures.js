// What went wrong, in people's words. Errors have names, which the state machines know as well.
import { hint } from "./language.js";

/** A name such as `ShipmentFailed`, and what follows it in a text such as `ShipmentFailed: …`. */
const NAMED = /^([A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z.]+)?)(?::\s*|$)([^]*)/;

/** What an error of this name is called, if it is known. */
export const errorWords = (name) => hint(`error.${name}`);

/** A failure as the system writes it: in people's `words`, and the `detail` for those who look deeper, if that says more. */
export function failureOf(text) {
  const [, name, rest] = NAMED.exec(text ?? "") ?? [];
  const words = name && errorWords(name);
  return words ? { words, detail: text === name ? null : readable(text, name, rest) } : { words: readable(text, "", text), detail: null };
}

/** Lambda writes a failure as a document, with the message in it. */
function readable(text, name, rest) {
  const message = messageIn(rest.trim()) ?? messageIn(rest.trim().replace(/^\(([^]*)\)$/, "$1"));
  return message ? (name ? `${name}: ${message}` : message) : text;
}

export function messageIn(text) {
  try {
    return JSON.parse(text).errorMessage ?? null;
  } catch {
    return null;
  }
}
