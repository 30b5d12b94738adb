//! One module: what it imports and exports, and its lines without that.

use crate::Error;

/// Names that a module takes from another.
#[derive(Debug)]
pub(crate) struct Import {
    /// The path of the other module in the folder.
    pub from: String,
    /// The name there, and the name here.
    pub names: Vec<(String, String)>,
}

/// A module.
#[derive(Debug)]
pub(crate) struct Module {
    pub imports: Vec<Import>,
    /// The name here, and the name for others.
    pub exports: Vec<(String, String)>,
    /// The imports of other bundles as they are written, and the path of the module in the folder.
    pub later: Vec<(String, String)>,
    pub body: String,
}

impl Module {
    pub(crate) fn read(path: &str, text: &str) -> Result<Self, Error> {
        let mut module =
            Self { imports: Vec::new(), exports: Vec::new(), later: later(path, text), body: String::new() };
        for line in text.lines() {
            let unknown = || Error::UnknownForm { module: path.to_owned(), line: line.to_owned() };
            if let Some(rest) = line.strip_prefix("import ") {
                module.imports.push(import(path, rest).ok_or_else(unknown)?);
            } else if let Some(rest) = line.strip_prefix("export {") {
                module.exports.extend(renamed(rest.strip_suffix("};").ok_or_else(unknown)?));
            } else if let Some(rest) = line.strip_prefix("export ") {
                let name = declared(rest).ok_or_else(unknown)?;
                module.exports.push((name.to_owned(), name.to_owned()));
                module.push(rest);
            } else if let Some((rest, exports)) = minified(line) {
                module.exports.extend(renamed(exports));
                module.push(rest);
            } else {
                module.push(line);
            }
        }
        Ok(module)
    }

    fn push(&mut self, line: &str) {
        self.body.push_str(line);
        self.body.push('\n');
    }
}

/// `{ name, name as other } from "./file.js";`
fn import(path: &str, rest: &str) -> Option<Import> {
    let (names, from) = rest.strip_prefix('{')?.split_once("} from \"")?;
    let from = resolved(path, from.strip_suffix("\";")?)?;
    Some(Import { from, names: renamed(names) })
}

/// The pairs of `name, name as other`.
fn renamed(names: &str) -> Vec<(String, String)> {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let (first, second) = name.split_once(" as ").unwrap_or((name, name));
            (first.trim().to_owned(), second.trim().to_owned())
        })
        .collect()
}

/// The name that a declaration gives to something that never changes.
fn declared(declaration: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "class ", "const "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$')?;
    Some(&rest[..end]).filter(|name| !name.is_empty())
}

/// The end of a minified module, which exports all at once.
fn minified(line: &str) -> Option<(&str, &str)> {
    line.strip_suffix("};")?.rsplit_once("export{").filter(|(_, names)| !names.contains(['(', ';']))
}

/// The imports that are made when they are wanted.
fn later(path: &str, text: &str) -> Vec<(String, String)> {
    let beginnings = text.match_indices("import(\"").map(|(at, _)| &text[at..]);
    beginnings
        .filter_map(|from| {
            let written = &from[..from.find(')')? + 1];
            let named = written.strip_prefix("import(\"")?.strip_suffix("\")")?;
            Some((written.to_owned(), resolved(path, named)?))
        })
        .collect()
}

/// The path in the folder that a relative path in a module means.
fn resolved(path: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let is_above = relative.starts_with("../");
    let mut rest = if is_above { relative } else { relative.strip_prefix("./")? };
    while let Some(above) = rest.strip_prefix("../") {
        parts.pop()?;
        rest = above;
    }
    parts.push(rest);
    Some(parts.join("/"))
}
