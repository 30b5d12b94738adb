// The console's texts in the chosen language. What orders say of themselves comes from the API in the same language.
import en from "./lang/en.js";
import ru from "./lang/ru.js";
import zh from "./lang/zh.js";

const TEXTS = { zh, en, ru };
const KEPT_AS = "omniflow.language";

/** The languages, by their own names. */
export const LANGUAGES = { zh: "中文", en: "English", ru: "Русский" };

let chosen = firstOf(localStorage.getItem(KEPT_AS), ...navigator.languages) ?? "en";
document.documentElement.lang = chosen;

function firstOf(...tags) {
  return tags.map((tag) => tag?.slice(0, 2)).find((tag) => tag in TEXTS);
}

/** The chosen language's tag. */
export const language = () => chosen;

/** Chooses a language and keeps the choice. */
export function choose(tag) {
  chosen = tag;
  localStorage.setItem(KEPT_AS, tag);
  document.documentElement.lang = tag;
}

/** A text by its key; `{name}` in it is replaced by `values.name`. */
export function t(key, values = {}) {
  const text = TEXTS[chosen][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** A text that only some keys have. */
export const hint = (key) => TEXTS[chosen][key] ?? "";

/** The most decimal places that a currency has (ISO 4217). */
const MOST_PLACES = 3;

/**
 * An amount of money in a currency, by its code. Browsers leave out the decimal places of some currencies in which small
 * amounts are rare, and would round: whatever the amount has is shown.
 */
export function money(amount, currency) {
  const style = { style: "currency", currency };
  const { maximumFractionDigits: usual } = new Intl.NumberFormat(chosen, style).resolvedOptions();
  const least = Number.isInteger(amount) ? usual : Math.max(usual, 2);
  const places = { minimumFractionDigits: least, maximumFractionDigits: MOST_PLACES };
  return new Intl.NumberFormat(chosen, { ...style, ...places }).format(amount);
}

/** A whole number. */
export const whole = (number) => new Intl.NumberFormat(chosen).format(number);

/** A moment as the time of its day, with the day when that is another than today. */
export function moment(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const time = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return new Intl.DateTimeFormat(chosen, today ? time : { dateStyle: "short", timeStyle: "medium" }).format(date);
}

/** A length of time in its two largest units. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  const first = Math.max(0, units.findIndex(([, length]) => seconds >= length));
  const largest = seconds === 0 ? [units[3]] : units.slice(first, first + 2);
  return largest
    .map(([unit, length], place) => {
      const above = place === 0 ? Infinity : largest[place - 1][1];
      return t(`unit.${unit}`, { n: Math.floor((above === Infinity ? seconds : seconds % above) / length) });
    })
    .join(" ");
}
