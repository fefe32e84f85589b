//! Rules compiled for a site: every name resolved, every ladder worked out, every window known. Immutable and shared by
//! all shards; what is wrong with a rule is found here and nowhere later.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchfire_model::grade::Grade;
use watchfire_model::id::{PointIx, RuleId, StationId, SubjectId};
use watchfire_model::ladder::{Delay, Ladder};
use watchfire_model::rule::{Class, Rule, Thresholds};
use watchfire_model::site::{Kind, Point, Site};
use watchfire_model::time::Span;

use crate::engine::{Overseer, Program, Sandbox};
use crate::ladder::{Pace, Rungs};
use crate::quality::{keep_for, reaches};
use crate::series::Keep;
use crate::window::{Lens, WindowSpec};

mod explain;
mod measure;
mod seconds;
mod subjects;
mod thresholds;
mod witness;

pub(crate) use subjects::Stations;
pub(crate) use witness::{Witness, Witnesses, independent};

pub use explain::{Explanation, SubjectLadder, Way};

/// What is wrong with a rule, for a message that shows the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which rule.
    pub rule: RuleId,
    /// `file:line` where the rule stands, or the script's file.
    pub origin: String,
    /// Line in the measure, from 1.
    pub line: Option<usize>,
    /// Column in that line, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Problem {
    fn with(rule: &Rule, message: impl Into<String>) -> Self {
        Self {
            rule: rule.id.clone(),
            origin: rule.origin.clone(),
            line: None,
            column: None,
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The rules of a site, ready to judge.
#[derive(Debug)]
pub struct RuleSet {
    site: Arc<Site>,
    pub(crate) sandbox: Sandbox,
    /// In the site's order.
    pub(crate) rules: Vec<Compiled>,
    pub(crate) subjects: Vec<SubjectPlan>,
    /// Which subjects read each point, in the site's order of points.
    readers: Vec<Box<[u32]>>,
    /// Whom each point's word says to be alive; of most it is nobody.
    carried: BTreeMap<PointIx, Vec<PointIx>>,
    keep: Vec<Keep>,
    unjudged: Vec<(RuleId, SubjectId, String)>,
}

/// What a rule judges that has thresholds, each with the stations watched for it; nothing for a rule that is not sound.
pub(crate) fn watched_by<'s>(
    site: &'s Site,
    stations: &Stations<'_>,
    rule: &'s Rule,
) -> impl Iterator<Item = (SubjectId, Vec<StationId>)> + 's {
    let graded = move |point: &PointIx| match &rule.thresholds {
        Thresholds::Inline(_) => true,
        Thresholds::Station => {
            let thresholds = site.point(*point).map(|point| &point.thresholds);
            thresholds.is_some_and(|it| Grade::ALL.into_iter().any(|grade| it.get(grade).is_some()))
        }
    };
    let station = move |point: &PointIx| Some(site.station_of(*point)?.id.clone());
    let graded = subjects::of(site, stations, rule)
        .filter_map(Result::ok)
        .filter(move |subject| subject.watched.iter().any(graded));
    graded.map(move |subject| (subject.id, subject.watched.iter().filter_map(station).collect()))
}

/// One rule, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) measure: Measure,
    pub(crate) pace: Pace,
    pub(crate) class: Class,
    /// Highest grade a suspect value may raise.
    pub(crate) suspect_cap: Grade,
    /// Rate and spike checks hold nothing back.
    pub(crate) fast_rise: bool,
    /// So many suspect values in a row speak for themselves.
    pub(crate) consistent: Option<u32>,
    /// k of n independent inputs that must be good.
    pub(crate) enough: Option<u32>,
    /// How many witnesses each grade takes, from blue on; none where one is enough for all.
    pub(crate) witnesses: Option<[u32; 4]>,
    /// What each grade takes before the public is told, from blue on; none where none takes anything.
    pub(crate) public_after: Option<[Delay; 4]>,
}

/// How a rule's number is made.
#[derive(Debug)]
pub(crate) enum Measure {
    /// The newest value of one point.
    Last,
    /// One window over one point.
    Window(WindowSpec),
    /// Rhai.
    Program(Box<Program>),
}

/// One subject of one rule.
#[derive(Debug)]
pub(crate) struct SubjectPlan {
    /// Place in the site's rules.
    pub(crate) rule: usize,
    pub(crate) id: SubjectId,
    pub(crate) rungs: Rungs,
    /// What the measure reads; for a program, name by name.
    pub(crate) reads: Box<[Look]>,
    /// Those of `reads` that are independent of each other.
    pub(crate) witnesses: Witnesses,
    /// For a program: how many of `reads` each name has.
    pub(crate) widths: Box<[usize]>,
    /// Longest gap that its delays count as covered.
    pub(crate) max_gap: Span,
    /// Who speaks for a value in doubt.
    pub(crate) seconds: Box<[Second]>,
}

/// A point of a second kind that speaks for a value in doubt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Second {
    pub(crate) point: PointIx,
    pub(crate) kind: Kind,
    /// In its own unit.
    pub(crate) at_least: f64,
    pub(crate) within: Span,
}

/// One point as a rule sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) point: PointIx,
    /// Whom it is one with when witnesses are counted.
    pub(crate) witness: Witness,
    pub(crate) lens: Lens,
    /// Older than this against the subject's clock it says nothing any more.
    pub(crate) stale_after: Span,
    /// From the point's unit to the rule's.
    pub(crate) unit: Option<Convert>,
}

/// From one unit to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Convert {
    pub(crate) factor: f64,
    pub(crate) offset: f64,
}

impl RuleSet {
    /// The points that `point`'s word says to be alive.
    pub(crate) fn carried_by(&self, point: PointIx) -> &[PointIx] {
        self.carried.get(&point).map(Vec::as_slice).unwrap_or_default()
    }

    /// Compiles every rule of a site, or says everything that is wrong.
    pub fn compile(site: Arc<Site>) -> Result<Self, Vec<Problem>> {
        Self::compile_overseen(site, None)
    }

    /// The same, where `overseer` hears of each script that is compiled and run dry.
    pub fn compile_overseen(site: Arc<Site>, overseer: Option<&dyn Overseer>) -> Result<Self, Vec<Problem>> {
        if let Some(overseer) = overseer {
            overseer.judges_by(&site);
        }
        let mut problems = Vec::new();
        let mut set = Self {
            sandbox: Sandbox::new(),
            rules: Vec::with_capacity(site.rules.len()),
            subjects: Vec::new(),
            readers: vec![Box::default(); site.points.len()],
            carried: BTreeMap::new(),
            keep: Vec::new(),
            unjudged: Vec::new(),
            site: Arc::clone(&site),
        };
        for (ix, point) in (0..).map(PointIx).zip(&site.points) {
            if let Some(heartbeat) = point.heartbeat {
                set.carried.entry(heartbeat).or_default().push(ix);
            }
        }
        let (known, stations) = (measure::known(&site), Stations::of(&site));
        let mut written: BTreeMap<&RuleId, &Rule> = BTreeMap::new();
        for (place, rule) in site.rules.iter().enumerate() {
            if let Some(twin) = written.get(&rule.id) {
                problems.push(Problem::with(
                    rule,
                    format!("rule \"{}\" is written twice, first at {}", rule.id, twin.origin),
                ));
            }
            written.entry(&rule.id).or_insert(rule);
            if let Some(overseer) = overseer {
                overseer.begins(place);
            }
            let measure = measure::compile(rule, &set.sandbox, &known);
            if let Some(overseer) = overseer {
                overseer.ends();
            }
            match measure.and_then(|measure| set.add(place, rule, measure, &stations)) {
                Ok(compiled) => set.rules.push(compiled),
                Err(more) => problems.extend(more),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        set.index();
        Ok(set)
    }

    /// The site they were compiled for.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// Subjects that a rule matches and cannot judge, and why: not an error, but nothing to be silent about.
    pub fn unjudged(&self) -> &[(RuleId, SubjectId, String)] {
        &self.unjudged
    }

    /// How many (rule, subject) pairs are judged.
    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether nothing at all is judged.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// The ladder of one subject as it is in force.
    pub fn ladder(&self, rule: &RuleId, subject: &SubjectId) -> Option<Ladder> {
        let plan = self.subjects.iter().find(|plan| self.rule_id(plan) == Some(rule) && plan.id == *subject)?;
        Some(plan.rungs.ladder(&self.rules.get(plan.rule)?.pace))
    }

    /// The subjects of the rule at this place: they stand in the order of the rules.
    pub(crate) fn subjects_of(&self, rule: usize) -> &[SubjectPlan] {
        let begin = self.subjects.partition_point(|plan| plan.rule < rule);
        let end = self.subjects.partition_point(|plan| plan.rule <= rule);
        &self.subjects[begin..end]
    }

    pub(crate) fn rule_id(&self, plan: &SubjectPlan) -> Option<&RuleId> {
        self.site.rules.get(plan.rule).map(|rule| &rule.id)
    }

    /// Which subjects read a point.
    pub(crate) fn readers(&self, point: PointIx) -> &[u32] {
        self.readers.get(point.index()).map_or(&[], |readers| readers)
    }

    /// How much of each point must be kept.
    pub(crate) fn keep(&self) -> Vec<Keep> {
        self.keep.clone()
    }

    /// Points that some rule reads.
    pub(crate) fn read_points(&self) -> impl Iterator<Item = PointIx> {
        let read = self.readers.iter().enumerate().filter(|(_, readers)| !readers.is_empty());
        read.filter_map(|(ix, _)| u32::try_from(ix).ok().map(PointIx))
    }

    fn add(
        &mut self,
        place: usize,
        rule: &Rule,
        measure: Measure,
        stations: &Stations<'_>,
    ) -> Result<Compiled, Vec<Problem>> {
        let site = Arc::clone(&self.site);
        let compiled = Compiled {
            pace: Pace::new(&rule.raise_after, &rule.lift_after, &rule.hold),
            class: rule.class,
            suspect_cap: rule.suspect_cap,
            fast_rise: rule.fast_rise || rule.class == Class::Instant,
            consistent: rule.corroborate.samples,
            enough: rule.enough,
            witnesses: Some(Grade::ALL.map(|grade| *rule.witnesses.get(grade))).filter(|it| *it != [1; 4]),
            public_after: Some(Grade::ALL.map(|grade| *rule.public_after.get(grade)))
                .filter(|it| rule.class == Class::Ordinary && !it.iter().all(|delay| delay.is_none())),
            measure,
        };
        let mut problems = Vec::new();
        let matched = subjects::of(&site, stations, rule);
        self.subjects.reserve(matched.size_hint().1.unwrap_or(0));
        for subject in matched {
            let planned =
                subject.and_then(|subject| Ok((subjects::plan(&site, place, rule, &compiled, &subject)?, subject.id)));
            match planned {
                Ok((Some(plan), _)) => self.subjects.push(plan),
                Ok((None, id)) => self.unjudged.push((rule.id.clone(), id, "it has no thresholds".to_owned())),
                Err(problem) => {
                    problems.push(problem);
                    if problems.len() >= 5 {
                        break;
                    }
                }
            }
        }
        if problems.is_empty() { Ok(compiled) } else { Err(problems) }
    }

    /// Who reads what, and how far back.
    fn index(&mut self) {
        let site = Arc::clone(&self.site);
        self.subjects.shrink_to_fit();
        let mut reach = reaches(&site);
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); site.points.len()];
        for (ix, plan) in (0_u32..).zip(&self.subjects) {
            let Some(compiled) = self.rules.get(plan.rule) else { continue };
            for look in &plan.reads {
                let point = look.point.index();
                if let Some(readers) = readers.get_mut(point)
                    && readers.last() != Some(&ix)
                {
                    readers.push(ix);
                }
                if let Some(reach) = reach.get_mut(point) {
                    *reach = (*reach).max(compiled.reach(look.lens.interval));
                }
            }
            for second in &plan.seconds {
                if let Some(reach) = reach.get_mut(second.point.index()) {
                    *reach = (*reach).max(second.within);
                }
            }
        }
        let keep = |(point, reach): (&Point, Span)| keep_for(point, reach);
        self.keep = site.points.iter().zip(reach).map(keep).collect();
        self.readers = readers.into_iter().map(Vec::into_boxed_slice).collect();
    }
}

impl Compiled {
    /// How far back a judgement may look.
    fn reach(&self, interval: Span) -> Span {
        let windows = match &self.measure {
            Measure::Last => Span::ZERO,
            Measure::Window(spec) => spec.reach(),
            Measure::Program(program) => program.windows().map(|spec| spec.reach()).max().unwrap_or(Span::ZERO),
        };
        windows + self.pace.reach(interval)
    }
}
