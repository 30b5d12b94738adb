// A list of orders as a file for spreadsheets: comma-separated values (RFC 4180).

const COLUMNS = {
  order_id: (order) => order.order_id,
  number: (order) => order.number,
  state: (order) => order.state,
  status: (order) => order.status,
  customer_id: (order) => order.customer_id,
  items: (order) => order.items?.map((item) => `${item.quantity} × ${item.name}`).join("; "),
  amount: (order) => order.amount,
  currency: (order) => order.currency,
  created_at: (order) => order.created_at,
};

/** A text that spreadsheets would take for a formula is marked as text (OWASP, "CSV Injection"): customers choose their names. */
const safe = (value) => (typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value);

const cell = (value) => {
  const text = String(safe(value) ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const csvOf = (orders) => [Object.keys(COLUMNS), ...orders.map((order) => Object.values(COLUMNS).map((value) => value(order)))].map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Has the browser save a text as a file of this name and the moment. The mark at the beginning tells spreadsheets that the text is UTF-8. */
export function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = `${name}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Has the browser save the orders. */
export const download = (orders) => save(csvOf(orders), "orders");
