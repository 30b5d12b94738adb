//! The seams: what the simulation puts between the parts of the system. Each is an implementation of a trait
//! that the system calls, wraps the real one, watches what goes through, and is where faults happen.
//!
//! | seam | trait | what is behind it |
//! | --- | --- | --- |
//! | `tables` | `DynamoDb` | the real tables; DynamoDB, the payment gateway and the warehouses, by the table |
//! | `states` | `StepFunctions` | the real engine |
//! | `events` | `EventBridge` | the real bus |
//! | `mail` | `InProcess`, the HTTP client of the SDK | the real outbox, as SES |
//! | `lambda` | `Handler` | the real functions, in sandboxes |
//! | `warehouses` | `Http`, `Secrets` | a warehouse with a server of its own, in the runs of even seeds, and the secrets |
//! | `stripe` | `Web` | Stripe, in the runs in which customers pay there |
//! | `calls` | `Integrations` | the real integrations of Task states |

pub mod calls;
pub mod events;
pub mod lambda;
mod mail;
mod mutations;
mod retries;
pub mod states;
pub mod stripe;
pub mod tables;
pub mod warehouses;
pub mod watch;
