//! A file of cases, read against the configuration that it is about. Many files share one configuration, which is read and
//! compiled once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchfire_rules::engine::Overseer;

use crate::cli::Style;
use crate::config::names::Names;
use crate::config::problem::{Problem, Problems};
use crate::config::read::{At, Context};
use crate::config::settings::Settings;
use crate::config::{self, Places};

use super::case::Written;

/// Configurations under test, each read once.
pub(super) struct Sites {
    /// For files that name none.
    given: Option<PathBuf>,
    list: Vec<Site>,
    style: Style,
    /// Who hears of each script.
    overseer: Option<Arc<dyn Overseer>>,
}

/// A configuration under test.
pub(super) struct Site {
    path: PathBuf,
    /// What it says.
    pub(super) settings: Settings,
    /// Its texts, to show lines of.
    pub(super) problems: Problems,
    /// Where its numbers stand.
    pub(super) places: Places,
}

/// A file of cases.
pub(super) struct TestFile {
    /// Its name, as it was given.
    pub(super) name: String,
    /// Which of the configurations it is about.
    pub(super) site: usize,
    /// Its cases.
    pub(super) cases: Vec<Written>,
    /// Its text, to show lines of.
    pub(super) text: Problems,
}

impl Sites {
    pub(super) fn new(given: Option<&Path>, style: Style) -> Self {
        Self { given: given.map(|path| crate::cli::resolve(Some(path))), list: Vec::new(), style, overseer: None }
    }

    /// The same, where `overseer` hears of each script.
    pub(super) fn overseen(self, overseer: Arc<dyn Overseer>) -> Self {
        Self { overseer: Some(overseer), ..self }
    }

    pub(super) fn get(&self, site: usize) -> Option<&Site> {
        self.list.get(site)
    }

    pub(super) fn list(&self) -> &[Site] {
        &self.list
    }

    /// The place of a configuration in the list; one that is not sound is told.
    fn open(&mut self, path: &Path) -> Result<usize, Problems> {
        let path = if path.is_dir() { path.join("watchfire.toml") } else { path.to_owned() };
        // Two ways of writing one path are one configuration; one that is not there is told by its reader.
        let path = std::fs::canonicalize(&path).map_or(path.clone(), |whole| shorter(whole, path));
        if let Some(known) = self.list.iter().position(|site| site.path == path) {
            return Ok(known);
        }
        let overseer = self.overseer.as_deref();
        let examined = config::examine_overseen(&path, overseer);
        let Some(settings) = examined.settings else { return Err(examined.problems) };
        if !examined.problems.is_empty() && super::is_for_people(self.style) {
            eprint!("{}", examined.problems.display(self.style.lang(), self.style.colour()));
        }
        let (problems, places) = (examined.problems.texts(), examined.places);
        self.list.push(Site { path, settings, problems, places });
        Ok(self.list.len() - 1)
    }
}

/// A path below the folder we are in as it is written from there: what is shown should be what a person would type.
fn shorter(whole: PathBuf, written: PathBuf) -> PathBuf {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match here.ok().and_then(|here| whole.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(below) => below,
        None if written.is_absolute() => written,
        None => whole,
    }
}

impl TestFile {
    /// Reads a file, or tells all that is wrong with it.
    pub(super) fn read(path: &Path, sites: &mut Sites) -> Result<Self, Problems> {
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let environment = |name: &str| std::env::var(name).ok();
        let cx = Context::new(folder.clone(), &environment);
        let built = build(&cx, path, &folder, sites)?;
        let problems = cx.into_problems();
        match built.filter(|_| !problems.has_errors()) {
            Some((site, cases)) => Ok(Self { name: path.display().to_string(), site, cases, text: problems }),
            None => Err(problems),
        }
    }
}

/// The configuration that a file is about, and its cases. What is wrong with the file is reported; what is wrong with the
/// configuration is given back.
fn build(
    cx: &Context<'_>,
    path: &Path,
    folder: &Path,
    sites: &mut Sites,
) -> Result<Option<(usize, Vec<Written>)>, Problems> {
    let Some((file, text)) = cx.open(path, None) else { return Ok(None) };
    let document = cx.parse(file, &text);
    if document.is_broken() {
        return Ok(None);
    }
    let root = document.root_of(cx, "a case file");
    let own = root.text("config");
    let Some(config) = own.as_ref().map(|own| cx.path(&own.value)).or_else(|| configuration(folder, sites)) else {
        cx.report(
            Problem::error(root.at, "which configuration these cases are about is not known")
                .hint("write `config = \"../watchfire.toml\"` at the top, or give it with --config"),
        );
        return Ok(None);
    };
    if let Some(own) = own.filter(|_| !config.exists()) {
        cx.report(Problem::error(own.at, format!("there is no {}", config.display())));
        return Ok(None);
    }
    let place = sites.open(&config)?;
    let Some(site) = sites.get(place) else { return Ok(None) };
    let mut names = Names::new("case");
    let mut cases = Vec::new();
    for table in root.tables("case", "[[case]]") {
        cases.extend(Written::read(table, site).filter(|case| {
            let name = At { value: case.name.clone(), at: case.at };
            names.add(cx, &name, 0)
        }));
    }
    if cases.is_empty() && cx.errors() == 0 {
        cx.report(Problem::error(root.at, "there is no case in it").hint("a case begins with [[case]]"));
    }
    root.finish();
    Ok(Some((place, cases)))
}

/// What was given, or the `watchfire.toml` in the file's folder or the nearest one above it.
fn configuration(folder: &Path, sites: &Sites) -> Option<PathBuf> {
    if let Some(given) = &sites.given {
        return Some(given.clone());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let whole = std::fs::canonicalize(folder).ok()?;
    whole.ancestors().map(|folder| folder.join("watchfire.toml")).find(|path| path.is_file())
}
