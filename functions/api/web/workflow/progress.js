// What an execution has done so far, read from its history: which states were visited, how each visit went, and which
// way was taken.
import { WAYS_ON, edgeKey, graphOf, leadsTo } from "./definition.js";

const TASK_FAILURES = ["TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed", "LambdaFunctionFailed", "LambdaFunctionTimedOut", "LambdaFunctionScheduleFailed", "LambdaFunctionStartFailed"];

/** Errors by which a state ends because somebody decided so, or nobody did in time: the order took another way. */
const DECISIONS = ["AuditRejected", "OrderCancelled", "PaymentTimeout", "ReturnRejected"];

/** The error that a visit ended with. */
export const errorOf = (visit) => visit.attempts.at(-1)?.error ?? visit.error;

/** The visits of all states, and the edges that were taken. */
export function progressOf(execution) {
  const progress = new Progress(execution);
  execution.events.forEach((event) => progress.read(event));
  return progress.finish();
}

class Progress {
  constructor(execution) {
    this.execution = execution;
    this.visits = [];
    this.taken = new Set();
    // Each event belongs to the visit of the event that led to it.
    this.visitOf = new Map();
    this.events = new Map();
  }

  read(event) {
    this.events.set(event.id, event);
    const visit = this.advance(event, this.visitOf.get(event.previous_id));
    if (visit) this.visitOf.set(event.id, visit);
  }

  advance(event, visit) {
    if (event.type.endsWith("StateEntered")) return this.enter(event);
    if (event.type.endsWith("StateExited")) return this.exit(event, visit);
    // An iteration that ends leads back to its Map.
    if (/^MapIteration(Succeeded|Failed|Aborted)$/.test(event.type)) visit = this.open(event.state) ?? visit;
    if (visit) note(visit, event);
    return visit;
  }

  enter(event) {
    const before = this.events.get(event.previous_id);
    if (before?.type.endsWith("StateExited")) this.follow(before, event.state);
    const visit = { id: event.id, state: event.state, type: event.type, entered: event.at, input: event.input, attempts: [], iterations: 0 };
    this.visits.push(visit);
    return visit;
  }

  follow(exit, next) {
    this.taken.add(edgeKey(exit.state, next));
    const left = this.visitOf.get(exit.id);
    if (left) left.next = next;
  }

  exit(event, visit) {
    const left = visit?.state === event.state ? visit : this.open(event.state);
    if (!left) return visit;
    left.exited = event.at;
    left.output = event.output;
    // What a Map leaves behind when it fails, it gives up.
    if (left.type === "MapStateEntered") this.visits.filter((inner) => inner.id > left.id && !inner.exited).forEach((inner) => (inner.stopped = true));
    return left;
  }

  /** The last visit of a state that has not ended. */
  open(state) {
    return this.visits.findLast((visit) => visit.state === state && !visit.exited);
  }

  finish() {
    const states = new Map();
    const { edges } = graphOf(this.execution.definition);
    for (const visit of this.visits) {
      const result = WAYS_ON.includes(errorOf(visit)) ? "done" : resultOf(visit, this.execution);
      // What is caught and leads back here is no failure, but a way round; nor is what somebody decided.
      const isRound = result === "failed" && leadsTo(edges, visit.next, visit.state);
      visit.result = isRound ? "detour" : result === "failed" && DECISIONS.includes(errorOf(visit)) ? "decided" : result;
      states.set(visit.state, [...(states.get(visit.state) ?? []), visit]);
    }
    return { states: new Map([...states].map(([name, visits]) => [name, { visits, ...sumOf(visits) }])), taken: this.taken };
  }
}

function note(visit, event) {
  const attempt = visit.attempts.at(-1);
  if (event.type === "TaskScheduled" || event.type === "LambdaFunctionScheduled") {
    visit.attempts.push({ at: event.at, input: event.input, resource: event.resource });
  } else if (TASK_FAILURES.includes(event.type)) {
    if (attempt) Object.assign(attempt, { ended: event.at, error: event.error ?? event.type, cause: event.cause });
  } else if (event.type === "TaskSucceeded" || event.type === "LambdaFunctionSucceeded") {
    if (attempt) Object.assign(attempt, { ended: event.at, output: event.output });
  } else if (event.type === "TaskSubmitted") {
    if (attempt) attempt.asked = event.at;
  } else if (event.type === "MapIterationStarted") {
    visit.iterations += 1;
  } else if (/^(Map|Parallel)StateFailed$/.test(event.type) || event.type === "EvaluationFailed" || event.type === "MapIterationFailed") {
    visit.failed = true;
    visit.error ??= event.error;
    visit.cause ??= event.cause;
  } else if (event.type === "ExecutionFailed") {
    visit.error ??= event.error;
    visit.cause ??= event.cause;
  }
}

function resultOf(visit, execution) {
  const failed = visit.failed || Boolean(visit.attempts.at(-1)?.error);
  if (visit.exited) return failed ? "failed" : "done";
  if (visit.stopped || execution.status === "ABORTED") return failed ? "failed" : "stopped";
  if (execution.status === "RUNNING") return "running";
  return execution.status === "SUCCEEDED" ? "done" : "failed";
}

/** How a state stands when its visits went so: the first of these that one of them is. */
const WORST_FIRST = ["running", "failed", "stopped", "decided", "done"];

/**
 * What a state looks like after all its visits: the iterations of a Map visit the same state, and a way round ends here
 * again. `counts` tells how many visits went which way; when some went well and some did not, the result is `mixed`.
 */
function sumOf(visits) {
  const counts = {};
  for (const { result } of visits) counts[result] = (counts[result] ?? 0) + 1;
  const worst = WORST_FIRST.find((result) => counts[result]) ?? "detour";
  const result = worst === "failed" && counts.done ? "mixed" : worst;
  const retries = visits.reduce((sum, visit) => sum + Math.max(0, visit.attempts.length - 1), 0);
  return { result, counts, retries, error: errorOf(visits.at(-1)), waits: waitOf(visits.find((visit) => visit.result === "running")) };
}

/** What a visit waits for: a `moment`, an `answer`, or another `attempt`. */
function waitOf(visit) {
  if (!visit) return null;
  const attempt = visit.attempts.at(-1);
  if (attempt?.error) return "attempt";
  if (visit.type === "WaitStateEntered") return "moment";
  return attempt?.resource?.endsWith(".waitForTaskToken") ? "answer" : null;
}
