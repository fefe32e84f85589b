//! The cases that lie beside a configuration, told to what it says now: for a reload, which must not put in force what
//! its own site's cases refuse (SEMANTICS §8).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchfire_rules::engine::Overseer;

use super::file::{Sites, TestFile};
use super::verdict;
use super::{DEEPEST, look_into};
use crate::cli::{Format, Style};
use crate::clock::Stopwatch;
use crate::lang::Lang;
use crate::reload::{Cases, FailedCase};

/// Longest time for all of them, in seconds; whoever reloads waits. What is left is told to be untold.
const SECONDS: f64 = 5.0;
/// Failed cases that are told one by one.
const SHOWN: usize = 50;

/// Tells the cases in the folder `cases` beside `config`; nothing where there is none. `overseer` hears of each script.
pub(crate) fn beside(config: &Path, overseer: &Arc<dyn Overseer>) -> Cases {
    let watch = Stopwatch::start();
    let folder = config.parent().unwrap_or_else(|| Path::new("")).join("cases");
    let mut paths: Vec<PathBuf> = Vec::new();
    if folder.is_dir()
        && let Err(error) = look_into(&folder, DEEPEST, &mut paths)
    {
        let file = folder.display().to_string();
        return Cases { told: 0, untold: 0, failed: vec![FailedCase { file, case: None, why: error.to_string() }] };
    }
    paths.sort();
    // Problems are given back and not printed.
    let style = Style { output: Format::Json, lang: Some(Lang::En) };
    let mut sites = Sites::new(Some(config), style).overseen(Arc::clone(overseer));
    let mut cases = Cases::default();
    for path in paths {
        match TestFile::read(&path, &mut sites) {
            Ok(file) => tell(&file, &sites, overseer, &watch, &mut cases),
            Err(problems) => {
                cases.fail(path.display().to_string(), None, problems.to_string());
            }
        }
    }
    cases.failed.truncate(SHOWN);
    cases
}

fn tell(file: &TestFile, sites: &Sites, overseer: &Arc<dyn Overseer>, watch: &Stopwatch, cases: &mut Cases) {
    let Some(site) = sites.get(file.site) else { return };
    for case in &file.cases {
        if watch.seconds() > SECONDS {
            cases.untold += 1;
            continue;
        }
        cases.told += 1;
        let verdicts = case.case.tell_overseen(&site.settings.rules, Some(overseer));
        let problem = |(place, it)| verdict::problem(case, place, it, site, Lang::En);
        let why: Vec<String> = verdicts.iter().enumerate().filter_map(problem).map(|it| it.message).collect();
        if !why.is_empty() {
            cases.fail(file.name.clone(), Some(case.name.clone()), why.join("; "));
        }
    }
}
