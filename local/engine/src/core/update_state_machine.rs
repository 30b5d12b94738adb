//! UpdateStateMachine.

use super::state::Core;
use crate::checks::check_definition;
use crate::error::Error;
use crate::state_machine::{UpdateStateMachine, UpdatedStateMachine};

impl Core {
    pub(super) fn update_state_machine(
        &mut self,
        update: &UpdateStateMachine,
    ) -> Result<UpdatedStateMachine, Error> {
        let (mut machine, _) = self
            .journal
            .state_machine(&update.arn)?
            .ok_or_else(|| Error::StateMachineDoesNotExist(update.arn.clone()))?;
        if let Some(definition) = &update.definition {
            check_definition(definition, machine.kind)?;
            machine.definition.clone_from(definition);
        }
        if let Some(role_arn) = &update.role_arn {
            machine.role_arn.clone_from(role_arn);
        }
        machine.revision_id = self.randomness.uuid_v4().to_string();
        machine.updated = self.clock.now();
        let definition = self.journal.definition_id(&machine.definition)?;
        self.journal.put_state_machine(&machine, definition)?;
        Ok(UpdatedStateMachine { revision_id: machine.revision_id, updated: machine.updated })
    }
}
