// The workflow of an order: its executions, each drawn, with what its states took and gave, and its history.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { api } from "../api.js";
import { t, took } from "../language.js";
import { useLive } from "../live.js";
import { Copy, DataProblem, Failure, Loading, Time, isSettled } from "../parts.js";
import { Gantt } from "./gantt.js";
import { Drawing, quietStates } from "./graph.js";
import { inOrder, partName } from "./part.js";
import { progressOf } from "./progress.js";
import { StateDetails } from "./state.js";
import { History } from "./history.js";

export function Workflow({ order }) {
  const id = order.order_id;
  const [chosen, setChosen] = useState({ part: "order", name: null });
  // The executions of returns that are shown because somebody asked for them: the API tells of a few by itself.
  const [wanted, setWanted] = useState([]);
  const { part } = chosen;
  const settled = (workflow) => isSettled(order) && workflow.executions.every((execution) => execution.status !== "RUNNING");
  const live = useLive(() => whole(id, wanted), { every: 1500, most: 60_000, settled, key: id });
  // What the order and its returns have come to shows in its workflow, too.
  const standing = [order.state, ...(order.returns ?? []).map((it) => it.state), ...wanted].join();
  useEffect(() => {
    live.reload();
  }, [standing]);
  const further = live.data?.further ?? [];
  const want = (part) => {
    setWanted([...wanted, part]);
    setChosen({ part, name: null });
  };
  const executions = live.data?.executions ?? [];
  const shown = executions.find((execution) => execution.part === part) ?? executions[0];
  return html`
    <section class="card" aria-labelledby="workflow">
      <h2 id="workflow">${t("workflow")}</h2>
      ${!live.data && html`<${Loading} live=${live} />`}
      ${live.data && !shown && html`<p class="quiet">${t("workflow.none")}</p>`}
      ${executions.length + further.length > 1 &&
      html`
        <div class="row" role="group" aria-label=${t("workflow")}>
          ${executions.map((execution) => html`<button key=${execution.part} type="button" aria-pressed=${execution === shown} onClick=${() => setChosen({ part: execution.part, name: null })}>${partName(execution.part)}</button>`)}
          ${further.map((part) => html`<button key=${part} type="button" onClick=${() => want(part)}>${partName(part)} …</button>`)}
        </div>
      `}
      ${shown && html`<${Execution} key=${shown.part} execution=${shown} executions=${executions} order=${order} chosen=${chosen} setChosen=${setChosen} />`}
      ${live.data && html`<${DataProblem} refusal=${live.refusal} />`}
    </section>
  `;
}

/** The workflow with its whole history, page by page, and with those of its further executions that are wanted. */
async function whole(id, wanted) {
  const workflow = await api.workflow(id);
  const { further = [] } = workflow;
  const others = await Promise.all(further.filter((part) => wanted.includes(part)).map((execution) => api.workflow(id, { execution })));
  const firsts = inOrder([workflow, ...others].flatMap(({ executions }) => executions));
  const executions = await Promise.all(firsts.map((execution) => wholeExecution(id, execution)));
  return { ...workflow, executions, further: further.filter((part) => !wanted.includes(part)) };
}

/** An execution with all pages of its history. What was answered stays as it is: it counts again when the server says that nothing has changed. */
async function wholeExecution(id, first) {
  let [events, next] = [first.events, first.next];
  while (next) {
    const page = (await api.workflow(id, { execution: first.part, next })).executions[0];
    events = [...events, ...(page?.events ?? [])];
    next = page?.next;
  }
  return { ...first, events, next: null };
}

function Execution({ execution, executions, order, chosen, setChosen }) {
  const [all, setAll] = useState(false);
  const progress = progressOf(execution);
  const quiet = quietStates(execution.definition, progress);
  const { drawing, centre } = useFollowed([...progress.states.keys()].at(-1));
  const details = useRef();
  const { name } = chosen;
  const choose = (part, name) => {
    setChosen({ part, name });
    // Where the details stand below the drawing, they are brought onto the screen.
    requestAnimationFrame(() => details.current?.scrollIntoView({ block: "nearest" }));
  };
  // A Wait ends at the deadline that its input names; the payment is awaited as long as the customer may pay.
  const deadline = (node, state) => {
    if (state?.waits === "moment") return state.visits.at(-1).input?.deadline;
    return state?.waits === "answer" && order.state === "AWAITING_PAYMENT" ? order.payment.deadline : null;
  };
  return html`
    <dl class="facts">
      <dt>${t("status")}</dt><dd><span class="execution ${ending(execution, order).toLowerCase()}" data-execution=${execution.part}>${t(`execution.${ending(execution, order)}`)}</span></dd>
      <dt>${t("started")}</dt><dd><${Time} at=${execution.started_at} /></dd>
      <dt>${t("stopped")}</dt><dd><${Time} at=${execution.stopped_at} />${execution.stopped_at && ` · ${took(Date.parse(execution.stopped_at) - Date.parse(execution.started_at))}`}</dd>
      ${execution.error && html`<dt>${t("error")}</dt><dd class="failure"><${Failure} of=${`${execution.error}: ${execution.cause ?? ""}`} /></dd>`}
      ${execution.execution_arn && html`<dt>ARN</dt><dd class="mono">${execution.execution_arn} <${Copy} text=${execution.execution_arn} />${execution.aws_console && html` <a href=${execution.aws_console} rel="noreferrer">${t("execution.aws")}</a>`}</dd>`}
    </dl>
    <div class="row">
      <button type="button" class="small" onClick=${centre}>${t("graph.current")}</button>
      ${quiet.size > 0 && html`<button type="button" class="small" aria-pressed=${all} onClick=${() => setAll(!all)}>${t("graph.aside")}</button>`}
    </div>
    <div class="workflow">
      <div ref=${drawing} class="scroll drawing" role="group" aria-label=${t("graph")} tabindex="0">
        <${Drawing} execution=${execution} progress=${progress} hidden=${all ? NONE : quiet} deadline=${deadline} chosen=${name} choose=${(name) => choose(execution.part, name)} />
      </div>
      <div class="beside">
        <${Gantt} executions=${executions} chosen=${chosen} choose=${choose} />
        <div ref=${details} class="what ${name ? "chosen" : ""}" role="group" aria-label=${t("state.details")} tabindex="0"><${StateDetails} execution=${execution} name=${name} state=${progress.states.get(name)} /></div>
      </div>
    </div>
    <${History} events=${execution.events} />
  `;
}

const NONE = new Set();

/** How an execution stands, as people understand it: that of an order which was undone succeeded in undoing it. */
function ending(execution, order) {
  const isUndone = execution.part === "order" && execution.status === "SUCCEEDED" && ["CANCELLED", "REJECTED"].includes(order.state);
  return isUndone ? "UNDONE" : execution.status;
}

/** Keeps the state that the execution came to last in the middle, where the drawing is wider than its place; `centre` brings it back there. */
function useFollowed(name) {
  const drawing = useRef();
  const centre = () => {
    const state = name && drawing.current.querySelector(`[data-state="${CSS.escape(name)}"]`);
    if (!state) return null;
    const [inner, outer] = [state.getBoundingClientRect(), drawing.current.getBoundingClientRect()];
    drawing.current.scrollLeft += (inner.left + inner.right) / 2 - (outer.left + outer.right) / 2;
    return state;
  };
  useEffect(() => {
    centre();
  }, [name]);
  return { drawing, centre: () => centre()?.scrollIntoView({ block: "center" }) };
}
