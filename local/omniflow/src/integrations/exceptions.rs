//! The exceptions that services' clients have a class for. A task fails by the name of that class, or by that of
//! the client's general exception.

/// The exceptions that Lambda's clients have a class for (AWS Lambda API Reference, "Errors" of Invoke).
pub(super) const LAMBDA_EXCEPTIONS: [&str; 32] = [
    "DurableExecutionAlreadyStartedException",
    "EC2AccessDeniedException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "EFSIOException",
    "EFSMountConnectivityException",
    "EFSMountFailureException",
    "EFSMountTimeoutException",
    "ENILimitReachedException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "NoPublishedVersionException",
    "RecursiveInvocationException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceNotFoundException",
    "ResourceNotReadyException",
    "SerializedRequestEntityTooLargeException",
    "ServiceException",
    "SnapStartException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
    "SubnetIPAddressLimitReachedException",
    "TooManyRequestsException",
];

/// The exceptions that DynamoDB's clients have a class for (Amazon DynamoDB API Reference, "Errors" of each
/// operation). A task fails with any other under the name of the client's general exception.
pub(super) const DYNAMODB_EXCEPTIONS: [&str; 12] = [
    "ConditionalCheckFailedException",
    "DuplicateItemException",
    "IdempotentParameterMismatchException",
    "InternalServerError",
    "ItemCollectionSizeLimitExceededException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "TransactionCanceledException",
    "TransactionConflictException",
];
