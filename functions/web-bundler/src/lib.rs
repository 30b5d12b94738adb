//! Puts JavaScript modules together into one file, so that a browser needs one request instead of one for
//! each module, one after another.
//!
//! This is no JavaScript parser. It knows the forms of `import` and `export` that the console's modules use
//! (ECMAScript 2025, section 16.2), each at the beginning of a line, and refuses every other:
//!
//! - `import { name, name as other } from "./file.js";`
//! - `export function`, `export async function`, `export class` and `export const name =`
//! - `export { name, name as other };`, also at the end of a minified line
//! - `import("./file.js")` for the first module of another bundle
//!
//! Each module becomes a function that is called once, after the modules that it imports, and gives its
//! exports. So two modules may use the same name for different things, as they may without a bundle. No module
//! may `await` outside of its functions. Comments and indentation are left out.

mod module;
mod slim;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use module::Module;
pub use slim::{slim, slim_json};

/// Why modules can't be put together.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("{path} can't be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{module}: this form of import or export is not known to the bundler: {line}")]
    UnknownForm { module: String, line: String },
    #[error("{module} imports itself by way of {chain}")]
    Cycle { module: String, chain: String },
    #[error("{module} imports '{name}', which {from} doesn't export")]
    NoSuchExport { module: String, name: String, from: String },
    #[error("{module} imports {path} when it is wanted, and no bundle begins with it")]
    NoSuchBundle { module: String, path: String },
}

/// What a bundle is to be.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The module that the bundle begins with, such as `main.js`.
    pub entry: &'a str,
    /// The name of the bundle, which lies beside the others, such as `app.js`.
    pub name: &'a str,
    /// The name of a bundle that is always loaded before this one: what is in that is not put into this one,
    /// but taken from there, and from those before that.
    pub after: Option<&'a str>,
}

/// Modules that were put together.
#[derive(Debug)]
pub struct Bundle {
    /// The name of the bundle.
    pub name: String,
    /// The text of the bundle, itself a module. It exports `modules`, each module's exports by its path.
    pub text: String,
    /// The paths of the modules that are in it, and in the bundle before it.
    pub modules: BTreeSet<String>,
}

/// Makes the bundles of the modules in a folder. A bundle that is `after` another stands behind it.
///
/// # Errors
/// When a module can't be read or uses a form that is not known here, and when modules don't fit together.
pub fn bundles(folder: &Path, plans: &[Plan<'_>]) -> Result<Vec<Bundle>, Error> {
    let beginnings = plans.iter().map(|plan| (plan.entry, plan.name)).collect();
    let mut made: Vec<Bundle> = Vec::new();
    for plan in plans {
        let shared = plan.after.and_then(|name| made.iter().find(|bundle| bundle.name == name));
        let taken = shared.map(|bundle| bundle.modules.clone()).unwrap_or_default();
        let mut maker =
            Maker { folder, beginnings: &beginnings, taken, known: BTreeMap::new(), order: Vec::new() };
        maker.add(plan.entry, &mut Vec::new())?;
        let bundle = maker.finish(plan)?;
        made.push(bundle);
    }
    Ok(made)
}

struct Maker<'a> {
    folder: &'a Path,
    /// The first module of each bundle, and the bundle's name.
    beginnings: &'a BTreeMap<&'a str, &'a str>,
    /// The modules that the bundle before has.
    taken: BTreeSet<String>,
    known: BTreeMap<String, Module>,
    /// The modules of this bundle, each after those that it imports.
    order: Vec<String>,
}

impl Maker<'_> {
    fn add(&mut self, path: &str, above: &mut Vec<String>) -> Result<(), Error> {
        if above.iter().any(|module| module == path) {
            return Err(Error::Cycle { module: path.to_owned(), chain: above.join(", ") });
        }
        if self.known.contains_key(path) {
            return Ok(());
        }
        let file = self.folder.join(path);
        let text = fs::read_to_string(&file).map_err(|source| Error::Unreadable { path: file, source })?;
        let module = Module::read(path, &text)?;
        above.push(path.to_owned());
        for import in &module.imports {
            self.add(&import.from, above)?;
        }
        above.pop();
        self.check(path, &module)?;
        if !self.taken.contains(path) {
            self.order.push(path.to_owned());
        }
        self.known.insert(path.to_owned(), module);
        Ok(())
    }

    fn check(&self, path: &str, module: &Module) -> Result<(), Error> {
        for import in &module.imports {
            let exports = self.known.get(&import.from).map(|from| &from.exports);
            let missing = import.names.iter().find(|(name, _)| {
                !exports.is_some_and(|exports| exports.iter().any(|(_, exported)| exported == name))
            });
            if let Some((name, _)) = missing {
                let (module, name, from) = (path.to_owned(), name.clone(), import.from.clone());
                return Err(Error::NoSuchExport { module, name, from });
            }
        }
        Ok(())
    }

    fn finish(self, plan: &Plan<'_>) -> Result<Bundle, Error> {
        let mut text = String::new();
        if let Some(before) = plan.after {
            // Writing to a String can't fail, here and below.
            let _ = writeln!(text, "import {{ modules as before }} from \"./{before}\";");
        }
        let place = |path: &str| match self.order.iter().position(|module| module == path) {
            Some(number) => format!("m{number}"),
            None => format!("before[\"{path}\"]"),
        };
        for (number, path) in self.order.iter().enumerate() {
            let Some(module) = self.known.get(path) else { continue };
            let _ = writeln!(text, "// {path}\nconst m{number} = (() => {{");
            for import in &module.imports {
                let names: Vec<_> = import.names.iter().map(|(name, own)| format!("{name}: {own}")).collect();
                let _ = writeln!(text, "const {{ {} }} = {};", names.join(", "), place(&import.from));
            }
            text.push_str(&self.body(path, module)?);
            let exports: Vec<_> = module.exports.iter().map(|(own, name)| format!("{name}: {own}")).collect();
            let _ = writeln!(text, "return {{ {} }};\n}})();", exports.join(", "));
        }
        let before = plan.after.map(|_| "...before".to_owned());
        let own = self.order.iter().map(|path| format!("\"{path}\": {}", place(path)));
        let modules: Vec<_> = before.into_iter().chain(own).collect();
        let _ = writeln!(text, "export const modules = {{ {} }};", modules.join(", "));
        let modules = self.taken.into_iter().chain(self.order).collect();
        Ok(Bundle { name: plan.name.to_owned(), text, modules })
    }

    /// The module's own lines, in which the imports of other bundles name these.
    fn body(&self, path: &str, module: &Module) -> Result<String, Error> {
        let mut body = module.body.clone();
        for (written, wanted) in &module.later {
            let bundle = self
                .beginnings
                .get(wanted.as_str())
                .ok_or_else(|| Error::NoSuchBundle { module: path.to_owned(), path: wanted.clone() })?;
            body = body.replace(written, &format!("import(\"./{bundle}\")"));
        }
        // Libraries come minified, and their first line names their authors and the licence.
        Ok(if path.starts_with("vendor/") { body } else { slim(&body) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    const APP: Plan<'_> = Plan { entry: "main.js", name: "app.js", after: None };
    const LATER: Plan<'_> = Plan { entry: "parts/later.js", name: "later.js", after: Some("app.js") };

    #[test]
    fn modules_come_after_those_that_they_import_and_each_once() {
        let folder = folder(&[
            (
                "main.js",
                "import { a } from \"./a.js\";\nimport { b as bee } from \"./parts/b.js\";\nstart(a, bee);\n",
            ),
            ("a.js", "import { b } from \"./parts/b.js\";\nexport const a = b + 1;\n"),
            ("parts/b.js", "export function b() {\n  return 1;\n}\n"),
        ]);
        let bundle = bundles(folder.path(), &[APP]).unwrap().remove(0);
        let expected = "// parts/b.js\nconst m0 = (() => {\nfunction b() {\nreturn 1;\n}\nreturn { b: b };\n})();\n\
            // a.js\nconst m1 = (() => {\nconst { b: b } = m0;\nconst a = b + 1;\nreturn { a: a };\n})();\n\
            // main.js\nconst m2 = (() => {\nconst { a: a } = m1;\nconst { b: bee } = m0;\nstart(a, bee);\nreturn {  };\n})();\n\
            export const modules = { \"parts/b.js\": m0, \"a.js\": m1, \"main.js\": m2 };\n";
        assert_eq!(bundle.text, expected);
    }

    #[test]
    fn a_bundle_that_is_loaded_later_takes_what_there_is_already() {
        let folder = folder(&[
            (
                "main.js",
                "import { a } from \"./a.js\";\nexport const open = () => import(\"./parts/later.js\");\n",
            ),
            ("a.js", "export class a {}\n"),
            ("parts/later.js", "import { a } from \"../a.js\";\nexport const later = a;\n"),
        ]);
        let [app, later] = bundles(folder.path(), &[APP, LATER]).unwrap().try_into().unwrap();
        assert!(app.text.contains("const open = () => import(\"./later.js\");"), "{}", app.text);
        assert!(
            later.text.starts_with("import { modules as before } from \"./app.js\";\n"),
            "{}",
            later.text
        );
        assert!(later.text.contains("const { a: a } = before[\"a.js\"];"), "{}", later.text);
        let both = ["a.js", "main.js", "parts/later.js"].map(str::to_owned);
        assert_eq!(later.modules, BTreeSet::from(both));
        assert!(
            later.text.ends_with("export const modules = { ...before, \"parts/later.js\": m0 };\n"),
            "{}",
            later.text
        );
    }

    #[test]
    fn a_minified_module_exports_at_its_end() {
        let folder = folder(&[
            ("main.js", "import { html } from \"./vendor.js\";\nhtml();\n"),
            ("vendor.js", "// a library\nvar x=()=>1;export{x as html,y};\n"),
        ]);
        let bundle = bundles(folder.path(), &[APP]).unwrap().remove(0);
        assert!(bundle.text.contains("var x=()=>1;\nreturn { html: x, y: y };"), "{}", bundle.text);
    }

    #[test]
    fn what_the_bundler_does_not_know_is_refused() {
        let message = |files: &[(&str, &str)]| bundles(folder(files).path(), &[APP]).unwrap_err().to_string();
        for line in [
            "import a from \"./a.js\";",
            "export let a = 1;",
            "export default 1;",
            "export * from \"./a.js\";",
            "import { a } from \"preact\";",
        ] {
            let message = message(&[("main.js", line)]);
            assert!(message.starts_with("main.js: this form") && message.ends_with(line), "{message}");
        }
        let other = [("main.js", "import { b } from \"./a.js\";"), ("a.js", "export const a = 1;")];
        assert_eq!(message(&other), "main.js imports 'b', which a.js doesn't export");
        let round =
            [("main.js", "import { a } from \"./a.js\";"), ("a.js", "import { b } from \"./main.js\";")];
        assert_eq!(message(&round), "main.js imports itself by way of main.js, a.js");
        assert!(message(&[("main.js", "import(\"./a.js\");")]).ends_with("no bundle begins with it"));
        assert!(message(&[("main.js", "import { a } from \"./a.js\";")]).ends_with("a.js can't be read"));
    }
}
