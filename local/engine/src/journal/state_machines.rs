//! State machines and their definitions.
//!
//! A definition is stored once and never changed, whatever state machines and executions have it: an
//! execution goes on with the one it began with.

use rusqlite::{OptionalExtension, Row, params};

use super::connection::Journal;
use super::error::JournalError;
use super::times::from_millis;
use crate::state_machine::{StateMachine, StateMachineKind};

/// The key of a definition in the journal.
pub(crate) type DefinitionId = i64;

impl Journal {
    /// The key of this definition, which is stored if it is not yet.
    pub(crate) fn definition_id(&self, text: &str) -> Result<DefinitionId, JournalError> {
        self.connection
            .prepare_cached("INSERT INTO definition (text) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([text])?;
        Ok(self
            .connection
            .prepare_cached("SELECT id FROM definition WHERE text = ?1")?
            .query_row([text], |row| row.get(0))?)
    }

    pub(crate) fn definition(&self, id: DefinitionId) -> Result<String, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT text FROM definition WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?)
    }

    pub(crate) fn put_state_machine(
        &self,
        machine: &StateMachine,
        definition: DefinitionId,
    ) -> Result<(), JournalError> {
        self.connection.execute(
            "INSERT OR REPLACE INTO state_machine VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                machine.arn,
                machine.name,
                machine.kind.as_str(),
                machine.role_arn,
                definition,
                machine.revision_id,
                machine.created.timestamp_millis(),
                machine.updated.timestamp_millis(),
            ],
        )?;
        Ok(())
    }

    pub(crate) fn delete_state_machine(&self, arn: &str) -> Result<(), JournalError> {
        self.connection.execute("DELETE FROM state_machine WHERE arn = ?1", [arn])?;
        Ok(())
    }

    pub(crate) fn state_machine(
        &self,
        arn: &str,
    ) -> Result<Option<(StateMachine, DefinitionId)>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT arn, name, kind, role_arn, d.text, revision, created, updated, d.id
                 FROM state_machine m JOIN definition d ON d.id = m.definition WHERE arn = ?1",
            )?
            .query_row([arn], |row| Ok((state_machine(row)?, row.get(8)?)))
            .optional()?)
    }

    /// Whether there is a state machine of this ARN, even if not all of it can be read.
    pub(crate) fn has_state_machine(&self, arn: &str) -> Result<bool, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM state_machine WHERE arn = ?1)")?
            .query_row([arn], |row| row.get(0))?)
    }

    /// All state machines, oldest first.
    pub(crate) fn state_machines(&self) -> Result<Vec<StateMachine>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT arn, name, kind, role_arn, d.text, revision, created, updated
             FROM state_machine m JOIN definition d ON d.id = m.definition ORDER BY created, arn",
        )?;
        let rows = statement.query_map([], state_machine)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn state_machine(row: &Row<'_>) -> rusqlite::Result<StateMachine> {
    let kind: String = row.get(2)?;
    Ok(StateMachine {
        arn: row.get(0)?,
        name: row.get(1)?,
        kind: StateMachineKind::parse(&kind).unwrap_or(StateMachineKind::Standard),
        role_arn: row.get(3)?,
        definition: row.get(4)?,
        revision_id: row.get(5)?,
        created: from_millis(row.get(6)?),
        updated: from_millis(row.get(7)?),
    })
}
