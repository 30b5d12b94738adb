//! A recorded case, as the corpus' README describes it.

use std::path::Path;

use serde_json::Value;

pub struct Case {
    pub area: String,
    pub id: String,
    pub kind: String,
    pub json: Value,
}

impl Case {
    pub fn field(&self, name: &str) -> &Value {
        self.json.get(name).unwrap_or(&Value::Null)
    }

    pub fn expected(&self) -> &Value {
        self.field("expected")
    }

    pub fn definition(&self) -> String {
        match self.field("definition_text") {
            Value::String(text) => text.clone(),
            _ => self.field("definition").to_string(),
        }
    }

    pub fn machine_type(&self) -> asl::MachineType {
        match self.field("type").as_str() {
            Some("EXPRESS") => asl::MachineType::Express,
            _ => asl::MachineType::Standard,
        }
    }

    pub fn name(&self, which: &str, otherwise: &str) -> String {
        self.json.pointer(&format!("/names/{which}")).and_then(Value::as_str).unwrap_or(otherwise).to_owned()
    }

    /// Whether a Map of the definition has a reader or a writer, which are not had here.
    pub fn reads_or_writes_items(&self) -> bool {
        let definition = self.definition();
        ["\"ItemReader\"", "\"ResultWriter\""].iter().any(|field| definition.contains(field))
            && self.area != "test_state"
    }

    pub fn is_validated(&self) -> bool {
        self.field("provenance") == "aws-validated"
    }
}

pub fn load(folder: &Path) -> Option<Vec<Case>> {
    let mut files: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(|f| Some(f.ok()?.path())).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let area = file.file_stem()?.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).ok()?;
        let list: Vec<Value> = serde_json::from_str(&text).expect("the corpus is JSON");
        for json in list {
            let text = |field: &str| json.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            cases.push(Case { area: area.clone(), id: text("id"), kind: text("kind"), json });
        }
    }
    (!cases.is_empty()).then_some(cases)
}
