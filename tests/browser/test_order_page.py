"""An order's page: people's words instead of the machine's, and a drawing that tells what happened."""

import contextlib
import json
import re
import urllib.request

import pytest
from console import PATIENCE, audit, read

MACHINE_WORDS = ["errorType", "errorMessage", "undefined", "NaN", "Invalid Date", "[object"]


def open_order(console, runtime, id, state):
    console.until(f"it is {state}", lambda: read(runtime, id)["state"] == state)
    console.open(f"orders/{id}")
    console.is_in(state, ".large")
    console.see(".graph")


@pytest.mark.parametrize(
    ("language", "told", "technical"),
    [("en", "can't be called back", "Details for the technician"), ("zh", "无法召回", "技术细节"), ("ru", "нельзя отозвать", "Подробности для техника")],
)
def test_a_failure_is_told_in_the_readers_words(console_of, runtime, language, told, technical):
    console = console_of(runtime, language=language)
    id = runtime.order(items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "NEEDS_ATTENTION")
    failure = console.see("div.problem", told)
    assert "ShipmentNotCancellable" not in failure.text
    console.click("div.problem summary", technical)
    console.see("div.problem", "ShipmentNotCancellable")
    # What a state took and gave is shown as the documents that it is.
    text = console.browser.execute_script("document.querySelectorAll('pre').forEach((data) => data.remove()); return document.body.innerText")
    assert not [word for word in MACHINE_WORDS if word in text]
    console.must_be_content()


def test_products_have_their_names(console, runtime):
    id = runtime.order(items=[{"product_id": "macbook-air", "quantity": 1}, {"product_id": "magic-mouse", "quantity": 1}])
    open_order(console, runtime, id, "AWAITING_PAYMENT")
    goods = console.see("[aria-labelledby=goods]").text
    assert "1 × MacBook Air" in goods and "macbook-air" not in goods and "magic-mouse" not in goods
    id = runtime.order(items=[{"product_id": "limited-edition", "quantity": 101}])
    open_order(console, runtime, id, "REJECTED")
    goods = console.see("[aria-labelledby=goods]", "101 wanted, 100 available").text
    assert "Limited Edition: 101 wanted" in goods and "limited-edition" not in goods
    assert "No stock was set aside." in goods


def test_the_undoing_of_an_order_is_no_success_in_green(console, runtime):
    id = runtime.order(items=["iPhone 15"], payment={"method": "pm_declined"})
    open_order(console, runtime, id, "CANCELLED")
    status = console.see("[data-execution=order]", "Ended, the order is undone")
    assert "succeeded" not in status.get_attribute("class")


def test_a_rejection_is_a_decision_and_no_failure(console, runtime):
    id = runtime.order(items=["Mac Pro"], amount=20000)
    console.until("it waits", lambda: read(runtime, id)["state"] == "AWAITING_AUDIT")
    audit(runtime, id, "REJECT")
    open_order(console, runtime, id, "CANCELLED")
    assert "rejected" in console.is_drawn("AwaitAudit", "decided").text
    assert "comes again" not in console.is_drawn("AwaitPayment", "detour").text
    above, below = [console.see(f".graph [data-state={state}]").rect["y"] for state in ["AwaitAudit", "AwaitPayment"]]
    assert above < below, "the review comes before the payment"


def test_a_step_that_went_well_in_one_warehouse_is_not_wholly_red(console, runtime):
    id = runtime.order(items=["magic-mouse", "macbook-air"], payment={"method": "pm_card"})
    console.until("it is completed", lambda: read(runtime, id)["state"] == "COMPLETED")
    assert len({shipment["warehouse"] for shipment in read(runtime, id)["shipments"]}) == 2
    # Which of two warehouses answers first, and so whether the second has still answered when the first has failed, is
    # chance: the page is given a history in which one did and the other did not.
    console.network(f"{id}/workflow", "answer", status=200, body=with_a_failed_visit(workflow(runtime, id), "ShipWarehouse"))
    open_order(console, runtime, id, "COMPLETED")
    assert "1 done, 1 failed" in console.is_drawn("ShipWarehouse", "mixed").text


def workflow(runtime, id):
    with urllib.request.urlopen(f"{runtime.url}/api/v1/orders/{id}/workflow", timeout=PATIENCE) as answer:
        return json.load(answer)


def with_a_failed_visit(workflow, state):
    """The workflow as it would be if the task of one visit of this state had failed."""
    events = next(execution["events"] for execution in workflow["executions"] if execution["part"] == "order")
    entered = next(event["id"] for event in events if event["type"] == "TaskStateEntered" and event["state"] == state)
    visit = {entered}
    for event in events:
        if event["previous_id"] in visit and not event["type"].endswith("StateExited"):
            visit.add(event["id"])
            if event["type"] == "TaskSucceeded":
                event.update(type="TaskFailed", error="ShipmentFailed", cause="The box fell.")
                return workflow
    raise AssertionError(f"no task of {state} succeeded")


@pytest.mark.parametrize("phone", [False, True])
def test_the_details_of_a_state_come_into_view(console, runtime, phone):
    id = runtime.order(items=["iPhone 15"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "COMPLETED")
    with console.on_a_phone() if phone else contextlib.nullcontext():
        console.is_drawn("ShipWarehouse", "done")
        console.click(".graph [data-state=ShipWarehouse]")
        console.see(".details h3", "ShipWarehouse")
        in_view = "const box = document.querySelector('.details h3').getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight"
        console.until("the details on the screen", lambda: console.browser.execute_script(in_view))


def test_times_and_durations_are_readable(console, runtime):
    id = runtime.order(items=["iPhone 15"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "COMPLETED")
    console.click("summary", "History")
    times = [cell.text for cell in console.all(".history tbody td:nth-child(2)")]
    assert times and all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", text) for text in times), times[:3]
    assert " s" in console.is_drawn("CapturePayment", "done").text


def test_an_id_is_copied(console, runtime):
    id = runtime.order(items=["iPhone 15"])
    open_order(console, runtime, id, "AWAITING_PAYMENT")
    console.browser.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    console.click("h1 button")
    console.until("it is copied", lambda: console.browser.execute_script("return window.copied") == id)
    assert console.see("#announcements", "Copied")


def test_a_failure_of_an_order_that_needs_attention_is_told_once(console, runtime):
    id = runtime.order(items=["fragile-vase", "stuck-crate"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "NEEDS_ATTENTION")
    console.see(".card.alarm .problem", "can't be called back")
    assert len(console.all(".problem")) == 1


def rows(console, lane):
    """The rows of bars of an execution: the state and its warehouse, if it has one."""
    return [(row.get_attribute("data-row"), row.get_attribute("data-warehouse")) for row in console.all(f"[data-lane={lane}] [data-row]")]


def test_the_course_has_a_row_for_each_warehouse_and_a_lane_for_the_payment_window(console, runtime):
    id = runtime.order(items=["magic-mouse", "macbook-air"])
    open_order(console, runtime, id, "AWAITING_PAYMENT")
    assert rows(console, "order") == [("ReserveStock", None), ("AwaitPayment", None)]
    assert rows(console, "payment-window") == [("AwaitDeadline", None)]
    assert console.all("[data-row=AwaitDeadline] .span.wait") and console.all("[data-row=AwaitPayment] .span.wait")
    console.click("main button", "Pay")
    console.is_in("COMPLETED", ".large")
    console.see("[data-row=ShipWarehouse]")
    shipped = {warehouse for state, warehouse in rows(console, "order") if state == "ShipWarehouse"}
    assert shipped == {shipment["warehouse"] for shipment in read(runtime, id)["shipments"]} and len(shipped) == 2
    # The compensation is in neither, as long as it is not used.
    assert "RefundPayment" not in [state for state, _ in rows(console, "order")]
    console.click("[data-row=AwaitDeadline] button")
    console.see(".details h3", "AwaitDeadline")
    console.is_drawn("AwaitDeadline", "stopped")
    console.must_be_content()


def test_retries_and_the_pauses_before_them_are_seen(console, runtime):
    id = runtime.order(items=["fragile-lamp"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "COMPLETED")
    row = console.see("[data-row=ShipWarehouse]", "retried 2")
    kinds = [span.get_attribute("class").split()[-1] for span in row.find_elements("css selector", ".span")]
    assert kinds == ["failed", "pause", "failed", "pause", "work"]
    # Each begins where the one before ends.
    edges = "return [...arguments[0].querySelectorAll('.span')].map(({ style }) => [parseFloat(style.left), parseFloat(style.width)])"
    for _ in range(2):
        places = console.browser.execute_script(edges, row)
        assert all(abs(left + width - following) < 0.1 for (left, width), (following, _) in zip(places, places[1:]))
        console.click(".gantt button", "True to scale")
    console.must_be_content()


@pytest.mark.parametrize("phone", [False, True])
def test_the_details_stay_in_view_wherever_in_the_drawing_somebody_is(console, runtime, phone):
    id = runtime.order(items=["fragile-vase", "fragile-lamp"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "CANCELLED")
    with console.on_a_phone() if phone else contextlib.nullcontext():
        console.is_drawn("CloseOrder", "done")
        console.click(".graph [data-state=ReserveStock]")
        console.see(".details h3", "ReserveStock")
        in_view = "const box = document.querySelector('.what').getBoundingClientRect(); return box.bottom > 40 && box.top < innerHeight - 40"
        for state in ["ReserveStock", "CapturePayment", "CloseOrder"]:
            console.middle(console.see(f".graph [data-state={state}]"))
            assert console.browser.execute_script(in_view), state


def test_the_history_is_filtered_and_searched(console, runtime):
    id = runtime.order(items=["fragile-lamp"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "COMPLETED")
    console.click("summary", "History")
    events = lambda: [row.text for row in console.all(".history tbody tr")]
    every = len(events())
    console.see(".history [role=status]", f"{every} of {every}")
    console.click(".history button", "Failures only")
    console.until("the failed attempts", lambda: len(events()) == 2 and all("does not answer" in event for event in events()))
    console.click(".history button", "Failures only")
    console.see("#history-state").send_keys("CapturePayment")
    console.until("one state's events", lambda: 0 < len(events()) < 10 and "CapturePayment" in events()[0])
    console.type("#history-search", "tasksucc")
    console.until("one event", lambda: [event.split()[2] for event in events()] == ["TaskSucceeded"])
    console.type("#history-search", "nothing has this")
    console.see(".history [role=status]", f"0 of {every}")
    console.must_be_content()


def test_a_deployed_execution_leads_to_the_console_of_aws(console, runtime):
    id = runtime.order(items=["iPhone 15"], payment={"method": "pm_card"})
    console.until("it is completed", lambda: read(runtime, id)["state"] == "COMPLETED")
    told = workflow(runtime, id)
    assert not [execution for execution in told["executions"] if "aws_console" in execution], "there is none of this machine"
    address = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/arn"
    told["executions"][0]["aws_console"] = address
    console.network(f"{id}/workflow", "answer", status=200, body=told)
    open_order(console, runtime, id, "COMPLETED")
    assert console.see(".facts a", "AWS").get_attribute("href") == address


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
def test_what_is_said_of_a_state_stays_inside_it(console_of, runtime, language):
    console = console_of(runtime, language=language)
    id = runtime.order(items=["fragile-lamp", "magic-mouse"], payment={"method": "pm_card"})
    open_order(console, runtime, id, "COMPLETED")
    console.is_drawn("ShipWarehouse", "done")
    inside = """return [...document.querySelectorAll('.graph .state')].every((state) => {
        const [box, note] = [state.querySelector('rect'), state.querySelector('svg')].map((part) => part.getBoundingClientRect());
        return note.left >= box.left && note.right <= box.right && getComputedStyle(state.querySelector('svg')).overflow === 'hidden';
    })"""
    assert console.browser.execute_script(inside)
