// Where the states of a graph are drawn. A state with graphs inside is laid out around them.
import { Graph, layout } from "../vendor/dagre.js";

const HEIGHT = 46;
const MARGIN = 4;
/** The width of a state: its name's, about, and of the mark before it. */
const widthOf = (name) => Math.max(132, 40 + 8.5 * name.length);
/** The room that a state with graphs inside keeps around them, and for its own name. */
const PADDING = 14;
const HEAD = 44;
/** The beginning and the end of a machine are dots, whose names no state has. */
const DOT = 14;
export const START = "(start)";
export const END = "(end)";

/** The graph with places: `x` and `y` are centres, edges have `points`. Only the outermost has dots. */
export function placed(graph, inside = false) {
  const board = new Graph({ multigraph: true });
  board.setGraph({ rankdir: "TB", nodesep: 18, ranksep: 30, edgesep: 9, marginx: MARGIN, marginy: MARGIN });
  for (const node of graph.nodes) {
    const inner = node.inner.map((graph) => placed(graph, true));
    board.setNode(node.name, { ...node, inner, ...sizeOf(node.name, inner) });
  }
  graph.edges.forEach((edge) => connect(board, edge, graph));
  if (!inside) addDots(board, graph);
  layout(board);
  const { width, height } = board.graph();
  const nodes = board.nodes().map((name) => board.node(name));
  const edges = board.edges().map((edge) => board.edge(edge)).filter((edge) => edge.kind !== "rank").map(drawn);
  return { ...widened(width, nodes, edges), height, nodes, edges };
}

/** dagre makes room for the nodes alone; an edge may go around them, to the left of its board or to the right. */
function widened(width, nodes, edges) {
  const points = edges.flatMap((edge) => edge.points);
  const bends = points.map((point) => point.x);
  const shift = Math.max(0, MARGIN - Math.min(...bends));
  for (const place of [...nodes, ...points]) place.x += shift;
  return { width: Math.max(width, Math.max(...bends) + MARGIN) + shift };
}

function addDots(board, graph) {
  for (const name of [START, END]) board.setNode(name, { name, dot: true, width: DOT, height: DOT });
  connect(board, { from: START, to: graph.start, kind: "next" }, graph);
  graph.nodes.filter((node) => node.end).forEach((node) => connect(board, { from: node.name, to: END, kind: "next" }, graph));
}

/**
 * What goes right is drawn straight; what is caught goes around it. A way round, which is caught and leads back at once,
 * stands above the state that it leads back to and below those before: dagre ranks it by the way back.
 */
function connect(board, edge, graph) {
  const label = { ...edge, weight: edge.kind === "next" ? 8 : 1 };
  const isRound = edge.kind === "catch" && graph.edges.some((other) => other.kind === "next" && other.from === edge.to && other.to === edge.from);
  if (!isRound) return board.setEdge(edge.from, edge.to, label);
  board.setEdge(edge.to, edge.from, { ...label, reversed: true }, "round");
  const before = graph.edges.filter((other) => other.kind === "next" && other.to === edge.from && other.from !== edge.to);
  return before.forEach(({ from }) => board.setEdge(from, edge.to, { kind: "rank", weight: 0 }, "rank"));
}

const drawn = (edge) => (edge.reversed ? { ...edge, points: [...edge.points].reverse() } : edge);

function sizeOf(name, inner) {
  if (inner.length === 0) return { width: widthOf(name), height: HEIGHT };
  const width = inner.reduce((sum, graph) => sum + graph.width, 0) + PADDING * (inner.length + 1);
  return { width: Math.max(widthOf(name), width), height: Math.max(...inner.map((graph) => graph.height)) + HEAD + PADDING };
}

/** Where the graphs inside a node begin, relative to the whole drawing. */
export function innerPlaces(node) {
  let x = node.x - node.width / 2 + PADDING;
  return node.inner.map((graph) => {
    const place = { x, y: node.y - node.height / 2 + HEAD, graph };
    x += graph.width + PADDING;
    return place;
  });
}
