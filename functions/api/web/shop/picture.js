// What a product looks like where nobody has taken a picture of it: its initials on a colour of its own. It is drawn, so
// that no file is loaded.
import { html } from "../vendor/preact.js";

/** A number that is the same for the same text: FNV-1a with 32 bits (draft-eastlake-fnv). */
function numberOf(text) {
  let hash = 0x811c9dc5;
  for (const unit of text) hash = Math.imul(hash ^ unit.codePointAt(0), 0x01000193) >>> 0;
  return hash;
}

/** The first letters of the first two words; a word that begins with a digit says less than the others. */
function initialsOf(name) {
  const words = name.trim().split(/\s+/u).filter((word) => /^\p{L}/u.test(word));
  const letters = words.slice(0, 2).map((word) => [...word][0].toUpperCase());
  return letters.join("") || [...name.trim()][0] || "?";
}

export function Picture({ id, name }) {
  const number = numberOf(id);
  const hue = number % 360;
  // The letters are white: a darker ground is read by everybody in both themes.
  return html`
    <svg class="picture" viewBox="0 0 160 100" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">
      <rect width="160" height="100" fill="hsl(${hue} 45% 30%)" />
      <circle cx=${20 + ((number >>> 9) % 120)} cy=${(number >>> 16) % 100} r="46" fill="hsl(${(hue + 35) % 360} 45% 26%)" />
      <text x="80" y="64" text-anchor="middle" font-size="40" font-weight="700" fill="#fff">${initialsOf(name)}</text>
    </svg>
  `;
}
