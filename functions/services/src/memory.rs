//! What the functions of one process remember together.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

type Value = Arc<dyn Any + Send + Sync>;

/// One value of each type, made when it is asked for first. Clones hold the same values: on Lambda
/// those of one function's process, in the local runtime those of all functions of one runtime.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<HashMap<TypeId, Value>>>);

impl Memory {
    /// The value of this type, made by [`Default`] the first time.
    pub fn of<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        // A value that is kept under its own type is of that type.
        Arc::clone(value).downcast().unwrap_or_default()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_remember_the_same_and_others_do_not() {
        let memory = Memory::default();
        *memory.clone().of::<Mutex<u32>>().lock().unwrap() = 7;
        assert_eq!(*memory.of::<Mutex<u32>>().lock().unwrap(), 7);
        assert_eq!(*Memory::default().of::<Mutex<u32>>().lock().unwrap(), 0);
    }
}
