// Files for spreadsheets: the catalogue, the stock and the orders as they are, and a catalogue or a count of the stock to
// be taken in.
import { html, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t, whole } from "../language.js";
import { announce } from "../live.js";
import { Problem, useAction } from "../parts.js";
import { save } from "../orders/csv.js";
import { partsOf } from "./file-parts.js";

const [TO_GET, TO_GIVE] = [["products", "stock", "orders"], ["products", "stock"]];
/** How many bad rows are named. */
const MOST_NAMED = 50;

export function Files({ changed }) {
  const [progress, setProgress] = useState(null);
  const { busy, refusal, run } = useAction(async () => {});
  return html`
    <details class="card" aria-label=${t("files")}>
      <summary>${t("files")}</summary>
      <div class="fields">
        <div role="group" aria-labelledby="files-out">
          <h2 id="files-out">${t("files.out")}</h2>
          <p class="row">${TO_GET.map((what) => html`<button key=${what} type="button" data-export=${what} aria-disabled=${busy} onClick=${run(() => exported(what, setProgress))}>${t(`files.${what}`)}</button>`)}</p>
        </div>
        <div role="group" aria-labelledby="files-in">
          <h2 id="files-in">${t("files.in")}</h2>
          ${TO_GIVE.map((what) => html`<${Import} key=${what} what=${what} busy=${busy} run=${run} tell=${setProgress} changed=${changed} />`)}
          <p class="quiet">${t("files.columns")}</p>
        </div>
      </div>
      <div role="status">${progress && html`<p>${progress}</p>`}</div>
      <${Problem} refusal=${refusal} />
    </details>
  `;
}

/** Has the browser save all pages of a file as one: the names of the columns stand on each. */
async function exported(what, tell) {
  let [file, page] = ["", ""];
  do {
    const { text, next } = await api.exported(what, page);
    file += file ? text.slice(text.indexOf("\n") + 1) : text;
    page = next;
    tell(t("files.reading", { n: whole(file.split("\n").length - 2) }));
  } while (page);
  save(file, what);
  tell(t("files.saved"));
}

function Import({ what, busy, run, tell, changed }) {
  const [result, setResult] = useState(null);
  const field = useRef();
  const take = async () => {
    const file = field.current.files[0];
    if (!file) return;
    setResult(null);
    const sum = { written: 0, unchanged: 0, failed: [] };
    try {
      let done = 0;
      for (const part of partsOf(await file.text())) {
        const { written, unchanged, failed } = await api.imported(what, part.text);
        sum.written += written;
        sum.unchanged += unchanged;
        sum.failed.push(...failed.map(({ line, reason }) => ({ line: part.lineOf(line), reason })));
        done += part.rows;
        tell(t("files.reading", { n: whole(done) }));
      }
    } finally {
      // What was taken in before an interruption is in; the same file again goes on.
      setResult(sum);
      tell(null);
      changed();
    }
    announce(t("files.done", sumOf(sum)));
    field.current.value = "";
  };
  return html`
    <form class="row" data-import=${what} onSubmit=${run(take)}>
      <label for="import-${what}">${t(`files.${what}`)}</label>
      <input ref=${field} id="import-${what}" type="file" required accept=".csv,text/csv" />
      <button aria-disabled=${busy}>${t("files.take")}</button>
    </form>
    ${result && html`<${Result} what=${what} result=${result} />`}
  `;
}

const sumOf = ({ written, unchanged, failed }) => ({ written: whole(written), unchanged: whole(unchanged), failed: whole(failed.length) });

const Result = ({ what, result }) => html`
  <div data-imported=${what}>
    <p>${t("files.done", sumOf(result))}</p>
    ${result.failed.length > 0 && html`<ul class="plain problem">${result.failed.slice(0, MOST_NAMED).map(({ line, reason }) => html`<li key=${line}>${t("files.line", { line: whole(line) })}: ${reason}</li>`)}</ul>`}
    ${result.failed.length > MOST_NAMED && html`<p class="quiet">${t("files.more", { n: whole(result.failed.length - MOST_NAMED) })}</p>`}
  </div>
`;
