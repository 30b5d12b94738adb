// Views of the list that somebody wants to come back to: what is chosen there, under a name. This browser keeps them.
import { html, useState } from "../vendor/preact.js";
import { t } from "../language.js";
import { address } from "../route.js";

const KEPT_AS = "omniflow.views";

/** The views as they are kept; what is no list of them counts as none. */
function kept() {
  try {
    const views = JSON.parse(localStorage.getItem(KEPT_AS));
    return Array.isArray(views) ? views.filter((view) => typeof view?.name === "string" && typeof view.to === "string" && view.to.startsWith("#/")) : [];
  } catch {
    return [];
  }
}

export function Views({ query }) {
  const [views, setViews] = useState(kept());
  const [name, setName] = useState("");
  const keep = (views) => {
    localStorage.setItem(KEPT_AS, JSON.stringify(views));
    setViews(views);
  };
  const here = address("operations", query);
  const save = (event) => {
    event.preventDefault();
    // A view of the same name is replaced, also one that another tab has kept meanwhile.
    keep([...kept().filter((view) => view.name !== name.trim()), { name: name.trim(), to: here }]);
    setName("");
  };
  const chosen = Object.values(query).some(Boolean);
  return html`
    <div class="row views">
      ${views.map((view) => html`<span key=${view.name}><a href=${view.to} aria-current=${view.to === here ? "true" : null}>${view.name}</a><button type="button" class="copy" aria-label=${t("views.forget", { name: view.name })} title=${t("views.forget", { name: view.name })} onClick=${() => keep(kept().filter((other) => other.name !== view.name))}>✕</button></span>`)}
      ${chosen &&
      html`
        <form class="row" onSubmit=${save}>
          <label class="unseen" for="view-name">${t("views.name")}</label>
          <input id="view-name" required maxlength="60" pattern=".*\\S.*" placeholder=${t("views.name")} value=${name} onInput=${(event) => setName(event.target.value)} />
          <button class="small">${t("views.save")}</button>
        </form>
      `}
    </div>
  `;
}
