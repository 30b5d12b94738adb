//! What happens at no call but at any moment: kills, deployments, outages, executions that somebody stops.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::order::returns::{Return, ReturnState};
use omniflow_domain::{Order, Status};
use tokio::time::sleep;

use crate::fault::{Fault, Measure};
use crate::front::Front;
use crate::process;
use crate::world::World;

/// How long the process is down after it was killed, in milliseconds.
const DOWN: (u64, u64) = (50, 8_000);
/// How often the journal is copied for the bug that makes it forget.
const COPY: Duration = Duration::from_secs(7);

/// Makes everything happen that happens at any moment, until faults stop.
pub fn begin(front: &Rc<Front>, world: &Arc<World>) {
    for fault in Fault::ALL.iter().copied() {
        let rate = world.faults.profile().rate(fault);
        if fault.measure() == Measure::PerHour && rate > 0.0 {
            tokio::task::spawn_local(again_and_again(fault, rate, Rc::clone(front), Arc::clone(world)));
        }
    }
    for outage in world.faults.profile().outages.clone() {
        let world = Arc::clone(world);
        tokio::task::spawn_local(async move {
            sleep(Duration::from_secs(outage.at)).await;
            world.note_all(format_args!("{} for {} s", outage.fault, outage.seconds));
            world.faults.begin_outage(outage.fault, Duration::from_secs(outage.seconds));
        });
    }
    if process::forgets(world) {
        let front = Rc::clone(front);
        tokio::task::spawn_local(async move {
            loop {
                front.copy_journal();
                sleep(COPY).await;
            }
        });
    }
}

async fn again_and_again(fault: Fault, rate: f64, front: Rc<Front>, world: Arc<World>) {
    loop {
        let pause = world.faults.draw(fault, |dice| dice.until_the_next(rate));
        sleep(pause).await;
        if world.faults.is_calm() {
            return;
        }
        match fault {
            Fault::ProcessKilled | Fault::Deployment => {
                world.faults.count(fault);
                restart(fault, &front, &world).await;
            }
            Fault::ExecutionStopped => stop_execution(&front, &world).await,
            Fault::ExecutionRedriven => redrive_execution(&front, &world).await,
            outage => {
                let (shortest, longest) = world.faults.profile().outage_seconds;
                let lasts = world.faults.milliseconds(outage, (shortest * 1000, longest * 1000));
                world.note_all(format_args!("{outage} for {lasts:?}"));
                world.faults.begin_outage(outage, lasts);
            }
        }
    }
}

async fn restart(fault: Fault, front: &Front, world: &World) {
    let _turn = front.turn().await;
    front.kill().await;
    if fault == Fault::Deployment {
        front.release();
        world.note_all(format_args!("another release is deployed"));
    }
    sleep(world.faults.milliseconds(fault, DOWN)).await;
    if let Err(error) = front.start().await {
        world.violated(crate::invariant::Invariant::NoPanic, None, format!("it does not start: {error}"));
    }
}

async fn stop_execution(front: &Front, world: &World) {
    let running: Vec<_> = world.books(|books| {
        let orders = books.orders().map(|(id, entry)| (id, &entry.order));
        orders.flat_map(|(id, order)| executions(order).map(|found| (id.clone(), found))).collect()
    });
    let Some(engine) = front.engine().filter(|_| !running.is_empty()) else { return };
    let (order, (machine, name)) =
        world.faults.draw(Fault::ExecutionStopped, |dice| dice.pick(&running).clone());
    let arn = crate::rest::execution(&engine, machine, &name);
    let stopped = engine.stop_execution(arn, Some("Stopped".to_owned()), Some("by hand".to_owned())).await;
    world.note(&order, format_args!("the execution {name} is stopped by hand: {}", stopped.is_ok()));
    world.faults.count(Fault::ExecutionStopped);
}

async fn redrive_execution(front: &Front, world: &World) {
    let waiting: Vec<_> = world.books(|books| {
        let waiting = books.orders().filter(|(_, entry)| entry.order.status() == Status::NeedsAttention);
        waiting.map(|(id, entry)| (id.clone(), entry.order.execution_name())).collect()
    });
    let Some(engine) = front.engine().filter(|_| !waiting.is_empty()) else { return };
    let (order, name) = world.faults.draw(Fault::ExecutionRedriven, |dice| dice.pick(&waiting).clone());
    let arn = crate::rest::execution(&engine, "OrderStateMachine", &name);
    let redriven = engine.redrive_execution(arn).await;
    world.note(&order, format_args!("the execution {name} is redriven by hand: {}", redriven.is_ok()));
    world.faults.count(Fault::ExecutionRedriven);
}

/// The executions that carry on with an order or with its returns, each with its state machine.
fn executions(order: &Order) -> impl Iterator<Item = (&'static str, String)> + '_ {
    let own = Some(("OrderStateMachine", order.execution_name().to_string())).filter(|_| !order.rests());
    let is_under_way = |it: &&Return| !it.state.is_final() && it.state != ReturnState::NeedsAttention;
    let returns = order.returns().iter().filter(is_under_way);
    own.into_iter().chain(returns.map(|it| ("ReturnStateMachine", it.execution_name(order.id()))))
}
