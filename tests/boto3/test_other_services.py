"""DynamoDB, EventBridge and Lambda as boto3 sees them."""

import json

import pytest


def test_the_tables_of_the_template_can_be_scanned(client):
    dynamodb = client("dynamodb")
    tables = dynamodb.list_tables()["TableNames"]
    stock = next(name for name in tables if name.startswith("Stock"))
    assert dynamodb.scan(TableName=stock)["Count"] > 0
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.scan(TableName="nothing")


def test_events_are_taken_and_malformed_ones_told(client):
    entry = {"Source": "shop", "DetailType": "Test", "Detail": "{}"}
    answer = client("events").put_events(Entries=[entry, {**entry, "Detail": "no json"}])
    assert answer["FailedEntryCount"] == 1
    assert "EventId" in answer["Entries"][0] and answer["Entries"][1]["ErrorCode"] == "MalformedDetail"


def test_a_function_is_invoked_and_its_error_told(client):
    functions = client("lambda")
    answer = functions.invoke(FunctionName="ReserveStockFunction", Payload=json.dumps({"order_id": "none"}))
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"]
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.invoke(FunctionName="Nobody", Payload="{}")
