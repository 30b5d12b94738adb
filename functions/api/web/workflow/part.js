// Which of an order's executions is meant: its own (`order`), that of its payment window, or that of a return (`return-1`).
import { t } from "../language.js";

/** The number of the return that an execution is of; 0 for the others. */
const returnIn = (part) => Number(/^return-(\d+)$/.exec(part)?.[1] ?? 0);

/** What people call an execution. */
export const partName = (part) => (returnIn(part) ? t("returns.one", { number: returnIn(part) }) : t(`part.${part}`));

/** Executions in the order in which they began: those of returns come last, by their numbers. */
export const inOrder = (executions) => [...executions].sort((one, other) => returnIn(one.part) - returnIn(other.part));
