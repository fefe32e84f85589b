//! What others may look at: published views, each with one writer. Screens, metrics and commands lean on these and can
//! never delay a warning.

use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use watchfire_connectors::health::SourceHealth;
use watchfire_model::alarm::{Alarm, AlarmKey};
use watchfire_model::command::{Command, Refusal};
use watchfire_model::deed::Deed;
use watchfire_model::id::{CommandId, PointIx, Seq};
use watchfire_model::incident::Incident;
use watchfire_model::mode::Mode;
use watchfire_model::quality::{Checks, Flag};
use watchfire_model::quantity::Bad;
use watchfire_model::reading::PointState;
use watchfire_model::site::Site;
use watchfire_model::time::{Now, Timestamp};
use watchfire_model::upkeep::Tending;
use watchfire_model::warning::{Entry, Publication, Warning};
use watchfire_model::watch::Watch;
use watchfire_rules::desk::Desk;

use crate::outlooks::Outlooks;
use crate::reload;
use crate::vigil::costs::Costs;

/// The Desk as of one moment, published after a ledger commit. What has not changed is shared with the one before.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeskView {
    /// Rises with each publication.
    pub version: u64,
    /// When.
    pub now: Now,
    /// Alarms that are not quiet: a grade, a pending grade, or lost evidence.
    pub alarms: Vec<Arc<Alarm>>,
    /// What people did and said about the alarms that have a story, by key.
    pub stories: Vec<(AlarmKey, Arc<Vec<Entry>>)>,
    /// Open incidents and the last closed ones, in the order of their ids.
    pub incidents: Vec<Arc<Incident>>,
    /// Sensors that people look after, in the order of their names.
    pub sensors: Vec<Arc<Tending>>,
    /// Commands about sensors that were granted and are not done yet.
    pub sensors_awaited: Vec<CommandId>,
    /// Who looks out for each hazard in each area, and the areas where nobody does.
    pub watches: Arc<[Watch]>,
    /// Live warnings, then ended ones, newest first; at most [`DeskView::ENDED_KEPT`] ended.
    pub warnings: Vec<Arc<Warning>>,
    /// Inputs recorded unjournaled because the journal failed or lagged.
    pub unjournaled: u64,
    /// The journal's row of the last reload that it has followed.
    pub reloaded: Option<Seq>,
}

impl DeskView {
    /// Ended warnings kept in the view; all of them are in the ledger.
    pub const ENDED_KEPT: usize = 200;

    /// What a Desk has to show.
    pub fn of<M: Mode>(desk: &Desk<M>, now: Now) -> Self {
        Self::with(desk, now, desk.watches().collect())
    }

    /// The same, where it is known who looks out for what.
    pub fn with<M: Mode>(desk: &Desk<M>, now: Now, watches: Arc<[Watch]>) -> Self {
        let (live, mut ended): (Vec<_>, Vec<_>) =
            desk.warnings().partition(|warning| !matches!(warning.publication, Publication::Ended { .. }));
        ended.sort_by_key(|warning| std::cmp::Reverse(warning.opened_at));
        ended.truncate(Self::ENDED_KEPT);
        Self {
            now,
            alarms: desk.noteworthy().cloned().collect(),
            stories: desk.stories().map(|(key, story)| (key.clone(), Arc::clone(story))).collect(),
            incidents: desk.incidents().cloned().collect(),
            sensors: desk.sensors().cloned().collect(),
            sensors_awaited: desk.upkeeps().map(|upkeep| upkeep.command.clone()).collect(),
            watches,
            warnings: live.into_iter().chain(ended).cloned().collect(),
            reloaded: desk.reloaded().map(|(seq, _)| *seq),
            ..Self::default()
        }
    }
}

/// The last word of one point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latest {
    /// The sensor's time.
    pub observed_at: Timestamp,
    /// Ours.
    pub received_at: Timestamp,
    /// The value, or why there is none.
    pub value: Result<f64, Bad>,
    /// Quality control's flag.
    pub flag: Flag,
    /// Which checks spoke.
    pub checks: Checks,
    /// The device's own word.
    pub state: PointState,
}

/// The last word of every point; written by shards once per batch.
#[derive(Debug)]
pub struct LatestTable(Mutex<Vec<Option<Latest>>>);

impl LatestTable {
    /// Nothing heard yet of `points` points.
    pub fn new(points: usize) -> Self {
        Self(Mutex::new(vec![None; points]))
    }
    /// Writes a batch.
    pub fn write(&self, batch: impl IntoIterator<Item = (PointIx, Latest)>) {
        let mut table = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (point, latest) in batch {
            if let Some(slot) = table.get_mut(point.index()) {
                *slot = Some(latest);
            }
        }
    }
    /// One point.
    pub fn get(&self, point: PointIx) -> Option<Latest> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(point.index()).copied().flatten()
    }
    /// All of them, in the order of [`Site::points`].
    pub fn all(&self) -> Vec<Option<Latest>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// The configuration in force, and how the last try to change it went.
#[derive(Clone, Debug)]
pub struct InForce {
    /// What it says.
    pub site: Arc<Site>,
    /// Since when.
    pub since: Timestamp,
    /// Why the newest try was refused, and when; none once one has succeeded.
    pub refused: Option<(Timestamp, String)>,
}

/// What is asked of the duty loop.
#[derive(Debug)]
pub enum Wish {
    /// That the Desk does something.
    Command(Command),
    /// That the ledger holds what was done or refused beside the Desk.
    Deed(Deed),
}

/// A wish on its way to the duty loop, with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub wish: Wish,
    /// Answered once the ledger holds it.
    pub answer: oneshot::Sender<Result<(), Refusal>>,
}

/// Everything a screen may see and ask. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Views {
    /// The place.
    pub site: Arc<Site>,
    /// What is in force; its site may be newer than [`site`](Self::site).
    pub in_force: watch::Receiver<Arc<InForce>>,
    /// The way to whoever reloads.
    pub reloads: mpsc::Sender<reload::Asked>,
    /// The Desk.
    pub desk: watch::Receiver<Arc<DeskView>>,
    /// What is under way between two changes of the Desk.
    pub outlooks: Arc<Outlooks>,
    /// The points.
    pub latest: Arc<LatestTable>,
    /// What the rules cost.
    pub costs: Arc<Costs>,
    /// The sources.
    pub sources: Vec<Arc<SourceHealth>>,
    /// The way to the duty loop.
    pub commands: mpsc::Sender<Asked>,
    /// `series.db`, for history; opened read-only by whoever asks.
    pub series_path: std::path::PathBuf,
}
