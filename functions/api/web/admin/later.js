// Pages that are loaded when somebody first turns to one of them.
import { html, useEffect, useState } from "../vendor/preact.js";
import { t } from "../language.js";

/** The pages once they are loaded, so that going from one to another shows it at once. */
let loaded = null;

function Later({ name, ...of }) {
  const [pages, setPages] = useState(loaded);
  const [failed, setFailed] = useState(false);
  const load = () => {
    setFailed(false);
    const come = ({ modules }) => setPages((loaded = modules["admin/pages.js"]));
    import("./pages.js").then(come, () => setFailed(true));
  };
  useEffect(() => {
    if (!pages) load();
  }, []);
  if (pages) return html`<${pages[name]} ...${of} />`;
  if (!failed) return html`<p class="quiet" role="status">${t("loading")}</p>`;
  return html`
    <p class="problem" role="alert">${t("page.unloaded")}</p>
    <p><button type="button" onClick=${load}>${t("again")}</button> <button type="button" onClick=${() => location.reload()}>${t("reload")}</button></p>
  `;
}

/** The page of this name, which `admin/pages.js` exports. */
export const later = (name) => (of) => html`<${Later} name=${name} ...${of} />`;
