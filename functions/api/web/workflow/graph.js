// The state machine drawn, with the way that the execution took.
import { html, useMemo } from "../vendor/preact.js";
import { moment, t, took } from "../language.js";
import { asideOf, edgeKey, graphOf, without } from "./definition.js";
import { END, START, innerPlaces, placed } from "./layout.js";

const MARKS = { done: "✓", running: "●", failed: "✕", mixed: "◐", decided: "⊘", stopped: "■", detour: "↩" };

/** The states of a definition that are drawn only when they are asked for, or when an execution came to one of them. */
export function quietStates(definition, progress) {
  const aside = asideOf(graphOf(definition));
  return [...aside].some((name) => progress.states.has(name)) ? new Set() : aside;
}

/** The drawing, without the states in `hidden`; `choose(name)` is called for the state that is clicked or entered on the keyboard. */
export function Drawing({ execution, progress, hidden, deadline, chosen, choose }) {
  const graph = useMemo(() => placed(without(graphOf(execution.definition), hidden)), [execution.execution_arn, [...hidden].join()]);
  const draw = { progress, deadline, chosen, choose };
  return html`
    <svg class="graph" viewBox="0 0 ${graph.width} ${graph.height}" width=${graph.width} height=${graph.height} role="group" aria-label=${t("graph.states")}>
      <defs>
        ${["", "taken"].map(
          (kind) => html`
            <marker key=${kind} id="arrow${kind}" class="arrow ${kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
              <path d="M0 0 8 4 0 8z" />
            </marker>
          `,
        )}
      </defs>
      <${Level} graph=${graph} draw=${draw} />
    </svg>
  `;
}

const Level = ({ graph, draw }) => html`
  ${graph.edges.map((edge) => html`<${Edge} key=${edgeKey(edge.from, edge.to)} edge=${edge} progress=${draw.progress} />`)}
  ${graph.nodes.map((node) => (node.dot ? html`<circle key=${node.name} class="dot" cx=${node.x} cy=${node.y} r=${node.width / 2 - 2} />` : html`<${State} key=${node.name} node=${node} draw=${draw} />`))}
`;

function Edge({ edge, progress }) {
  const began = edge.from === START && progress.states.has(edge.to);
  const last = progress.states.get(edge.from);
  const ended = edge.to === END && ["done", "failed", "mixed"].includes(last?.result) && !last.visits.at(-1).next;
  const taken = began || ended || progress.taken.has(edgeKey(edge.from, edge.to));
  return html`<path class="edge ${edge.kind} ${taken ? "taken" : ""}" data-from=${edge.from} d=${curve(edge.points)} marker-end="url(#arrow${taken ? "taken" : ""})" />`;
}

/** A line through the points, rounded between them. */
function curve([first, ...rest]) {
  const middle = (a, b) => `${(a.x + b.x) / 2} ${(a.y + b.y) / 2}`;
  const bends = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1];
    const to = index === rest.length - 2 ? `${next.x} ${next.y}` : middle(point, next);
    return `Q${point.x} ${point.y} ${to}`;
  });
  return bends.length ? `M${first.x} ${first.y}${bends.join("")}` : `M${first.x} ${first.y}L${rest.at(-1).x} ${rest.at(-1).y}`;
}

/** What there is to say about a state, in a few words. */
export function note(state, deadline) {
  if (!state) return "";
  const parts = [];
  if (state.waits === "attempt") parts.push(t("state.retrying"));
  else if (state.waits && deadline) parts.push(t("state.until", { at: moment(deadline) }));
  else if (state.waits) parts.push(t("state.answer"));
  if (state.retries) parts.push(t("state.retried", { n: state.retries }));
  if (state.result === "mixed") parts.push(t("state.mixed", { done: state.counts.done, failed: state.counts.failed }));
  else if (state.visits.length > 1) parts.push(t("state.visits", { n: state.visits.length }));
  if (state.result === "decided") parts.push(t(`decided.${state.error}`));
  return parts.join(" · ") || [t(`state.${state.result}`), state.result === "done" && lasted(state.visits)].filter(Boolean).join(" · ");
}

/** How long the last visit took, once it is over. */
function lasted(visits) {
  const { entered, exited } = visits.at(-1);
  return entered && exited ? took(Date.parse(exited) - Date.parse(entered)) : "";
}

function State({ node, draw }) {
  const { progress, chosen, choose, deadline } = draw;
  const state = progress.states.get(node.name);
  const said = note(state, deadline?.(node, state));
  const pressed = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(node.name);
  };
  const [left, top] = [node.x - node.width / 2, node.y - node.height / 2];
  return html`
    <g
      class="state ${state?.result ?? "untouched"} ${node.inner.length ? "compound" : ""}"
      data-state=${node.name}
      data-result=${state?.result ?? "untouched"}
      role="button"
      tabindex="0"
      aria-pressed=${chosen === node.name}
      onClick=${() => choose(node.name)}
      onKeyDown=${pressed}
    >
      <rect x=${left} y=${top} width=${node.width} height=${node.height} rx="9" />
      <text class="name" x=${left + 12} y=${top + 19}>${state ? `${MARKS[state.result]} ` : ""}${node.name}</text>
      <svg x=${left + 12} y=${top + 24} width=${node.width - 16} height="18"><title>${said}</title><text class="note" y="12">${said || node.type}</text></svg>
    </g>
    ${innerPlaces(node).map((place, index) => html`<g key=${index} transform="translate(${place.x} ${place.y})"><${Level} graph=${place.graph} draw=${draw} /></g>`)}
  `;
}
