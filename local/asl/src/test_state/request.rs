//! What a caller of TestState asks for (AWS Step Functions API Reference, TestState).

/// TestState's arguments. Those that are JSON are JSON text, as in the API.
#[derive(Debug, Clone, Default)]
pub struct Request<'r> {
    /// The definition of a state, or that of a state machine together with `state_name`.
    pub definition: &'r str,
    /// The name of the state in a state machine to test, which may be inside a Map or a Parallel.
    pub state_name: Option<&'r str>,
    /// The state's input; `{}` when absent.
    pub input: Option<&'r str>,
    /// The context object; one is made up when absent.
    pub context: Option<&'r str>,
    /// The variables that are set already, as an object.
    pub variables: Option<&'r str>,
    /// How much the answer tells.
    pub inspection_level: InspectionLevel,
    /// The ARN of the role, for the context object.
    pub role_arn: Option<&'r str>,
    /// Whether to show secrets. AWS refuses that together with a mock.
    pub reveal_secrets: bool,
    /// What stands in for the task, the branches or the iterations; without it, a task is really called.
    pub mock: Option<Mock<'r>>,
    /// The argument `stateConfiguration`.
    pub configuration: Configuration<'r>,
}

/// The argument `stateConfiguration`, which says what has happened before the test.
#[derive(Debug, Clone, Default)]
pub struct Configuration<'r> {
    /// How often the retrier that matches a mocked error has been used.
    pub retrier_retry_count: u64,
    /// The name of the state inside a Map or Parallel that a mocked error comes from. It changes nothing
    /// here.
    pub error_caused_by_state: Option<&'r str>,
    /// How many of a Map's iterations have failed.
    pub map_iteration_failure_count: Option<u64>,
    /// What a Map's ItemReader has read, as JSON text. It changes nothing here.
    pub map_item_reader_data: Option<&'r str>,
}

/// The argument `inspectionLevel`, which says how much the answer tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InspectionLevel {
    /// The answer tells the outcome only.
    #[default]
    Info,
    /// The answer tells the steps of the data as well.
    Debug,
    /// The answer tells the same as with `Debug`. AWS adds the exchange of HTTP tasks, which this runtime
    /// does not have.
    Trace,
}

/// What stands in for a Task, or for the branches or iterations of a Parallel or Map.
#[derive(Debug, Clone, Default)]
pub struct Mock<'r> {
    /// The result, as JSON text.
    pub result: Option<&'r str>,
    /// The error name and the cause of a failure.
    pub error_output: Option<(Option<&'r str>, Option<&'r str>)>,
    /// How strictly the result must have the shape of the service's answers.
    pub field_validation: FieldValidation,
}

/// The argument `fieldValidationMode`, which says how a mocked result is held against the service's API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Required fields must be there, and the fields that are there must fit.
    #[default]
    Strict,
    /// The fields that are there must fit.
    Present,
    /// Any result will do.
    None,
}
