// A file of comma-separated values (RFC 4180) in parts that the API takes, which is 500 rows at once.

/** How many rows and how many characters go into a part; 256 KiB are the most that the API takes, and a character has 4 bytes at most. */
const [MOST_ROWS, MOST_CHARACTERS] = [500, 60_000];

/** The rows of a text, each with its line break and the number of the line that it begins on. Line breaks in quotes are parts of their row. */
function rowsOf(text) {
  const rows = [];
  let [begin, line, first, quoted] = [0, 1, 1, false];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    const isBreak = text[at] === "\n" || (text[at] === "\r" && text[at + 1] !== "\n");
    if (!isBreak) continue;
    line++;
    if (quoted) continue;
    rows.push({ text: text.slice(begin, at + 1), line: first });
    [begin, first] = [at + 1, line];
  }
  if (begin < text.length) rows.push({ text: text.slice(begin), line: first });
  return rows;
}

const linesIn = (text) => text.split(/\r\n|\r|\n/).length - 1;

/** The parts: the `text` of each, which begins with the names of the columns, and `lineOf`, which tells the line of the whole file that a line of the part is. */
export function partsOf(file) {
  const [names, ...rows] = rowsOf(file.replace(/^\ufeff/, ""));
  if (!names) return [];
  const head = /[\r\n]$/.test(names.text) ? names.text : `${names.text}\n`;
  const parts = [];
  for (const row of rows) {
    const part = parts.at(-1);
    const fits = part && part.rows.length < MOST_ROWS && part.text.length + row.text.length <= MOST_CHARACTERS;
    if (fits) {
      part.rows.push({ ...row, here: 1 + linesIn(part.text) });
      part.text += row.text;
    } else parts.push({ text: head + row.text, rows: [{ ...row, here: 1 + linesIn(head) }] });
  }
  if (rows.length === 0) parts.push({ text: head, rows: [] });
  return parts.map(({ text, rows }) => ({ text, rows: rows.length, lineOf: (line) => rows.find(({ here }) => here === line)?.line ?? line }));
}
