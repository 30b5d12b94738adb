//! Journals of every version and form that was released go on where they were.
//!
//! `journals/content.sql` holds what the engine wrote, `journals/version-*.sql` and
//! `journals/unversioned-*.sql` the tables in which it lay.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::time::Duration;

use engine::{Engine, Error, ExecutionStatus, JournalError, ManualClock, Options, PageRequest, Verdict};
use file_versions::LaterRelease;
use rusqlite::Connection;
use serde_json::json;
use support::{Outside, ended, open, some_time};

/// The token that the execution `ask:asked` of `content.sql` waits for.
const TOKEN: &str = "AAAAAAAAAAIAAAAAAAAAAUHEmJxZlGSS4IdMxD96jcg";

fn arn(execution: &str) -> String {
    format!("arn:aws:states:us-east-1:000000000000:execution:{execution}")
}

fn journal(folder: &Path, form: &str) -> Connection {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journals");
    let connection = Connection::open(folder.join("journal.db")).unwrap();
    for file in [form, "content.sql"] {
        connection.execute_batch(&std::fs::read_to_string(journals.join(file)).unwrap()).unwrap();
    }
    connection
}

async fn goes_on(form: &str) {
    let folder = tempfile::tempdir().unwrap();
    drop(journal(folder.path(), form));
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);

    let done = engine.describe_execution(&arn("chain:done")).unwrap();
    assert_eq!((done.status, done.output.as_deref()), (ExecutionStatus::Succeeded, Some(r#"{"x":1}"#)));
    let history = engine.execution_history(&arn("chain:done"), false, &PageRequest::default()).unwrap();
    let ids: Vec<_> = history.events.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=12).collect::<Vec<_>>());

    engine.send_task(TOKEN.to_owned(), Verdict::Success(json!({ "paid": true }))).await.unwrap();
    assert_eq!(ended(&engine, &arn("ask:asked")).await.output.as_deref(), Some(r#"{"paid":true}"#));

    assert_eq!(engine.describe_execution(&arn("broken:failed")).unwrap().error.as_deref(), Some("Broken"));
    engine.redrive_execution(arn("broken:failed")).await.unwrap();
    let redriven = ended(&engine, &arn("broken:failed")).await;
    assert_eq!((redriven.status, redriven.redrive_count), (ExecutionStatus::Succeeded, 1));
    assert_eq!(outside.calls(), [("broken".to_owned(), json!({ "x": 2 }))]);

    clock.advance(Duration::from_secs(1800));
    assert_eq!(ended(&engine, &arn("wait:waiting")).await.output.as_deref(), Some(r#"{"x":3}"#));
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_of_every_earlier_form_go_on() {
    let forms =
        ["unversioned-1.sql", "unversioned-2.sql", "unversioned-3.sql", "version-1.sql", "version-2.sql"];
    for form in forms {
        goes_on(form).await;
    }
}

#[tokio::test]
async fn a_journal_of_a_later_release_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    journal(folder.path(), "version-1.sql").pragma_update(None, "user_version", 1000).unwrap();
    let options = Options::at(folder.path().join("journal.db"));
    let refused = Engine::open(options, |_| std::sync::Arc::new(Outside::echo())).err().unwrap();
    assert!(matches!(refused, JournalError::LaterRelease(LaterRelease { found: 1000, .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_can_not_be_read_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = journal(folder.path(), "version-1.sql");
    damaged.execute("UPDATE definition SET text = '{}' WHERE id = 1", []).unwrap();
    drop(damaged);
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = engine.state_machine_arn("chain");
    let refused = engine.start_execution(machine.clone(), Some("new".to_owned()), "{}".to_owned()).await;
    assert!(matches!(refused, Err(Error::InvalidDefinition(_))), "{refused:?}");
    let kept = engine.list_executions(&machine, None, &PageRequest::default()).unwrap().executions;
    assert_eq!(kept.iter().map(|execution| execution.name.as_str()).collect::<Vec<_>>(), ["done"]);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_journal_is_for_the_log_and_not_for_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = journal(folder.path(), "version-1.sql");
    damaged.execute("UPDATE history SET events = 'SECRET'", []).unwrap();
    drop(damaged);
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let refused = engine.execution_history(&arn("chain:done"), false, &PageRequest::default()).unwrap_err();
    assert!(matches!(refused, Error::Journal(_)), "{refused:?}");
    assert!(refused.is_internal() && !refused.to_string().contains("history"), "{refused}");
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains("a history in the journal can't be read"), "{source}");
    engine.shut_down();
}
