//! CreateStateMachine.

use super::state::Core;
use crate::checks::{check_definition, check_name};
use crate::error::Error;
use crate::state_machine::{CreateStateMachine, StateMachine};

impl Core {
    /// Stores a state machine. The same call again gives the stored one (Step Functions API Reference,
    /// CreateStateMachine: the operation is idempotent).
    pub(super) fn create_state_machine(
        &mut self,
        create: &CreateStateMachine,
    ) -> Result<StateMachine, Error> {
        check_name(&create.name)?;
        check_definition(&create.definition, create.kind)?;
        let arn = self.arns.state_machine(&create.name);
        if let Some((kept, _)) = self.journal.state_machine(&arn)? {
            let same = kept.definition == create.definition
                && kept.kind == create.kind
                && kept.role_arn == create.role_arn;
            return if same { Ok(kept) } else { Err(Error::StateMachineAlreadyExists(arn)) };
        }
        let now = self.clock.now();
        let machine = StateMachine {
            arn,
            name: create.name.clone(),
            kind: create.kind,
            role_arn: create.role_arn.clone(),
            definition: create.definition.clone(),
            revision_id: self.randomness.uuid_v4().to_string(),
            created: now,
            updated: now,
        };
        let definition = self.journal.definition_id(&machine.definition)?;
        self.journal.put_state_machine(&machine, definition)?;
        Ok(machine)
    }
}
