// The pages that only those load who run the shop: products, customers, warehouses.
import { Catalogue } from "../pages/catalogue.js";
import { Customer, Customers } from "../pages/customers.js";
import { Warehouses } from "../pages/warehouses.js";

export { Catalogue, Customer, Customers, Warehouses };
