//! Lambda: each function runs in sandboxes, which keep their memory between invocations, have clocks of their
//! own, and die.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ambient::{Clock, Surroundings};
use futures::FutureExt;
use futures::future::BoxFuture;
use omniflow::functions::{Clients, handler_of};
use omniflow::inside::Inside;
use omniflow_services::{Environment, Fault as Failure, Handler, Memory, StepFunctions};
use serde_json::{Value, json};
use template::{Function, Place};
use tokio::sync::oneshot;

use super::events::Events;
use super::mail::{Mail, Unfinished};
use super::states::States;
use super::stripe::Stripe;
use super::tables::TablesSeam;
use super::warehouses::Warehouses;
use crate::clock::SkewedClock;
use crate::fault::Fault;
use crate::invariant::Invariant;
use crate::planted::Planted;
use crate::process::Tasks;
use crate::world::{About, INVOCATION, Invocation, World};

/// The number of sandboxes of each function.
const SANDBOXES: usize = 2;
/// By how many milliseconds a clock is wrong at most.
const SKEW: u64 = 4_000;
/// When a function dies within its work, in milliseconds after its beginning.
const DEATH: (u64, u64) = (1, 80);
/// After how many milliseconds a second invocation with the same event begins.
const SECOND: (u64, u64) = (0, 3_000);
/// By how many milliseconds an event is late.
const LATE: (u64, u64) = (500, 8_000);
/// How long a function that is held up goes on beyond its timeout, in milliseconds.
const BEYOND: (u64, u64) = (200, 15_000);
/// The functions that people, warehouses and Stripe call.
const APIS: [&str; 6] =
    ["admin", "api", "payment-api", "read-metrics", "receive-payment-event", "warehouse-api"];
/// The function that tells customers.
const NOTIFY: &str = "notify-customer";
/// The binary of the function that hears of executions which have failed.
const MARK: &str = "mark-needs-attention";

/// A function, with the sandboxes that it runs in.
#[derive(Clone)]
pub struct Lambda(Arc<Inner>);

struct Inner {
    world: Arc<World>,
    binary: &'static str,
    environment: Environment,
    timeout: Duration,
    /// In MiB.
    memory: u64,
    tasks: Tasks,
    /// What sandboxes are made of; `None` once the process has died, so that nothing of it lives on.
    ground: Mutex<Option<Ground>>,
    sandboxes: Mutex<Vec<Option<Arc<dyn Handler>>>>,
}

/// What sandboxes are made of.
struct Ground {
    inside: Inside,
    clients: Clients,
    place: Place,
}

impl Lambda {
    /// The function of the template, whose invocations are tasks of a process.
    pub fn new(
        world: &Arc<World>,
        function: &Function,
        inside: &Inside,
        place: &Place,
        tasks: &Tasks,
    ) -> Self {
        let binary = omniflow::functions::ALL.iter().map(|known| known.name);
        let binary = binary.into_iter().find(|name| *name == function.binary).unwrap_or("unknown");
        let ground = Ground { inside: inside.clone(), clients: inside.clients(place), place: place.clone() };
        Self(Arc::new(Inner {
            world: Arc::clone(world),
            binary,
            environment: Environment::from_pairs(function.environment.clone()),
            timeout: function.timeout,
            memory: function.memory,
            tasks: tasks.clone(),
            ground: Mutex::new(Some(ground)),
            sandboxes: Mutex::new(vec![None; SANDBOXES]),
        }))
    }

    /// Ends all sandboxes for good.
    pub fn end(&self) {
        self.ground().take();
        self.sandboxes().fill(None);
    }

    fn ground(&self) -> MutexGuard<'_, Option<Ground>> {
        self.0.ground.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sandboxes(&self) -> MutexGuard<'_, Vec<Option<Arc<dyn Handler>>>> {
        self.0.sandboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sandbox that runs, or a new one. `None` when the process has died.
    fn sandbox(&self) -> Option<(usize, Arc<dyn Handler>)> {
        let count = SANDBOXES as u64;
        let index = self.0.world.draw(|dice| dice.below(count));
        self.sandbox_of(usize::try_from(index).unwrap_or_default())
    }

    /// The sandbox of this number if it runs, or else a new one.
    fn sandbox_of(&self, index: usize) -> Option<(usize, Arc<dyn Handler>)> {
        if let Some(Some(running)) = self.sandboxes().get(index) {
            return Some((index, Arc::clone(running)));
        }
        let made = self.make()?;
        let mut sandboxes = self.sandboxes();
        let count = sandboxes.len().max(index + 1);
        sandboxes.resize(count, None);
        sandboxes[index] = Some(Arc::clone(&made));
        Some((index, made))
    }

    /// Invokes the function in one of the environments that the account may have.
    async fn invoke_within_quotas(self, event: Value) -> Answer {
        let Inner { world, binary, memory, .. } = &*self.0;
        let about = About::of(&event);
        let (is_asynchronous, is_event) = (is_asynchronous(binary, &event), event.get("detail").is_some());
        let Some(account) = &world.capacity else { return Err(Failure::new("Lambda.Unknown", "")) };
        if is_event {
            account.delivered().await;
        }
        let Some(environment) = account.environment(binary, *memory, is_asynchronous).await else {
            return Err(about.failed(world, binary, "Lambda.TooManyRequestsException"));
        };
        let sandbox = self.sandbox_of(environment.number);
        let Some((_, sandbox)) = sandbox else { return Err(Failure::new("Lambda.Unknown", "")) };
        let invocation = Invocation::new(binary, world.next_invocation(), &about);
        self.clone().run(sandbox, Arc::new(invocation), event).await
    }

    fn make(&self) -> Option<Arc<dyn Handler>> {
        let Inner { world, binary, environment, .. } = &*self.0;
        let ground = self.ground();
        let Ground { inside, clients, place } = ground.as_ref()?;
        let skew = match world.happens(Fault::ClockSkew) {
            true => world.faults.draw(Fault::ClockSkew, |dice| dice.below(2 * SKEW)),
            false => SKEW,
        };
        let skew = i64::try_from(skew).unwrap_or_default() - i64::try_from(SKEW).unwrap_or_default();
        let clock: Arc<dyn Clock> = Arc::new(SkewedClock::new(world.clock, skew));
        let states: Arc<dyn StepFunctions> =
            Arc::new(States::new(Arc::clone(world), Arc::new(inside.clone())));
        let clients = Clients {
            dynamodb: Arc::new(TablesSeam::new(Arc::clone(world), Some(Arc::clone(&states)))),
            states,
            executions: clients.executions.clone(),
            events: Arc::new(Events::new(Arc::clone(world), Arc::new(inside.clone()))),
            email: Mail::client(Arc::clone(world), inside.http(), place),
            cloudwatch: clients.cloudwatch.clone(),
            counted: clients.counted.clone(),
            web: Arc::new(Stripe(Arc::clone(world))),
            http: Arc::new(Warehouses(Arc::clone(world))),
            secrets: Arc::new(Warehouses(Arc::clone(world))),
            memory: Memory::default(),
            surroundings: Surroundings { clock, randomness: world.randomness.clone() },
        };
        match handler_of(binary, &clients, environment)? {
            Ok(handler) => Some(Arc::from(handler)),
            Err(error) => {
                world.violated(Invariant::NoPanic, None, format!("{binary} does not start: {error}"));
                None
            }
        }
    }

    /// Runs one invocation to its end, and notes what came of it.
    async fn run(self, handler: Arc<dyn Handler>, invocation: Arc<Invocation>, event: Value) -> Answer {
        let world = &self.0.world;
        let unfinished = Unfinished::new(world, &invocation);
        let work = INVOCATION.scope(Arc::clone(&invocation), async { handler.handle(event).await });
        let answer = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            let order = invocation.order();
            world.violated(Invariant::NoPanic, order.as_deref(), format!("{} panicked", self.0.binary));
            Err(Failure::new("Runtime.Panic", "the function panicked"))
        });
        unfinished.finished();
        let answer = self.mutated(answer);
        self.note_message(&answer);
        let order = invocation.order();
        let said = answer.as_ref().map_or_else(|failure| failure.error_type.as_str(), |_| "done");
        // What is about no order and went well is about nothing.
        if order.is_some() || answer.is_err() {
            let line = format_args!("{} #{}: {said}", self.0.binary, invocation.number);
            world.trace.add(world.now(), order.as_deref(), line);
        }
        answer
    }

    /// The answer as a planted bug has it.
    fn mutated(&self, answer: Answer) -> Answer {
        let world = &self.0.world;
        match (&answer, self.0.binary) {
            (Err(failure), "cancel-shipments")
                if world.has(Planted::RefundAfterFailedCancel)
                    && failure.error_type == "ShipmentNotCancellable" =>
            {
                Ok(json!({}))
            }
            (Err(failure), "refund-payment")
                if world.has(Planted::FailedRefundIgnored) && failure.error_type == "RefundFailed" =>
            {
                Ok(json!({}))
            }
            _ => answer,
        }
    }

    async fn invoke(self, event: Value) -> Answer {
        let Inner { world, binary, timeout, tasks, .. } = &*self.0;
        let binary = *binary;
        if world.capacity.is_some() {
            return self.clone().invoke_within_quotas(event).await;
        }
        let about = About::of(&event);
        let number = world.next_invocation();
        let invocation = |number| Invocation::new(binary, number, &about);
        tokio::time::sleep(world.draw(|dice| dice.milliseconds((1, 5)))).await;
        if !is_asynchronous(binary, &event)
            && (world.faults.is_out(Fault::LambdaOut) || world.happens(Fault::LambdaThrottled))
        {
            return Err(about.failed(world, binary, "Lambda.TooManyRequestsException"));
        }
        if is_event(binary, &event) && world.happens(Fault::EventsLate) {
            tokio::time::sleep(world.faults.milliseconds(Fault::EventsLate, LATE)).await;
        }
        // That customers are told has nobody to look after it but the dead letters.
        if binary == MARK && is_event(binary, &event) && world.happens(Fault::EventsLost) {
            return Ok(Value::Null);
        }
        if world.happens(Fault::LambdaDiesBefore) {
            return Err(about.failed(world, binary, "Lambda.Unknown"));
        }
        let Some((index, sandbox)) = self.sandbox() else { return Err(Failure::new("Lambda.Unknown", "")) };
        // API Gateway never repeats a request by itself.
        if !APIS.contains(&binary) && world.happens(Fault::LambdaTwice) {
            let (again, second) = (self.clone(), Arc::clone(&sandbox));
            let (event, invocation) = (event.clone(), Arc::new(invocation(world.next_invocation())));
            let pause = world.faults.milliseconds(Fault::LambdaTwice, SECOND);
            tasks.spawn(async move {
                tokio::time::sleep(pause).await;
                drop(again.run(second, invocation, event).await);
            });
        }
        if world.happens(Fault::LambdaZombie) {
            let (call, beyond) =
                world.faults.draw(Fault::LambdaZombie, |dice| (1 + dice.below(4), dice.milliseconds(BEYOND)));
            let call = u32::try_from(call).unwrap_or(1);
            let invocation = Arc::new(invocation(number).held_up(call, *timeout + beyond));
            if let Some(event) = &invocation.event {
                // It may be sent when the claim of the event has run out, and others have claimed it.
                world.books(|books| books.may_come_twice(event));
            }
            let (answer, answered) = oneshot::channel();
            let running = self.clone().run(sandbox, invocation, event);
            tasks.spawn(async move {
                // The runtime stops listening at the timeout.
                let _ = answer.send(running.await);
            });
            return answered.await.unwrap_or_else(|_| Err(Failure::new("Lambda.Unknown", "")));
        }
        let running = self.clone().run(sandbox, Arc::new(invocation(number)), event);
        if world.happens(Fault::LambdaDiesWithin) {
            let death = world.faults.milliseconds(Fault::LambdaDiesWithin, DEATH);
            return match tokio::time::timeout(death, running).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.sandboxes()[index] = None;
                    Err(about.failed(world, binary, "Runtime.ExitError"))
                }
            };
        }
        let answer = running.await;
        if world.happens(Fault::LambdaDiesAfter) {
            self.sandboxes()[index] = None;
            return Err(about.failed(world, binary, "Runtime.ExitError"));
        }
        answer
    }

    /// Notes that the function that tells customers has done its part, if this is that function and it has.
    fn note_message(&self, answer: &Answer) {
        let Inner { world, binary, .. } = &*self.0;
        if *binary == NOTIFY
            && let Ok(answer) = answer
            && let Some(event_id) = answer["event_id"].as_str()
            && let Some((order, _)) = event_id.split_once(':')
        {
            world.note(order, format_args!("the customer is told of {event_id}"));
            world.books(|books| books.handled(event_id));
        }
    }
}

/// Whether EventBridge delivers this because of a rule.
fn is_event(binary: &str, event: &Value) -> bool {
    binary == NOTIFY || binary == MARK && event.get("detail-type").is_some()
}

/// Whether nobody waits for the answer. Lambda itself repeats an asynchronous invocation that it throttles, for hours (AWS
/// Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation").
fn is_asynchronous(binary: &str, event: &Value) -> bool {
    binary == NOTIFY || event.get("detail-type").is_some()
}

type Answer = Result<Value, Failure>;

impl About {
    fn of(event: &Value) -> Self {
        let places = ["/order_id", "/detail/order_id", "/detail/name", "/pathParameters/order_id"];
        let order = places.iter().find_map(|place| event.pointer(place)?.as_str());
        // The name of an execution has more behind the order's id, such as "-return-1".
        let end = |order: &str| order.match_indices('-').nth(1).map_or(order.len(), |(end, _)| end);
        let order = order.filter(|order| order.starts_with("ORD-")).map(|order| &order[..end(order)]);
        let text = |place: &str| event.pointer(place).and_then(Value::as_str).map(str::to_owned);
        Self {
            order: order.map(str::to_owned),
            key: text("/headers/idempotency-key"),
            event: text("/detail/event_id"),
        }
    }

    fn failed(&self, world: &World, binary: &str, error: &str) -> Failure {
        world.trace.add(world.now(), self.order.as_deref(), format_args!("{binary}: {error}"));
        Failure::new(error, "by the simulation")
    }
}

impl Handler for Lambda {
    fn handle(&self, event: Value) -> BoxFuture<'_, Answer> {
        Box::pin(self.clone().invoke(event))
    }
}
