//! A new configuration for a daemon that runs: what of it may change, what it leaves without a rule, what it would change
//! of what stands. Everything here only looks; who carries it out is `topology/reload_task.rs`.

pub mod impact;
mod inherit;
pub mod promotion;
pub(crate) mod proposal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use watchfire_model::alarm::AlarmKey;
use watchfire_model::id::{PersonId, Revision, RuleId};
use watchfire_model::reload::Orphans;
use watchfire_model::site::{Point, Site};

use crate::config::problem::Problems;
use crate::config::settings::Settings;
use crate::views::DeskView;

pub use inherit::inherit;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// By whom.
    pub who: PersonId,
    /// Why.
    pub why: String,
    /// From where: `cli`, an address, `SIGHUP`.
    pub from: String,
    /// Only says what it would change.
    pub preview: bool,
    /// What becomes of alarms that stand and have no rule or subject any more; none: there must be none.
    pub orphans: Option<Orphans>,
    /// The part in it, where it takes two people.
    pub step: WishStep,
    /// The backtest attached to a proposal, as it was printed.
    pub backtest: Option<String>,
    /// It is put in force although cases of the site's own fail.
    pub in_spite: bool,
}

/// Which part of putting a configuration in force is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WishStep {
    /// All of it.
    #[default]
    Whole,
    /// To lay it before a second person.
    Propose,
    /// To put in force what another person proposed.
    Publish(Revision),
}

/// A wish on its way, with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked for.
    pub wish: Wish,
    /// Answered once it is in force, or refused.
    pub answer: oneshot::Sender<Result<Outcome, Refused>>,
}

/// What the site's own cases say of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cases {
    /// How many were told.
    pub told: usize,
    /// How many there was no time for.
    pub untold: usize,
    /// Those that are not as expected, or can't be read.
    pub failed: Vec<FailedCase>,
}

/// A case that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCase {
    /// Its file.
    pub file: String,
    /// Its name; none for a file that can't be read.
    pub case: Option<String>,
    /// What is not as expected.
    pub why: String,
}

impl Cases {
    /// Adds one that failed.
    pub(crate) fn fail(&mut self, file: String, case: Option<String>, why: String) {
        self.failed.push(FailedCase { file, case, why });
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Whether it is in force: else this was a preview.
    pub in_force: bool,
    /// The revision asked for.
    pub revision: Revision,
    /// The one in force before.
    pub former: Revision,
    /// What is added, changed and removed.
    pub changes: Vec<impact::Changed>,
    /// Grades that would change; only in a preview.
    pub grades: Vec<impact::Turned>,
    /// Alarms that stand and have no rule or subject in it.
    pub orphans: Vec<AlarmKey>,
    /// Rules that only judged and are to speak: two people, with a backtest.
    pub promoted: Vec<RuleId>,
    /// What the site's own cases say of it.
    pub cases: Cases,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not sound.
    #[error("the configuration is not sound; {former} goes on\n{problems}")]
    Broken {
        /// The revision that goes on.
        former: Revision,
        /// What `check` says of it.
        problems: Problems,
    },
    /// It changes what only a start can change.
    #[error("`{key}` needs a restart: it cannot be changed while the daemon runs")]
    NeedsRestart {
        /// Which key.
        key: &'static str,
    },
    /// Alarms that stand would have no rule or subject.
    #[error(
        "{} would lose its rule or subject: {}; end it (--close all_clear or --close cancel), hold it as an orphan (--orphan), or name what it was renamed to (`aliases`)",
        .0.first().map_or_else(String::new, ToString::to_string),
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    Orphans(Vec<AlarmKey>),
    /// One person alone may not.
    #[error(
        "this site takes two people to change its configuration: propose it (--propose), and let another person publish it (--publish REVISION)"
    )]
    TwoPeople,
    /// A rule that only judged is to speak.
    #[error(
        "{} would speak, and only judges now: propose it with the backtest of this revision (--propose --backtest FILE), and let another person publish it",
        .0.iter().map(RuleId::as_str).collect::<Vec<_>>().join(", ")
    )]
    Promotion(Vec<RuleId>),
    /// What was attached is no backtest of what is proposed.
    #[error(
        "the backtest cannot be attached: {why}; it is what `watchfire backtest -o json --events …` printed of this configuration"
    )]
    NoBacktest {
        /// Why not.
        why: String,
    },
    /// The site's own cases fail.
    #[error(
        "{} of the site's own cases fail: {}; mend the rules or the cases (`watchfire test` shows all of it), or put it in force all the same (--in-spite)",
        .0.len(),
        .0.iter().map(|it| format!("{} {}: {}", it.file, it.case.as_deref().unwrap_or("-"), it.why)).collect::<Vec<_>>().join(" | ")
    )]
    Cases(Vec<FailedCase>),
    /// The same person twice.
    #[error("{who} has proposed it; a second person must publish it")]
    SamePerson {
        /// Who.
        who: PersonId,
    },
    /// Nobody has proposed that, or something else since.
    #[error(
        "revision {asked} is not proposed; {}",
        .proposed.as_ref().map_or_else(|| "nothing is".to_owned(), |revision| format!("{revision} is"))
    )]
    NotProposed {
        /// As asked.
        asked: Revision,
        /// What is.
        proposed: Option<Revision>,
    },
    /// The daemon was not started from a file.
    #[error("the daemon was not started from a file; there is nothing to read again")]
    NoFile,
    /// The journal takes nothing now.
    #[error("the journal cannot take it now; {former} goes on")]
    Journal {
        /// The revision that goes on.
        former: Revision,
    },
    /// A file of the data directory cannot be written.
    #[error("the revision cannot be written down in {}", .folder.display())]
    Unwritten {
        /// Where.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A script did not come back when it was tried beforehand.
    #[error(
        "the script of rule \"{rule}\" did not come back when {step} ({origin}); {former} goes on. In force it would end the \
         process. It still runs, and takes a processor, until the daemon is started again"
    )]
    Hangs {
        /// Whose.
        rule: RuleId,
        /// Where the rule stands: file and line, or its script's file.
        origin: String,
        /// What was done with it.
        step: Trial,
        /// The revision that goes on.
        former: Revision,
    },
    /// Scripts tried earlier have not come back yet: as many as may be left behind.
    #[error(
        "the script of rule \"{rule}\" has not come back since it was tried earlier; nothing more is tried until the daemon is \
         started again"
    )]
    StillHangs {
        /// Whose.
        rule: RuleId,
    },
    /// It failed inside.
    #[error("something failed inside when {step}, which the log tells; {former} goes on")]
    Inside {
        /// What was done.
        step: Trial,
        /// The revision that goes on.
        former: Revision,
    },
    /// The system gives no thread.
    #[error("there is no thread on which to try the configuration")]
    NoThread(#[source] std::io::Error),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

/// What is done with the scripts of a configuration before it is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// They are compiled and run dry.
    Reading,
    /// They judge the site's own cases.
    Cases,
    /// They judge what was heard last.
    Preview,
}

impl Trial {
    /// The thread that it is done on.
    pub(crate) const fn thread(self) -> &'static str {
        match self {
            Self::Reading => "watchfire-reading",
            Self::Cases => "watchfire-cases",
            Self::Preview => "watchfire-preview",
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Reading => "the configuration was read",
            Self::Cases => "it judged the site's own cases",
            Self::Preview => "it was judged by the readings there are",
        })
    }
}

/// The first thing that cannot be changed while the daemon runs.
pub fn needs_restart(running: &Settings, next: &Settings) -> Option<&'static str> {
    let kept = [
        ("storage.data_dir", running.data_dir == next.data_dir),
        ("storage", running.limits == next.limits && running.influx == next.influx),
        ("api.listen", running.listen == next.listen),
        ("access", running.access == next.access),
        ("connectors", running.mqtt == next.mqtt && running.modbus == next.modbus),
        ("channel", running.channels == next.channels),
        ("site.zone", running.site().zone == next.site().zone),
        ("station.point", same_points(running.site(), next.site())),
    ];
    kept.into_iter().find(|(_, kept)| !kept).map(|(key, _)| key)
}

/// Whether every point has the number it had; its station may have been renamed.
fn same_points(before: &Site, after: &Site) -> bool {
    let same = |(was, is): (&Point, &Point)| {
        let (former, now) = (before.stations.get(was.station.index()), after.stations.get(is.station.index()));
        let (Some(former), Some(now)) = (former, now) else { return false };
        was.id == is.id && was.quantity == is.quantity && (former.id == now.id || now.aliases.contains(&former.id))
    };
    before.points.len() == after.points.len() && before.points.iter().zip(&after.points).all(same)
}

/// Alarms that stand and that `site` has no place for.
pub fn orphans(site: &Site, view: &DeskView) -> Vec<AlarmKey> {
    let standing = view.alarms.iter().filter(|alarm| alarm.standing().is_some() && alarm.orphaned.is_none());
    standing.map(|alarm| &alarm.key).filter(|key| !impact::has(site, key)).cloned().collect()
}
