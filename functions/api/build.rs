//! Makes the files of the console as browsers get them: its modules are put together into few bundles, what
//! only authors read is left out, and all is compressed. Whoever compiles needs nothing but Rust for that, and no answer needs it done again.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use omniflow_web_bundler::{Plan, bundles, slim, slim_json};
use sha2::{Digest, Sha256};

/// The bundles: the library, what every page of the console needs, what is loaded later (the pages of those who run the
/// shop, and the returns of an order), what only an order's workflow needs, what only signing in at an issuer does, and the
/// documentation.
const BUNDLES: [Plan<'_>; 6] = [
    Plan { entry: "vendor/preact.js", name: "preact.js", after: None },
    Plan { entry: "main.js", name: "app.js", after: Some("preact.js") },
    Plan { entry: "admin/pages.js", name: "admin.js", after: Some("app.js") },
    Plan { entry: "workflow/view.js", name: "workflow.js", after: Some("app.js") },
    Plan { entry: "sign-in/openid.js", name: "sign-in.js", after: Some("app.js") },
    Plan { entry: "docs/page.js", name: "docs.js", after: Some("preact.js") },
];

/// The style sheets that become one.
const STYLES: (&str, &[&str]) = ("style.css", &["style.css", "workflow/style.css"]);

/// Files that are loaded by themselves.
const AS_THEY_ARE: [&str; 5] = ["docs/style.css", "icon.svg", "lang/en.js", "lang/ru.js", "lang/zh.js"];

/// The pages. In them `ASSETS` stands for the folder with everything else.
const PAGES: [&str; 2] = ["index.html", "docs.html"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let (web, out) = (root.join("web"), PathBuf::from(std::env::var("OUT_DIR")?).join("console"));
    println!("cargo::rerun-if-changed={}", web.display());
    println!("cargo::rerun-if-changed={}", root.join("openapi.json").display());
    let assets = assets(&web)?;
    let folder = name_of(&assets);
    let mut files = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(web.join(page))?.replace("ASSETS", &folder);
        files.push((page.to_owned(), text));
    }
    files.extend(assets.into_iter().map(|(path, text)| (format!("{folder}/{path}"), text)));
    files.push(("openapi.json".to_owned(), slim_json(&fs::read_to_string(root.join("openapi.json"))?)));
    fs::create_dir_all(&out)?;
    let mut list = String::from("&[\n");
    for (number, (path, text)) in files.iter().enumerate() {
        let packed = out.join(format!("{number}.gz"));
        fs::write(&packed, compressed(text)?)?;
        let etag = format!("\"{}\"", hex(&Sha256::digest(text)));
        writeln!(list, "({path:?}, {etag:?}, include_bytes!({packed:?})),")?;
    }
    list.push(']');
    fs::write(out.join("files.rs"), list)?;
    Ok(())
}

/// The path and the text of each file but the pages.
fn assets(web: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut used: BTreeSet<String> = PAGES.into_iter().chain(AS_THEY_ARE).map(str::to_owned).collect();
    used.extend(STYLES.1.iter().map(|path| (*path).to_owned()));
    let mut assets = Vec::new();
    for bundle in bundles(web, &BUNDLES)? {
        used.extend(bundle.modules);
        assets.push((bundle.name, bundle.text));
    }
    let styles: Result<Vec<_>, _> = STYLES.1.iter().map(|path| fs::read_to_string(web.join(path))).collect();
    assets.push((STYLES.0.to_owned(), slim(&styles?.concat())));
    for path in AS_THEY_ARE {
        let text = fs::read_to_string(web.join(path))?;
        let text = if path.ends_with(".svg") { text } else { slim(&text) };
        assets.push((path.to_owned(), text));
    }
    let mut there = BTreeSet::new();
    list(web, web, &mut there)?;
    match there.difference(&used).next() {
        Some(unused) => {
            Err(format!("web/{unused} is neither imported by a module nor named in build.rs").into())
        }
        None => Ok(assets),
    }
}

/// The files of a folder and its folders, but for the texts about them.
fn list(folder: &Path, root: &Path, found: &mut BTreeSet<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, root, found)?;
        } else if path.extension().is_none_or(|extension| extension != "md") {
            found.insert(path.strip_prefix(root)?.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

/// The name of the folder with these files, which is another one as soon as any of them is another: browsers
/// keep them for ever.
fn name_of(assets: &[(String, String)]) -> String {
    let mut digest = Sha256::new();
    for (path, text) in assets {
        digest.update(format!("{path} {} ", text.len()));
        digest.update(text);
    }
    hex(&digest.finalize())
}

/// The first eight bytes of a digest, in hexadecimal digits: enough to tell a few files apart.
fn hex(digest: &[u8]) -> String {
    digest[..8].iter().fold(String::new(), |mut name, byte| {
        // Writing to a String can't fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// The text in gzip (RFC 1952), which every browser takes.
fn compressed(text: &str) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}
