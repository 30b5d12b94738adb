// A state machine's definition as nodes and edges. A Map or Parallel state has graphs of its own inside.

/** Errors that are none: a step is ended by them because the order goes on elsewhere. */
export const WAYS_ON = ["AllShipped"];

/** The states of a definition and how they follow each other. */
export function graphOf(definition) {
  const nodes = Object.entries(definition.States).map(([name, state]) => ({
    name,
    type: state.Type,
    comment: state.Comment,
    end: Boolean(state.End) || state.Type === "Succeed" || state.Type === "Fail",
    inner: innerOf(state).map(graphOf),
  }));
  return { nodes, edges: edgesOf(definition), start: definition.StartAt };
}

const innerOf = (state) => [state.ItemProcessor ?? state.Iterator ?? [], state.Branches ?? []].flat();

/** One edge for each pair of states; what goes right outweighs what is caught. */
function edgesOf(definition) {
  const edges = new Map();
  const add = (from, to, kind) => {
    const key = edgeKey(from, to);
    if (to && !edges.has(key)) edges.set(key, { from, to, kind });
  };
  for (const [name, state] of Object.entries(definition.States)) {
    add(name, state.Next, "next");
    add(name, state.Default, "next");
    for (const choice of state.Choices ?? []) add(name, choice.Next, "next");
    for (const rule of state.Catch ?? []) add(name, rule.Next, rule.ErrorEquals.every((error) => WAYS_ON.includes(error)) ? "next" : "catch");
  }
  return [...edges.values()];
}

/** Whether there is a way along the edges from one state to another. */
export function leadsTo(edges, from, to) {
  const reached = new Set([from]);
  for (const name of reached) edges.filter((edge) => edge.from === name).forEach((edge) => reached.add(edge.to));
  return reached.has(to);
}

/**
 * The states that an order comes to only when something goes wrong, and from which there is no way back to where it goes
 * right: the compensation.
 */
export function asideOf({ edges, start, nodes }) {
  const usual = new Set([start]);
  const next = edges.filter((edge) => edge.kind === "next");
  for (const name of usual) next.filter((edge) => edge.from === name).forEach((edge) => usual.add(edge.to));
  const isAside = (name) => !usual.has(name) && ![...usual].some((other) => leadsTo(edges, name, other));
  return new Set(nodes.map((node) => node.name).filter(isAside));
}

/** The graph without some of its states. */
export const without = (graph, names) => ({
  ...graph,
  nodes: graph.nodes.filter((node) => !names.has(node.name)),
  edges: graph.edges.filter((edge) => !names.has(edge.from) && !names.has(edge.to)),
});

/** What names an edge. */
export const edgeKey = (from, to) => `${from} → ${to}`;
