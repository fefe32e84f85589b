//! The texts that make up a configuration: packs and included files, and the tables that may stand in any of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::hazard::PACKS;
use crate::config::problem::Problem;
use crate::config::read::{At, Context, Document, Table};
use crate::config::{names, nearest};

/// A text that the configuration names: a pack, or an included file.
pub(crate) struct Part {
    pub(crate) file: usize,
    pub(crate) text: Arc<str>,
    pub(crate) pack: bool,
}

/// Tables that may stand in the main file and in included ones.
#[derive(Default)]
pub(crate) struct Shared<'a> {
    pub(crate) areas: Vec<Table<'a>>,
    pub(crate) stations: Vec<Table<'a>>,
    pub(crate) groups: Vec<Table<'a>>,
    pub(crate) hazards: Vec<Table<'a>>,
    pub(crate) rules: Vec<Table<'a>>,
    pub(crate) packed_hazards: Vec<Table<'a>>,
    pub(crate) packed_rules: Vec<Table<'a>>,
    pub(crate) offers: Vec<Table<'a>>,
}

impl<'a> Shared<'a> {
    /// What stands in `root`, and in the parts that it names; each comes with whether it is a pack.
    pub(crate) fn of(root: &Table<'a>, documents: &'a [(Document<'a>, bool)]) -> Self {
        let mut shared = Self::default();
        for (document, pack) in documents {
            let table = document.root(root.cx);
            if *pack {
                shared.take_pack(&table);
            } else {
                shared.take(&table);
            }
            table.finish();
        }
        shared.take(root);
        shared
    }

    fn take_pack(&mut self, table: &Table<'a>) {
        self.packed_hazards.extend(table.tables("hazard", "[[hazard]]"));
        self.packed_rules.extend(table.tables("rule", "[[rule]]"));
        self.offers.extend(table.tables("offer", "[[offer]]"));
        if let Some(about) = table.table("pack", "[pack]") {
            let _ = (about.text("name"), about.text("summary"), about.text("sources"));
            about.finish();
        }
    }

    fn take(&mut self, table: &Table<'a>) {
        self.areas.extend(table.tables("area", "[[area]]"));
        self.stations.extend(table.tables("station", "[[station]]"));
        self.groups.extend(table.tables("group", "[[group]]"));
        self.hazards.extend(table.tables("hazard", "[[hazard]]"));
        self.rules.extend(table.tables("rule", "[[rule]]"));
    }
}

/// Opens packs and included files.
pub(crate) fn parts(cx: &Context<'_>, root: &Table<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    for name in root.texts("packs") {
        let path = name.value.ends_with(".toml") || name.value.contains('/');
        if path {
            let path = cx.path(&name.value);
            let path = if path.is_dir() { path.join("pack.toml") } else { path };
            parts.extend(cx.open(&path, Some(name.at)).map(|(file, text)| Part { file, text, pack: true }));
            continue;
        }
        match PACKS.iter().find(|(known, _)| *known == name.value) {
            Some((known, text)) => {
                let (file, text) = cx.hold(format!("pack {known}"), (*text).into());
                parts.push(Part { file, text, pack: true });
            }
            None => {
                let problem = Problem::error(name.at, format!("there is no pack \"{}\"", name.value))
                    .label(format!("known: {}", PACKS.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ")));
                cx.report(
                    problem.maybe_hint(nearest::did_you_mean(&name.value, PACKS.iter().map(|(known, _)| *known))),
                );
            }
        }
    }
    for key in ["stations", "rules"] {
        for pattern in root.texts(key) {
            for path in expand(cx, &pattern) {
                parts.extend(cx.open(&path, Some(pattern.at)).map(|(file, text)| Part { file, text, pack: false }));
            }
        }
    }
    parts
}

/// The files of `stations/*.toml`, in order of name; wildcards only in the last part.
fn expand(cx: &Context<'_>, pattern: &At<String>) -> Vec<PathBuf> {
    let path = cx.path(&pattern.value);
    let last = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if !last.contains(['*', '?']) {
        return vec![path];
    }
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let entries = match std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) {
        Ok(entries) => entries,
        Err(error) => {
            cx.report(Problem::error(pattern.at, format!("cannot look into {}: {error}", folder.display())));
            return Vec::new();
        }
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| names::matches(&last, name)))
        .map(|entry| folder.join(entry.file_name()))
        .collect();
    found.sort();
    if found.is_empty() {
        cx.report(Problem::warning(pattern.at, format!("no file matches \"{}\"", pattern.value)));
    }
    found
}
