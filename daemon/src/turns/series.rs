//! A series writer's turns: follows the journal by its own cursor; a store that is down is a cursor that lags.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, warn};
use watchfire_model::alarm::AlarmKey;
use watchfire_model::grade::Grade;
use watchfire_model::time::{Now, Span};

use super::Progress;
use crate::metrics::Metrics;
use crate::storage::series::{GradeMark, Progress as Step, SeriesStore, Trouble};
use crate::views::DeskView;

/// How often a writer looks for new rows, so that its commits are few.
const EVERY: Duration = Duration::from_millis(250);

/// One store with what it follows.
pub struct SeriesTurns {
    store: Box<dyn SeriesStore>,
    /// Its place among the cursors.
    place: usize,
    desk: watch::Receiver<Arc<DeskView>>,
    progress: Arc<Progress>,
    metrics: Arc<Metrics>,
    grades: Grades,
}

impl SeriesTurns {
    /// Goes on with a store where its cursor stands, which is at `place` among the cursors.
    pub fn new(
        store: Box<dyn SeriesStore>,
        place: usize,
        desk: watch::Receiver<Arc<DeskView>>,
        progress: Arc<Progress>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { store, place, desk, progress, metrics, grades: Grades::default() }
    }

    /// Stores some of what is durable. Says how long to wait before the next turn; none is at once.
    pub fn turn(&mut self) -> Option<Duration> {
        let view = Arc::clone(&self.desk.borrow_and_update());
        self.grades.marks(&view).for_each(|mark| self.store.mark(mark));
        let durable = *self.progress.durable.borrow();
        let step = self.store.step(durable);
        let cursor = self.store.cursor();
        self.progress.cursors[self.place].store(cursor.0, Ordering::Release);
        self.metrics.store_lag(self.store.name(), durable.0.saturating_sub(cursor.0));
        if let Step::Wrote { readings, .. } = &step {
            self.metrics.stored(self.store.name(), *readings);
        }
        match step {
            Step::Wrote { more: true, .. } => None,
            Step::Lost(gap) => {
                self.metrics.store_lost(self.store.name(), gap.seqs.end.0.saturating_sub(gap.seqs.start.0));
                error!(store = self.store.name(), ?gap, "readings fell off the journal before this store had them");
                None
            }
            Step::Idle | Step::Wrote { .. } => Some(EVERY),
            Step::Trouble { trouble, why, pause } => {
                self.metrics.store_trouble(self.store.name(), word(trouble));
                warn!(
                    store = self.store.name(),
                    ?trouble,
                    why,
                    "the store takes nothing; readings stay in the journal"
                );
                Some(pause)
            }
        }
    }
}

const fn word(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Outage => "outage",
        Trouble::Refused => "refused",
    }
}

/// Grades are repeated this often, so that a chart need not look far back for one.
const REPEAT: Span = Span::minutes(1);

/// What the store was last told of each alarm's grade.
#[derive(Default)]
struct Grades {
    told: BTreeMap<AlarmKey, Option<Grade>>,
    at: Option<Now>,
}

impl Grades {
    /// What has changed since; everything that stands, once a minute.
    fn marks(&mut self, view: &DeskView) -> impl Iterator<Item = GradeMark> {
        let repeat = self.at.is_none_or(|at| view.now.steady - at.steady >= REPEAT);
        if repeat {
            self.at = Some(view.now);
        }
        let standing: BTreeMap<AlarmKey, Option<Grade>> =
            view.alarms.iter().map(|alarm| (alarm.key.clone(), alarm.standing())).collect();
        let ended = self.told.iter().filter(|(key, grade)| grade.is_some() && !standing.contains_key(*key));
        let mut changed: Vec<(AlarmKey, Option<Grade>)> = ended.map(|(key, _)| (key.clone(), None)).collect();
        let news = standing.iter().filter(|(key, grade)| repeat || self.told.get(*key) != Some(*grade));
        changed.extend(news.map(|(key, grade)| (key.clone(), *grade)));
        self.told = standing;
        let at = view.now.wall;
        changed.into_iter().map(move |(key, grade)| GradeMark { rule: key.rule, subject: key.subject, grade, at })
    }
}
