// What is loaded when somebody first turns to it: the pages of those who run the shop (open returns, products, customers,
// warehouses), and the returns of an order.
import { Catalogue } from "../pages/catalogue.js";
import { Customer, Customers } from "../pages/customers.js";
import { OpenReturns } from "../pages/returns.js";
import { Warehouses } from "../pages/warehouses.js";
import { Returns } from "../returns.js";

export { Catalogue, Customer, Customers, OpenReturns, Returns, Warehouses };
