//! Rules: which points, what measure, which ladder, and everything that the hazard did not already say.

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::{HazardId, RuleId};
use watchfire_model::ladder::Direction;
use watchfire_model::rule::{Class, Hazard, Per, Rule, Thresholds};
use watchfire_model::site::Point;
use watchfire_model::time::Span;
use watchfire_model::unit::Unit;

use crate::config::amount::{self, Amount};
use crate::config::hazard::Profiles;
use crate::config::judging::{self, CLASSES, Judging, Rungs, Thresholded};
use crate::config::names::{self, Names};
use crate::config::problem::{Place, Problem};
use crate::config::reach;
use crate::config::read::{At, Context, Node, Shape, Table};
use crate::config::station::{self, DIRECTIONS, Field};
use crate::config::watch::{self, Watched};

const PERS: &[(&str, Per)] =
    &[("station", Per::Station), ("point", Per::Point), ("group", Per::Group), ("area", Per::Area)];

/// Where a rule's parts stand, for what its compiler finds later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RulePlace {
    /// Its id.
    pub(crate) id: Place,
    /// Its measure's text: in the rule, or all of the script's file.
    pub(crate) measure: Place,
    /// Its numbers.
    pub(crate) numbers: Numbers,
}

/// Where the numbers of a rule are written, in the rule or in its hazard; nothing where a default of ours is in effect.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    /// The thresholds.
    pub(crate) raise_at: PerGrade<Option<Place>>,
    /// The reset values, or the margins.
    pub(crate) lift: PerGrade<Option<Place>>,
    /// The delay before a raise.
    pub(crate) raise_after: PerGrade<Option<Place>>,
    /// The delay before a lift.
    pub(crate) lift_after: PerGrade<Option<Place>>,
    /// The least time in a grade.
    pub(crate) hold: PerGrade<Option<Place>>,
}

impl Numbers {
    fn of(ladder: &Ladder, own: &Judging, defaults: &Judging) -> Self {
        let lift = |judging: &Judging, grade| {
            let below = judging.lift_below.get(grade).map(|bar| bar.at);
            below.or_else(|| judging.lift_margin.get(grade).map(|margin| margin.at))
        };
        let either = |of: &dyn Fn(&Judging, Grade) -> Option<Place>| {
            PerGrade::from_fn(|grade| of(own, grade).or_else(|| of(defaults, grade)))
        };
        Self {
            raise_at: PerGrade::from_fn(|grade| match ladder {
                Ladder::Station => None,
                Ladder::Inline(rungs) => rungs.get(grade).as_ref().map(|amount| amount.at),
            }),
            lift: either(&lift),
            raise_after: either(&|judging, grade| judging.raise_after.get(grade).map(|delay| delay.at)),
            lift_after: either(&|judging, grade| judging.lift_after.get(grade).map(|span| span.at)),
            hold: either(&|judging, grade| judging.hold.get(grade).map(|span| span.at)),
        }
    }
}

/// All rules.
pub(crate) struct Rules {
    pub(crate) list: Vec<Rule>,
    pub(crate) places: Vec<RulePlace>,
    pub(crate) names: Names,
}

/// What a rule may lean on.
pub(crate) struct Known<'k> {
    pub(crate) field: &'k Field,
    pub(crate) profiles: &'k Profiles,
    pub(crate) hazards: &'k Names,
}

impl Rules {
    pub(crate) fn new() -> Self {
        Self { list: Vec::new(), places: Vec::new(), names: Names::new("rule") }
    }

    /// Whether the site has written a rule itself; a pack's of the same name then steps back.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.names.get(id).is_some()
    }

    /// Reads `[[rule]]`. A pack's rule (`from_pack`) may find nothing to watch; a site's may not.
    pub(crate) fn read(&mut self, table: Table<'_>, known: &Known<'_>, from_pack: bool) {
        let cx = table.cx;
        let id = table.required("id", "");
        let hazard = hazard(&table, known);
        let aliases: Vec<RuleId> = table.texts("aliases").into_iter().map(|alias| alias.value.into()).collect();
        let per = table.word("per", PERS).map_or_else(Per::default, |per| per.value);
        let watching = table.table("watch", "`watch`");
        if watching.is_none() && table.get("watch").is_none() {
            table.missing("watch", "which points: watch = { quantity = \"stage\" }");
        }
        let watched = watching.map(|watch| Watched::read(watch, known, from_pack));
        let measure = watch::measure(&table, watched.as_ref());
        let direction = table.word("direction", DIRECTIONS).map(|direction| direction.value);
        let direction = direction.unwrap_or_else(|| watched.as_ref().map_or(Direction::Rising, Watched::direction));
        let mut judging = Judging::read(&table);
        let ladder = ladder(&table, &mut judging);
        let written_unit = table.get("unit").and_then(|node| unit(&node));
        let class = table.word("class", CLASSES).map(|class| class.value);
        let enough = table.whole("enough", 1_u32, 10_000).map(|enough| enough.value);
        let witnesses = witnesses(&table);
        let response = table.text("response");
        let consequence = table.text("consequence");
        let time = table.span("time_to_respond");
        let shadow = table.flag("shadow").is_some_and(|shadow| shadow.value);
        let unsaid = [
            ("response", response.is_none()),
            ("consequence", consequence.is_none()),
            ("time_to_respond", time.is_none()),
        ];

        let (Some(id), Some(watched), Some(measure), Some(ladder)) = (id, watched, measure, ladder) else {
            table.finish();
            return;
        };
        if watched.points.is_empty() && from_pack {
            return;
        }
        if !shadow {
            asks_nobody(cx, &id, &unsaid);
        }
        let unit = watched.unit(cx, known.field, &measure, written_unit, &ladder);
        let raise_at = ladder.raise_at(cx, unit);
        if let Ladder::Inline(rungs) = &ladder {
            station::rising(cx, &raise_at, direction, |grade| rungs.get(grade).as_ref().map(|amount| amount.at));
        } else {
            watched.has_thresholds(&table, known.field, from_pack);
        }
        if per == Per::Station {
            watched.one_each(cx, known.field, &id);
        }
        let same_unit =
            || watched.points.iter().filter_map(|ix| known.field.points.get(*ix)).filter(|it| it.unit == unit);
        let rungs = Rungs {
            whence: if matches!(ladder, Ladder::Station) { Thresholded::Station } else { Thresholded::Here },
            raise_at,
            unit,
            direction,
            resolution: same_unit().filter_map(|point| point.resolution).reduce(f64::max),
            span: same_unit().filter_map(|point| point.range.map(|(low, high)| high - low)).reduce(f64::max),
        };
        let none = Judging::default();
        let defaults = hazard.and_then(|ix| known.profiles.defaults.get(ix)).unwrap_or(&none);
        let profile: Option<&Hazard> = hazard.and_then(|ix| known.profiles.list.get(ix));
        let judged = judging.resolve(defaults, &table, &rungs);
        let numbers = Numbers::of(&ladder, &judging, defaults);
        let rule = Rule {
            id: RuleId::from(id.value.clone()),
            aliases,
            hazard: profile.map_or_else(|| HazardId::from(""), |profile| profile.id.clone()),
            per,
            watch: watched.watch.clone(),
            measure: measure.value.clone(),
            unit: Some(unit),
            thresholds: match ladder {
                Ladder::Station => Thresholds::Station,
                Ladder::Inline(_) => Thresholds::Inline(raise_at),
            },
            direction,
            lift_below: judged.lift_below,
            lift_margin: judged.lift_margin,
            raise_after: judged.raise_after,
            public_after: judged.public_after,
            lift_after: judged.lift_after,
            hold: judged.hold,
            class: class.or(profile.map(|profile| profile.class)).unwrap_or_default(),
            coverage: judged.coverage,
            enough,
            witnesses,
            max_gap: judged.max_gap,
            suspect_cap: judged.suspect_cap,
            fast_rise: judged.fast_rise,
            corroborate: judged.corroborate.map(|draft| draft.settle(cx, known.field)).unwrap_or_default(),
            response: response.map(|text| text.value).unwrap_or_default(),
            consequence: consequence.map(|text| text.value).unwrap_or_default(),
            time_to_respond: time.as_ref().map(|time| time.value),
            shadow,
            origin: cx.origin(id.at),
        };
        let places = RulePlace { id: id.at, measure: measure.at, numbers };
        let points: Vec<&Point> = watched.points.iter().filter_map(|ix| known.field.points.get(*ix)).collect();
        reach::within(cx, &rule, &numbers, &points, measure.plain.as_ref());
        self.doubts(&table, &rule, &points, &judging, measure.plain.is_some());
        if names::plain(cx, &id, "a rule's id") && self.names.add(cx, &id, self.list.len()) {
            self.list.push(rule);
            self.places.push(places);
        }
        table.finish();
    }

    /// What can be used, and should be looked at.
    fn doubts(&self, table: &Table<'_>, rule: &Rule, points: &[&Point], judging: &Judging, plain: bool) {
        if let Some(gap) = judging.max_gap.as_ref()
            && let Some(slow) = points.iter().find(|point| point.interval >= gap.value)
        {
            let problem = Problem::error(gap.at, "`max_gap` is not longer than the interval");
            table.cx.report(problem.label(format!("a watched point reports every {}", slow.interval)));
        }
        let has = |grade: &Grade| match &rule.thresholds {
            Thresholds::Station => points.iter().any(|point| point.thresholds.get(*grade).is_some()),
            Thresholds::Inline(raise_at) => raise_at.get(*grade).is_some(),
        };
        let grades: Vec<Grade> = Grade::ALL.into_iter().filter(has).collect();
        delays(table, rule, points, judging, &grades);
        if rule.class != Class::Instant && plain {
            margins(table, rule, points, judging, &grades);
        }
    }
}

/// The first grade that may come too late to respond, or is left sooner than it is entered.
fn delays(table: &Table<'_>, rule: &Rule, points: &[&Point], judging: &Judging, grades: &[Grade]) {
    let interval = points.iter().map(|point| point.interval).max().unwrap_or(Span::ZERO);
    for grade in grades {
        let after = rule.raise_after.get(*grade);
        if let (Some(late), Some(time)) = (reach::lateness(*after, interval), rule.time_to_respond)
            && late >= time
        {
            let at = judging.raise_after.get(*grade).map_or_else(|| table.at, |delay| delay.at);
            let problem = Problem::warning(at, format!("`{grade}` may be raised {late} late"));
            return table.cx.report(problem.label(format!("there are only {time} to respond")));
        }
        let lift = *rule.lift_after.get(*grade);
        if let (Some(span), Some(written)) = (after.span, judging.lift_after.get(*grade))
            && lift < span
        {
            let problem = Problem::warning(written.at, format!("`{grade}` lifts faster than it is raised"));
            return table.cx.report(problem.label(format!("lifted after {lift}, raised after {span}")));
        }
    }
}

/// The first grade that is left nearer to where it is raised than the coarsest sensor can tell apart.
fn margins(table: &Table<'_>, rule: &Rule, points: &[&Point], judging: &Judging, grades: &[Grade]) {
    let resolved = |point: &&Point| point.resolution.unwrap_or(0.0);
    let of_its_unit = points.iter().copied().filter(|point| Some(point.unit) == rule.unit);
    let Some(coarsest) = of_its_unit.max_by(|a, b| resolved(a).total_cmp(&resolved(b))) else { return };
    let Some(resolution) = coarsest.resolution else { return };
    for grade in grades {
        let inline = match &rule.thresholds {
            Thresholds::Station => None,
            Thresholds::Inline(raise_at) => *raise_at.get(*grade),
        };
        let distance = match (inline, *rule.lift_below.get(*grade), *rule.lift_margin.get(*grade)) {
            (Some(raise), Some(below), _) => Some((raise - below).abs()),
            (_, None, margin) => margin,
            (None, Some(_), _) => None,
        };
        if let Some(distance) = distance.filter(|distance| *distance < 3.0 * resolution * (1.0 - 1e-9)) {
            let at = judging.lift_below.get(*grade).map(|bar| bar.at);
            let at = at.or_else(|| judging.lift_margin.get(*grade).map(|margin| margin.at)).unwrap_or(table.at);
            let unit = coarsest.unit;
            let problem = Problem::warning(at, format!("`{grade}` is left {distance} {unit} from where it is raised"));
            return table.cx.report(
                problem
                    .label(format!("less than 3 × the resolution of {resolution} {unit}"))
                    .hint("a value that trembles by one step will raise and lift it again and again"),
            );
        }
    }
}

/// Says what a rule leaves unsaid to those whom its alarms call.
fn asks_nobody(cx: &Context<'_>, id: &At<String>, unsaid: &[(&str, bool)]) {
    let unsaid: Vec<&str> = unsaid.iter().filter_map(|(key, unsaid)| unsaid.then_some(*key)).collect();
    if unsaid.is_empty() {
        return;
    }
    let problem = Problem::warning(id.at, format!("rule \"{}\" does not say its {}", id.value, unsaid.join(", ")));
    cx.report(problem.hint("an alarm that asks nobody to do anything is noise (ISA 18.2)"));
}

fn hazard(table: &Table<'_>, known: &Known<'_>) -> Option<usize> {
    let hazard = table.required("hazard", "the profile it warns of, such as river_flood")?;
    let found = known.hazards.get(&hazard.value);
    if found.is_none() {
        let problem = Problem::error(hazard.at, format!("there is no hazard \"{}\"", hazard.value));
        let pack = super::hazard::PACKS.iter().find(|(_, text)| text.contains(&format!("id = \"{}\"", hazard.value)));
        let hint = pack.map(|(pack, _)| format!("it is in the pack `{pack}`: write packs = [\"{pack}\"] at the top"));
        table.cx.report(problem.maybe_hint(hint.or_else(|| known.hazards.hint(&hazard.value))));
    }
    found
}

/// `witnesses = { red = 2 }`: how many independent points must meet a grade, each by itself.
fn witnesses(table: &Table<'_>) -> PerGrade<u32> {
    let Some(written) = table.table("witnesses", "`witnesses`") else { return PerGrade::all(1) };
    let asked = |grade: Grade| written.whole(grade.word(), 1_u32, 256).map_or(1, |count| count.value);
    // The first word of danger waits for nobody else.
    let witnesses = PerGrade::from_fn(|grade| if grade == Grade::Blue { 1 } else { asked(grade) });
    written.finish();
    witnesses
}

fn unit(node: &Node<'_>) -> Option<At<Unit>> {
    let text = node.text()?;
    amount::parse_unit(&text.value)
        .map_err(|error| node.cx.report(error.at(text.at)))
        .ok()
        .map(|value| At { value, at: text.at })
}

/// The ladder of a rule.
pub(crate) enum Ladder {
    Station,
    Inline(Box<PerGrade<Option<At<Amount>>>>),
}

impl Ladder {
    /// Its thresholds in `unit`; none where each station has its own.
    fn raise_at(&self, cx: &Context<'_>, unit: Unit) -> PerGrade<Option<f64>> {
        match self {
            Self::Station => PerGrade::all(None),
            Self::Inline(rungs) => {
                PerGrade::from_fn(|grade| rungs.get(grade).as_ref().and_then(|a| amount::convert(cx, a, unit)))
            }
        }
    }
}

fn ladder(table: &Table<'_>, judging: &mut Judging) -> Option<Ladder> {
    let Some(node) = table.get("ladder") else {
        table.missing(
            "ladder",
            "ladder = \"station\" for the points' own thresholds, or ladder = { yellow = 1.0, red = 2.0 }",
        );
        return None;
    };
    match node.shape("a ladder") {
        Shape::Text(text) if text.value == "station" => Some(Ladder::Station),
        Shape::Table(grades) => {
            let rungs =
                PerGrade::from_fn(|grade| grades.get(grade.word()).and_then(|node| rung(&node, grade, judging)));
            if Grade::ALL.iter().all(|grade| grades.get(grade.word()).is_none()) {
                grades.missing("blue`, `yellow`, `orange` or `red", "");
            }
            grades.finish();
            Some(Ladder::Inline(Box::new(rungs)))
        }
        Shape::Text(_) | Shape::Number(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            node.refuse("\"station\", or { blue = …, yellow = …, orange = …, red = … }")
        }
    }
}

/// One rung: its threshold alone, or a table with what differs for it.
fn rung(node: &Node<'_>, grade: Grade, judging: &mut Judging) -> Option<At<Amount>> {
    let Shape::Table(table) = node.shape("a rung") else { return amount::amount(node) };
    let raise_at = table.get("raise_at").and_then(|node| amount::amount(&node));
    if raise_at.is_none() && table.get("raise_at").is_none() {
        table.missing("raise_at", "the value at which the grade is raised");
    }
    if let Some(below) = table.get("lift_below").and_then(|node| judging::bar(&node)) {
        judging.lift_below.set(grade, below);
    }
    if let Some(margin) = table.get("lift_margin").and_then(|node| judging::margin(&node)) {
        judging.lift_margin.set(grade, margin);
    }
    if let Some(delay) = table.get("raise_after").and_then(|node| amount::delay(&node)) {
        judging.raise_after.set(grade, delay);
    }
    if let Some(span) = table.span("lift_after") {
        judging.lift_after.set(grade, span);
    }
    if let Some(span) = table.span("hold") {
        judging.hold.set(grade, span);
    }
    table.finish();
    raise_at
}
