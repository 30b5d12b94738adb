//! The definitions of the order's state machine that executions may run by: the present one, and those of before, with
//! which executions go on that began with them.

use std::path::Path;
use std::thread::LocalKey;

use asl::{Machine, MachineType};
use serde_json::{Value, json};
use template::StateMachine;

use crate::shop::system;

/// The name of the order's state machine.
pub(crate) const MACHINE: &str = "OrderStateMachine";

/// The name of the returns' state machine.
pub(crate) const RETURNS: &str = "ReturnStateMachine";

/// The first state of the definition in [`ENTERED`].
const ENTRANCE: &str = "Entrance";

/// A definition of the order's state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Definition {
    /// The present one.
    Present,
    /// The present one, called by which the functions of before don't know that they may complete the order: what runs
    /// when an update has given the machine its new definition and some code is not there yet, or was rolled back.
    PresentWithEarlierFunctions,
    /// The one before the last shipment's step completed the order: every order came to CompleteOrder.
    CompletingStep,
    /// Release 0.1's: shipments are the answers of calls, and whatever fails leads to a compensation.
    Release0_1,
}

impl Definition {
    /// Those that executions may still run by which began before an update.
    pub const EARLIER: [Self; 2] = [Self::Release0_1, Self::CompletingStep];

    pub(crate) fn machine(self) -> &'static LocalKey<Machine> {
        match self {
            Self::Present => &ORDER,
            Self::PresentWithEarlierFunctions => &UNTOLD,
            Self::CompletingStep => &COMPLETING_STEP,
            Self::Release0_1 => &RELEASE_0_1,
        }
    }
}

thread_local! {
    /// The present definition. A compiled machine can't leave its thread, so each thread that needs one compiles it.
    static ORDER: Machine = compile(&present());

    /// See [`Definition::PresentWithEarlierFunctions`].
    static UNTOLD: Machine = compile(&without_completion(present()));

    /// See [`Definition::CompletingStep`].
    static COMPLETING_STEP: Machine = compile(&recorded("order-2026-11-26.asl.json"));

    /// See [`Definition::Release0_1`].
    static RELEASE_0_1: Machine = compile(&recorded("order-0.1.asl.json"));

    /// The order's state machine with an [`ENTRANCE`] in front that leads to any of its states: the one that
    /// the input names as `enter`, with `order_id` and `failure` in the input as after a Catch. With it a
    /// test can run compensations that the definition would not reach from where the order is.
    pub(crate) static ENTERED: Machine = compile(&with_entrance(present()));

    /// The returns' state machine.
    pub(crate) static RETURN: Machine =
        compile(&serde_json::from_str(&state_machine(RETURNS).definition).unwrap());
}

pub(crate) fn state_machine(name: &str) -> &'static StateMachine {
    system().state_machines.iter().find(|machine| machine.name == name).unwrap()
}

fn present() -> Value {
    serde_json::from_str(&state_machine(MACHINE).definition).unwrap()
}

/// A definition as it was deployed once, with the functions of the present template.
fn recorded(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/definitions").join(file);
    let mut definition = std::fs::read_to_string(path).unwrap();
    for function in system().functions.keys() {
        definition = definition.replace(&format!("${{{function}Arn}}"), function);
    }
    let definition = definition.replace("${ShipmentDeadlineHours}", "72");
    assert!(!definition.contains("${"), "{file} names a function that the template has no more");
    serde_json::from_str(&definition).unwrap()
}

fn without_completion(mut definition: Value) -> Value {
    let ship = &mut definition["States"]["ShipWarehouses"]["ItemProcessor"]["States"]["ShipWarehouse"];
    let told = ship["Arguments"]["Payload"].as_object_mut().unwrap().remove("completes");
    assert_eq!(told, Some(json!(true)));
    definition
}

fn with_entrance(mut definition: Value) -> Value {
    let choices = definition["States"].as_object().unwrap().keys().map(|name| {
        json!({
            "Condition": format!("{{% $states.input.enter = '{name}' %}}"),
            "Assign": { "order_id": "{% $states.input.order_id %}", "failure": "{% $states.input.failure %}" },
            "Next": name,
        })
    });
    let choices: Vec<_> = choices.collect();
    let start = std::mem::replace(&mut definition["StartAt"], json!(ENTRANCE));
    definition["States"][ENTRANCE] = json!({ "Type": "Choice", "Choices": choices, "Default": start });
    definition
}

fn compile(definition: &Value) -> Machine {
    assert!(
        definition.get("TimeoutSeconds").is_none(),
        "a wait before a retry must not let the whole execution time out: teach Run::skip_wait the timeout"
    );
    let kind =
        if state_machine(MACHINE).kind == "EXPRESS" { MachineType::Express } else { MachineType::Standard };
    let machine = Machine::parse_as(&definition.to_string(), kind).unwrap();
    assert_eq!(machine.unsupported(), []);
    machine
}
