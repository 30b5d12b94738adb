//! What becomes of requests to the tables, and of those to the gateway and the warehouses, for which the ledger's table stands.

use omniflow_services::{Reason, ServiceError};

use super::{Callee, Effect, TablesSeam};
use crate::fault::Fault;
use crate::seams::retries::{Fate, PATIENCE};

/// How late what is done later is done, in milliseconds.
const LATER: (u64, u64) = (PATIENCE.as_millis() as u64, 30_000);
/// How late the payment gateway does what it does later, in milliseconds.
const GATEWAY_LATER: (u64, u64) = (PATIENCE.as_millis() as u64, 240_000);
impl TablesSeam {
    /// What becomes of an attempt at this operation.
    pub(super) fn fate(&self, callee: Callee, what: &str) -> Fate {
        let world = &self.world;
        let outside = |out, refused, lost| {
            if world.faults.is_out(out) {
                Fate::Unanswered
            } else if world.happens(refused) {
                Fate::Refused(ServiceError::new("ServiceUnavailable", "try again later"), false)
            } else if world.happens(lost) {
                Fate::AnswerLost
            } else if callee == Callee::Gateway && world.happens(Fault::GatewayDoneLater) {
                Fate::DoneLater(world.faults.milliseconds(Fault::GatewayDoneLater, GATEWAY_LATER))
            } else {
                Fate::Done
            }
        };
        let effect = match callee {
            Callee::Gateway => {
                return outside(Fault::GatewayOut, Fault::GatewayRefused, Fault::GatewayAnswerLost);
            }
            Callee::Warehouse => {
                return outside(Fault::WarehousesOut, Fault::WarehouseRefused, Fault::WarehouseAnswerLost);
            }
            Callee::DynamoDb(effect) => effect,
        };
        let writes = effect != Effect::Reads;
        if world.faults.is_out(Fault::TablesOut) {
            Fate::Unanswered
        } else if world.happens(Fault::TablesThrottled) {
            let code = "ProvisionedThroughputExceededException";
            Fate::Refused(ServiceError::new(code, "throttled by the simulation"), true)
        } else if world.happens(Fault::TablesRefused) {
            Fate::Refused(ServiceError::new("InternalServerError", "refused by the simulation"), true)
        } else if world.happens(Fault::TablesAnswerLost) {
            Fate::AnswerLost
        } else if writes && world.happens(Fault::TablesDoneLater) {
            Fate::DoneLater(world.faults.milliseconds(Fault::TablesDoneLater, LATER))
        } else if effect == Effect::Changes && world.happens(Fault::TransactionConflict) {
            Fate::Refused(conflict(what), false)
        } else {
            Fate::Done
        }
    }
}

/// The error of a write that another transaction is in the way of.
fn conflict(what: &str) -> ServiceError {
    if what != "TransactWriteItems" {
        return ServiceError::new("TransactionConflictException", "another transaction");
    }
    let reasons = vec![Reason { code: "TransactionConflict".to_owned(), item: None }];
    ServiceError { reasons, ..ServiceError::new("TransactionCanceledException", "another transaction") }
}
