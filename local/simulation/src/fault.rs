//! The faults that there are.

use crate::named::named;

/// How often a fault happens, and so what its rate in a profile means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// At a call: the rate is a probability.
    PerCall,
    /// At any moment: the rate is how often it happens in an hour of virtual time, on average.
    PerHour,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident $name:literal $measure:ident,)+) => {
        named! {
            /// A kind of fault.
            Fault { $($(#[$doc])* $variant $name,)+ }
        }

        impl Fault {
            /// What the rate of the kind means.
            pub const fn measure(self) -> Measure {
                match self { $(Self::$variant => Measure::$measure,)+ }
            }
        }
    };
}

faults! {
    /// DynamoDB throttles a request.
    TablesThrottled "tables-throttled" PerCall,
    /// DynamoDB fails a request, and nothing of it was done.
    TablesRefused "tables-refused" PerCall,
    /// DynamoDB does what it was asked to, and its answer is lost.
    TablesAnswerLost "tables-answer-lost" PerCall,
    /// DynamoDB does what it was asked to seconds after the caller has given up waiting.
    TablesDoneLater "tables-done-later" PerCall,
    /// Two transactions touch the same items at once.
    TransactionConflict "transaction-conflict" PerCall,
    /// An index doesn't show yet what was written in the last seconds.
    IndexLag "index-lag" PerCall,
    /// Step Functions throttles a request.
    StatesThrottled "states-throttled" PerCall,
    /// Step Functions does what it was asked to, and its answer is lost.
    StatesAnswerLost "states-answer-lost" PerCall,
    /// A description of an execution that was redriven a moment ago doesn't know that yet.
    DescribedLate "described-late" PerCall,
    /// A function dies before it begins.
    LambdaDiesBefore "lambda-dies-before" PerCall,
    /// A function dies within its work, at any point at which it waits.
    LambdaDiesWithin "lambda-dies-within" PerCall,
    /// A function dies after its work, before its answer.
    LambdaDiesAfter "lambda-dies-after" PerCall,
    /// A function is held up for longer than its timeout, and goes on while its retry has begun.
    LambdaZombie "lambda-zombie" PerCall,
    /// A function is invoked a second time with the same event.
    LambdaTwice "lambda-twice" PerCall,
    /// Lambda throttles an invocation.
    LambdaThrottled "lambda-throttled" PerCall,
    /// The clock of a new sandbox is wrong by some seconds.
    ClockSkew "clock-skew" PerCall,
    /// EventBridge refuses a request.
    EventsRefused "events-refused" PerCall,
    /// EventBridge refuses some entries of a request.
    EventsHalfRefused "events-half-refused" PerCall,
    /// EventBridge takes the entries, and its answer is lost.
    EventsAnswerLost "events-answer-lost" PerCall,
    /// EventBridge delivers an event twice.
    EventsDoubled "events-doubled" PerCall,
    /// EventBridge delivers an event seconds late, so that a later one overtakes it.
    EventsLate "events-late" PerCall,
    /// EventBridge can't deliver the event that an execution has failed, and gives it up.
    EventsLost "events-lost" PerCall,
    /// The payment gateway fails a call, and nothing of it was done.
    GatewayRefused "gateway-refused" PerCall,
    /// The payment gateway does what it was asked to, and its answer is lost.
    GatewayAnswerLost "gateway-answer-lost" PerCall,
    /// The payment gateway does what it was asked to minutes after the caller has given up waiting.
    GatewayDoneLater "gateway-done-later" PerCall,
    /// Stripe answers that it is called too often.
    GatewayThrottled "gateway-throttled" PerCall,
    /// The bank lets go of the money that it held before it is taken.
    HoldExpires "hold-expires" PerCall,
    /// The shop's people give money back in Stripe's dashboard.
    ReturnedAtGateway "returned-at-gateway" PerCall,
    /// Stripe sends an event twice.
    PaymentWordTwice "payment-word-twice" PerCall,
    /// Stripe sends an event minutes late, so that a later one overtakes it.
    PaymentWordLate "payment-word-late" PerCall,
    /// Stripe never sends an event.
    PaymentWordLost "payment-word-lost" PerCall,
    /// A warehouse fails a call, and nothing of it was done.
    WarehouseRefused "warehouse-refused" PerCall,
    /// A warehouse does what it was asked to, and its answer is lost.
    WarehouseAnswerLost "warehouse-answer-lost" PerCall,
    /// SES refuses a message.
    MailRefused "mail-refused" PerCall,
    /// SES throttles a request.
    MailThrottled "mail-throttled" PerCall,
    /// SES takes a message, and its answer is lost.
    MailAnswerLost "mail-answer-lost" PerCall,
    /// A warehouse says the same twice.
    CallbackTwice "callback-twice" PerCall,
    /// A warehouse says late that a parcel has left, so that it says before that it was delivered.
    CallbackLate "callback-late" PerCall,
    /// A warehouse never says what it did.
    CallbackLost "callback-lost" PerCall,
    /// The journal's disk fails to sync a commit.
    DiskFails "disk-fails" PerCall,
    /// Waits end late by up to some seconds, for as long as the process lives.
    WaitsLate "waits-late" PerCall,
    /// The local runtime's process is killed and starts again on its data.
    ProcessKilled "process-killed" PerHour,
    /// A release with other definitions is started while executions run.
    Deployment "deployment" PerHour,
    /// Somebody stops the execution of an order from outside.
    ExecutionStopped "execution-stopped" PerHour,
    /// Somebody redrives a failed execution in Step Functions, past the shop.
    ExecutionRedriven "execution-redriven" PerHour,
    /// DynamoDB is down.
    TablesOut "tables-out" PerHour,
    /// Step Functions takes no requests.
    StatesOut "states-out" PerHour,
    /// EventBridge takes no requests.
    EventsOut "events-out" PerHour,
    /// Lambda throttles everything.
    LambdaOut "lambda-out" PerHour,
    /// The payment gateway is down.
    GatewayOut "gateway-out" PerHour,
    /// The warehouses are down.
    WarehousesOut "warehouses-out" PerHour,
}

impl Fault {
    /// The kinds that are outages of a dependency.
    pub const OUTAGES: [Self; 6] = [
        Self::TablesOut,
        Self::StatesOut,
        Self::EventsOut,
        Self::LambdaOut,
        Self::GatewayOut,
        Self::WarehousesOut,
    ];
}
