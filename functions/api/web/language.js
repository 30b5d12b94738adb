// The console's texts in the chosen language. What orders say of themselves comes from the API in the same language.
// Only the texts of that language are loaded.
const KEPT_AS = "omniflow.language";

/** The languages, by their own names. */
export const LANGUAGES = { zh: "中文", en: "English", ru: "Русский" };

let chosen = firstOf(localStorage.getItem(KEPT_AS), ...navigator.languages) ?? "en";
let texts = {};

function firstOf(...tags) {
  return tags.map((tag) => tag?.slice(0, 2)).find((tag) => tag in LANGUAGES);
}

/** The chosen language's tag. */
export const language = () => chosen;

/** Loads the texts of the chosen language. */
export const loadTexts = () => choose(chosen);

/** Chooses a language, once its texts are there, and keeps the choice. */
export async function choose(tag) {
  texts = (await import(`./lang/${tag}.js`)).default;
  chosen = tag;
  document.documentElement.lang = tag;
}

/** Keeps a choice for the next visit. */
export const keepChoice = () => localStorage.setItem(KEPT_AS, chosen);

/** A text by its key; `{name}` in it is replaced by `values.name`. */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** A text that only some keys have. */
export const hint = (key) => texts[key] ?? "";

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

/** A moment as the time of its day, to the millisecond. */
export const precise = (at) =>
  new Intl.DateTimeFormat(chosen, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" }).format(new Date(at));

/** A moment as hours and minutes. */
export const hour = (at) => new Intl.DateTimeFormat(chosen, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));

/** A length of time that may be a part of a second. */
export const took = (milliseconds) =>
  milliseconds < 10_000
    ? t("unit.s", { n: new Intl.NumberFormat(chosen, { maximumFractionDigits: milliseconds < 10 ? 3 : milliseconds < 1000 ? 2 : 1 }).format(milliseconds / 1000) })
    : duration(milliseconds);

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
