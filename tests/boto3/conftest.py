"""A runtime of its own for these tests, driven by boto3 as any AWS endpoint."""

import json
import os
import pathlib
import re
import subprocess
import time

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("OMNIFLOW_BIN", str(ROOT / "target/debug/omniflow"))
ROLE = "arn:aws:iam::000000000000:role/test"


@pytest.fixture(scope="session")
def endpoint():
    """The URL of the AWS API."""
    if not os.path.exists(BINARY):
        pytest.skip(f"skipped: {BINARY} is not built; run `cargo build -p omniflow` or set OMNIFLOW_BIN")
    arguments = [BINARY, "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--memory"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        line = process.stdout.readline()
        yield re.search(r"AWS API (http://[\d.:]+)", line)[1]
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.fixture(scope="session")
def client(endpoint):
    """Makes boto3 clients of the runtime."""

    def make(service):
        return boto3.client(
            service,
            endpoint_url=endpoint,
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
