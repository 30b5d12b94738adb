"""A runtime of its own for these tests, driven by boto3 as any AWS endpoint."""

import json
import pathlib
import sys
import time

import boto3
import pytest
from botocore.config import Config

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtime import BINARY, Runtime, is_built  # noqa: E402

ROLE = "arn:aws:iam::000000000000:role/test"


@pytest.fixture(scope="session")
def endpoint():
    """The URL of the AWS API."""
    if not is_built():
        pytest.skip(f"skipped: {BINARY} is not built; run `cargo build -p omniflow` or set OMNIFLOW_BIN")
    runtime = Runtime("--memory")
    yield runtime.aws_url
    runtime.stop()


@pytest.fixture(scope="session")
def client(endpoint):
    """Makes boto3 clients of the runtime, or of the one at another URL."""

    def make(service, url=endpoint):
        return boto3.client(
            service,
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(inject_host_prefix=False, retries={"max_attempts": 1}),
        )

    return make


@pytest.fixture(scope="session")
def states(client):
    """Step Functions."""
    return client("stepfunctions")


@pytest.fixture
def machine(states, request):
    """Creates state machines named after the test and deletes them again."""
    made = []

    def create(definition, kind="STANDARD", name=None):
        name = name or f"{request.node.name[:60]}-{len(made)}"
        answer = states.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind
        )
        made.append(answer["stateMachineArn"])
        return answer["stateMachineArn"]

    yield create
    for arn in made:
        states.delete_state_machine(stateMachineArn=arn)


@pytest.fixture(scope="session")
def ended(states):
    """Waits for the end of an execution and describes it."""

    def wait(arn):
        for _ in range(500):
            description = states.describe_execution(executionArn=arn)
            if description["status"] != "RUNNING":
                return description
            time.sleep(0.01)
        raise AssertionError(f"{arn} does not end")

    return wait
