"""The Step Functions API as boto3 sees it: answers, errors, paging."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import ROLE
from runtime import Runtime

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}


def code_of(error):
    return error.value.response["Error"]["Code"]


def test_a_state_machine_is_created_once_described_updated_and_deleted(states, machine):
    arn = machine(PASS, name="once")
    assert machine(PASS, name="once") == arn
    with pytest.raises(states.exceptions.StateMachineAlreadyExists):
        machine(FAIL, name="once")
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"]) == PASS
    assert arn in [row["stateMachineArn"] for row in states.list_state_machines()["stateMachines"]]
    first = states.describe_state_machine(stateMachineArn=arn)["revisionId"]
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(FAIL))
    described = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(described["definition"]) == FAIL and described["revisionId"] != first
    states.delete_state_machine(stateMachineArn=arn)
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.describe_state_machine(stateMachineArn=arn)


def test_a_bad_definition_name_or_arn_is_refused(states, machine):
    with pytest.raises(states.exceptions.InvalidDefinition):
        machine({"StartAt": "Nowhere", "States": {"A": {"Type": "Pass", "End": True}}})
    with pytest.raises(states.exceptions.InvalidName):
        machine(PASS, name="a b")
    with pytest.raises(states.exceptions.InvalidArn):
        states.describe_execution(executionArn="order")


def test_starting_is_idempotent_by_name(states, machine, ended):
    arn = machine(WAIT)
    start = dict(stateMachineArn=arn, name="one", input='{"n": 1}')
    first = states.start_execution(**start)
    assert states.start_execution(**start)["executionArn"] == first["executionArn"]
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(**{**start, "input": '{"n": 2}'})
    states.stop_execution(executionArn=first["executionArn"], error="E", cause="C")
    description = ended(first["executionArn"])
    assert (description["status"], description["error"], description["cause"]) == ("ABORTED", "E", "C")
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(**start)


def test_what_cannot_start_is_refused(states, machine):
    arn = machine(PASS)
    with pytest.raises(states.exceptions.InvalidExecutionInput):
        states.start_execution(stateMachineArn=arn, input="{")
    with pytest.raises(states.exceptions.InvalidName):
        states.start_execution(stateMachineArn=arn, name="a/b")
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.start_execution(stateMachineArn=arn + "x")
    with pytest.raises(states.exceptions.ClientError) as error:
        states.start_execution(stateMachineArn=arn, input=json.dumps("x" * 262_145))
    assert code_of(error) == "ValidationException"


def test_a_history_is_paged_reversed_and_read_without_data(states, machine, ended):
    arn = states.start_execution(stateMachineArn=machine(PASS), input='{"n": 1}')["executionArn"]
    assert json.loads(ended(arn)["output"]) == {"n": 1}
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, PaginationConfig={"PageSize": 2}
    )
    events = [event for page in pages for event in page["events"]]
    types = [event["type"] for event in events]
    assert types[0] == "ExecutionStarted" and types[-1] == "ExecutionSucceeded" and len(types) == 6
    backwards = states.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
    assert [event["id"] for event in backwards] == [6, 5, 4, 3, 2, 1]
    bare = states.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert "input" not in bare[0]["executionStartedEventDetails"]
    with pytest.raises(states.exceptions.InvalidToken):
        states.get_execution_history(executionArn=arn, nextToken="nonsense")


def test_executions_are_listed_newest_first_by_status_and_page(states, machine, ended):
    good = machine(PASS)
    arns = [states.start_execution(stateMachineArn=good, name=f"n{i}")["executionArn"] for i in range(5)]
    for arn in arns:
        ended(arn)
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=good, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 2}
    )
    assert [row["executionArn"] for page in pages for row in page["executions"]] == arns[::-1]
    assert states.list_executions(stateMachineArn=good, statusFilter="FAILED")["executions"] == []


def test_a_token_is_checked_before_it_is_believed(states):
    for call in (
        lambda: states.send_task_success(taskToken="nonsense", output="{}"),
        lambda: states.send_task_failure(taskToken="nonsense"),
        lambda: states.send_task_heartbeat(taskToken="nonsense"),
    ):
        with pytest.raises(states.exceptions.InvalidToken):
            call()


def test_a_failed_execution_can_be_redriven_and_a_succeeded_one_cannot(states, machine, ended):
    failed = states.start_execution(stateMachineArn=machine(FAIL))["executionArn"]
    assert ended(failed)["redriveStatus"] == "REDRIVABLE"
    states.redrive_execution(executionArn=failed)
    assert ended(failed)["redriveCount"] == 1
    good = states.start_execution(stateMachineArn=machine(PASS))["executionArn"]
    ended(good)
    with pytest.raises(states.exceptions.ExecutionNotRedrivable):
        states.redrive_execution(executionArn=good)


def test_an_express_machine_answers_at_once(states, machine):
    answer = states.start_sync_execution(stateMachineArn=machine(PASS, kind="EXPRESS"), input='{"n": 7}')
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 7})
    with pytest.raises(states.exceptions.StateMachineTypeNotSupported):
        states.start_sync_execution(stateMachineArn=machine(PASS))


def test_definitions_are_validated_and_states_tested(states):
    good = states.validate_state_machine_definition(definition=json.dumps(PASS))
    assert (good["result"], good["diagnostics"]) == ("OK", [])
    bad = states.validate_state_machine_definition(definition='{"StartAt": "A", "States": {}}')
    assert bad["result"] == "FAIL" and bad["diagnostics"][0]["severity"] == "ERROR"
    tested = states.test_state(
        definition=json.dumps({"Type": "Pass", "Result": {"n": 2}, "Next": "B"}), roleArn="arn:aws:iam::000000000000:role/x"
    )
    assert (tested["status"], tested["nextState"], json.loads(tested["output"])) == ("SUCCEEDED", "B", {"n": 2})


def distributed(processor, child="STANDARD", **fields):
    """A machine that is one Distributed Map over its input."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": child}
    each = {"Type": "Map", "Label": "Shelves", "End": True, "ItemProcessor": {"ProcessorConfig": config, **processor}}
    return {"StartAt": "Count", "States": {"Count": {**each, **fields}}}


def test_a_distributed_map_runs_children_that_are_counted_and_listed(states, machine, ended):
    arn = machine(distributed(PASS))
    started = states.start_execution(stateMachineArn=arn, input="[1, 2, 3]")["executionArn"]
    assert json.loads(ended(started)["output"]) == [1, 2, 3]
    (listed,) = states.list_map_runs(executionArn=started)["mapRuns"]
    assert (listed["executionArn"], listed["stateMachineArn"]) == (started, arn)
    run = states.describe_map_run(mapRunArn=listed["mapRunArn"])
    assert (run["status"], run["maxConcurrency"], run["redriveCount"]) == ("SUCCEEDED", 0, 0)
    assert (run["toleratedFailureCount"], run["toleratedFailurePercentage"]) == (0, 0.0)
    for counts in (run["itemCounts"], run["executionCounts"]):
        assert (counts["total"], counts["succeeded"], counts["pending"], counts["resultsWritten"]) == (3, 3, 0, 0)
    assert run["startDate"] <= run["stopDate"]

    pages = states.get_paginator("list_executions").paginate(
        mapRunArn=run["mapRunArn"], PaginationConfig={"PageSize": 2}
    )
    children = [child for page in pages for child in page["executions"]]
    assert [child["itemCount"] for child in children] == [1, 1, 1]
    child = states.describe_execution(executionArn=children[0]["executionArn"])
    assert (child["mapRunArn"], child["stateMachineArn"]) == (run["mapRunArn"], f"{arn}/Shelves")
    events = states.get_execution_history(executionArn=child["executionArn"])["events"]
    assert [event["type"] for event in events][:2] == ["ExecutionStarted", "PassStateEntered"]
    described = states.describe_state_machine_for_execution(executionArn=child["executionArn"])
    assert (described["label"], described["mapRunArn"]) == ("Shelves", run["mapRunArn"])
    assert json.loads(described["definition"])["StartAt"] == "A"
    (begun,) = [
        event["mapRunStartedEventDetails"]
        for event in states.get_execution_history(executionArn=started)["events"]
        if event["type"] == "MapRunStarted"
    ]
    assert begun == {"mapRunArn": run["mapRunArn"]}


def test_a_failed_map_run_is_redriven_by_its_parent_only(states, machine, ended):
    arn = machine(distributed(FAIL, MaxConcurrency=1, ToleratedFailureCount=1))
    started = states.start_execution(stateMachineArn=arn, input="[1, 2, 3]")["executionArn"]
    failed = ended(started)
    assert (failed["status"], failed["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    run = states.list_map_runs(executionArn=started)["mapRuns"][0]["mapRunArn"]
    counts = states.describe_map_run(mapRunArn=run)["executionCounts"]
    assert (counts["failed"], counts["pending"], counts["total"]) == (2, 1, 3)
    child = states.list_executions(mapRunArn=run, statusFilter="FAILED")["executions"][0]["executionArn"]
    assert states.describe_execution(executionArn=child)["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    with pytest.raises(states.exceptions.ExecutionNotRedrivable):
        states.redrive_execution(executionArn=child)
    states.redrive_execution(executionArn=started)
    assert ended(started)["status"] == "FAILED"
    assert states.describe_map_run(mapRunArn=run)["redriveCount"] == 1
    types = [event["type"] for event in states.get_execution_history(executionArn=started)["events"]]
    assert types.count("MapRunFailed") == 2 and types.count("MapRunRedriven") == 1


def test_a_map_run_is_changed_and_stopped_with_its_parent(states, machine, ended):
    arn = machine(distributed(WAIT, MaxConcurrency=1))
    started = states.start_execution(stateMachineArn=arn, input="[1, 2, 3]")["executionArn"]
    run = states.list_map_runs(executionArn=started)["mapRuns"][0]["mapRunArn"]
    states.update_map_run(mapRunArn=run, maxConcurrency=2, toleratedFailureCount=1, toleratedFailurePercentage=50)
    described = states.describe_map_run(mapRunArn=run)
    assert (described["status"], described["maxConcurrency"]) == ("RUNNING", 2)
    assert (described["toleratedFailureCount"], described["toleratedFailurePercentage"]) == (1, 50.0)
    with pytest.raises(ClientError) as refused:
        states.update_map_run(mapRunArn=run, toleratedFailurePercentage=101)
    assert code_of(refused) == "ValidationException"
    states.stop_execution(executionArn=started)
    assert ended(started)["status"] == "ABORTED"
    assert states.describe_map_run(mapRunArn=run)["status"] == "ABORTED"
    with pytest.raises(states.exceptions.ResourceNotFound):
        states.describe_map_run(mapRunArn=run + "0")
    with pytest.raises(states.exceptions.InvalidArn):
        states.describe_map_run(mapRunArn=started)
    with pytest.raises(ClientError) as both:
        states.list_executions(mapRunArn=run, stateMachineArn=arn)
    assert code_of(both) == "ValidationException"


def test_express_children_have_no_history(states, machine, ended):
    started = states.start_execution(stateMachineArn=machine(distributed(PASS, child="EXPRESS")), input="[1]")
    ended(started["executionArn"])
    run = states.list_map_runs(executionArn=started["executionArn"])["mapRuns"][0]["mapRunArn"]
    child = states.list_executions(mapRunArn=run)["executions"][0]["executionArn"]
    assert ":express:" in child
    assert states.describe_execution(executionArn=child)["status"] == "SUCCEEDED"
    with pytest.raises(states.exceptions.InvalidArn):
        states.get_execution_history(executionArn=child)


def test_what_is_not_supported_is_refused_by_name(states, machine):
    place = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
    for field in ("ItemReader", "ResultWriter"):
        with pytest.raises(states.exceptions.InvalidDefinition, match=f"{field} is not supported here"):
            machine(distributed(PASS, **{field: place}))


def test_a_map_run_goes_on_after_a_kill_with_nothing_run_twice(client, tmp_path):
    """Kills the process while children run; it may also have come to the end by then, and all holds as well."""
    data = ("--data", str(tmp_path / "data"))
    runtime = Runtime(*data)
    states = client("stepfunctions", runtime.aws_url)
    definition = json.dumps(distributed(PASS))
    arn = states.create_state_machine(name="count", definition=definition, roleArn=ROLE)["stateMachineArn"]
    products = list(range(2000))
    started = states.start_execution(stateMachineArn=arn, input=json.dumps(products))["executionArn"]
    run = states.list_map_runs(executionArn=started)["mapRuns"][0]["mapRunArn"]
    while states.describe_map_run(mapRunArn=run)["executionCounts"]["succeeded"] == 0:
        pass
    done = children(states, run, "SUCCEEDED")
    runtime.process.kill()
    runtime.process.wait()

    runtime = Runtime(*data)
    states = client("stepfunctions", runtime.aws_url)
    while (description := states.describe_execution(executionArn=started))["status"] == "RUNNING":
        pass
    assert json.loads(description["output"]) == products
    counts = states.describe_map_run(mapRunArn=run)["executionCounts"]
    assert (counts["succeeded"], counts["total"]) == (2000, 2000)
    after = children(states, run, "SUCCEEDED")
    assert len(after) == 2000 and done.items() <= after.items()
    runtime.stop()


def children(states, run, status):
    """When each child of the run stopped that has this status."""
    pages = states.get_paginator("list_executions").paginate(mapRunArn=run, statusFilter=status)
    return {child["executionArn"]: child["stopDate"] for page in pages for child in page["executions"]}
