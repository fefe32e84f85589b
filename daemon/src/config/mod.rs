//! From text to [`Settings`]. Everything is read, every mistake is told at once, and nothing opens before all of it is
//! sound. What the text means is decided in the files beside this one; here they are put together.

mod access;
mod amount;
mod area;
mod attention;
mod bind;
mod cells;
mod compile;
mod corroborate;
pub(crate) mod hazard;
mod head;
mod heartbeat;
mod judging;
mod link;
pub(crate) mod names;
pub(crate) mod nearest;
mod offer;
mod output;
mod parts;
pub mod problem;
mod quiet;
mod reach;
pub(crate) mod read;
pub(crate) mod rule;
mod scrutiny;
pub mod settings;
mod sheet;
mod source;
mod station;
mod watch;
mod words;
pub(crate) mod zone;

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::Revision;
use watchfire_model::rule::Reach;
use watchfire_model::site::{Audience, Channel, Site};
use watchfire_rules::engine::Overseer;
use watchfire_rules::ruleset::RuleSet;

use self::area::Areas;
use self::hazard::Hazards;
use self::head::Head;
use self::link::Links;
use self::parts::{Shared, parts};
use self::problem::{Place, Problem, Problems};
use self::read::{Context, Document, Table};
use self::rule::{Known, RulePlace, Rules};
use self::settings::{ChannelConfig, Settings};
use self::station::Field;

/// A configuration, and everything that is wrong with it or should be looked at.
#[derive(Clone, Debug)]
pub struct Examined {
    /// There if nothing is wrong.
    pub settings: Option<Settings>,
    /// Errors and warnings.
    pub problems: Problems,
    /// Where its numbers are written.
    pub(crate) places: Places,
}

/// Where the numbers of a configuration are written, for who finds fault with one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// In the order of the site's rules.
    pub(crate) rules: Vec<RulePlace>,
    /// The thresholds of each point, in the order of the site's points.
    pub(crate) thresholds: Vec<PerGrade<Option<Place>>>,
}

/// Loads a configuration and everything it names. Warnings are left out; [`examine`] has them.
pub fn load(path: &Path) -> Result<Settings, Problems> {
    examine(path).sound()
}

/// Loads a configuration from text, for tests; what it names is looked for in `folder`.
pub fn load_str(text: &str, folder: &Path) -> Result<Settings, Problems> {
    examine_str("watchfire.toml", text, folder).sound()
}

/// Reads a configuration and says all that is to be said of it.
pub fn examine(path: &Path) -> Examined {
    examine_overseen(path, None)
}

/// The same, where `overseer` hears of each script that is tried.
pub fn examine_overseen(path: &Path, overseer: Option<&dyn Overseer>) -> Examined {
    let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let environment = |name: &str| std::env::var(name).ok();
    let cx = Context::new(folder, &environment).overseen(overseer);
    let built = cx.open(path, None).and_then(|(file, text)| build(&cx, file, &text));
    Examined::of(cx, built.map(|(settings, places)| (Settings { path: Some(path.to_owned()), ..settings }, places)))
}

/// As [`examine`], from text.
pub fn examine_str(name: &str, text: &str, folder: &Path) -> Examined {
    let environment = |name: &str| std::env::var(name).ok();
    let cx = Context::new(folder.to_owned(), &environment);
    let (file, text) = cx.hold(name.to_owned(), text.into());
    let built = build(&cx, file, &text);
    Examined::of(cx, built)
}

impl Examined {
    fn of(cx: Context<'_>, built: Option<(Settings, Places)>) -> Self {
        let problems = cx.into_problems();
        let (settings, places) = built.filter(|_| !problems.has_errors()).unzip();
        Self { settings, problems, places: places.unwrap_or_default() }
    }
    fn sound(self) -> Result<Settings, Problems> {
        self.settings.ok_or(self.problems)
    }
}

fn build(cx: &Context<'_>, file: usize, text: &str) -> Option<(Settings, Places)> {
    // The trees of the texts are gone before the rules are compiled: together they would be the most that is ever needed.
    let (site, settings, places) = put_together(cx, file, text)?;
    let rules = compile::compile(cx, &site, &places.rules)?;
    (cx.errors() == 0).then(|| (settings(Arc::new(rules)), places))
}

/// A site, the rest of its settings once its rules are compiled, and where its numbers are written.
type PutTogether<S> = (Arc<Site>, S, Places);

fn put_together(
    cx: &Context<'_>,
    file: usize,
    text: &str,
) -> Option<PutTogether<impl FnOnce(Arc<RuleSet>) -> Settings + use<>>> {
    let main = cx.parse(file, text);
    let root = main.root(cx);
    let parts = if main.is_broken() { Vec::new() } else { parts(cx, &root) };
    let documents: Vec<(Document<'_>, bool)> =
        parts.iter().map(|part| (cx.parse(part.file, &part.text), part.pack)).collect();
    if documents.iter().map(|(document, _)| document).chain([&main]).any(Document::is_broken) {
        // What was made of a text that is not TOML would only add riddles.
        return None;
    }

    let head = Head::read(&root);
    let mut shared = Shared::of(&root, &documents);
    let taken = offer::taken(&root, std::mem::take(&mut shared.offers));
    let areas = areas(&root, std::mem::take(&mut shared.areas));
    let field = field(&root, &head, &areas, &mut shared);

    let mut hazards = Hazards::new();
    let used = used(&shared, &taken);
    let read = std::mem::take(&mut shared.packed_hazards).into_iter().chain(std::mem::take(&mut shared.hazards));
    read.for_each(|table| hazards.read(table));
    let hazard_names = std::mem::replace(&mut hazards.names, names::Names::new("hazard"));
    let mut profiles = hazards.settle(cx, &head.languages, &|id| used.iter().any(|used| used == id));
    hazard::release(root.table("release", "[release]"), &hazard_names, &mut profiles.list, head.test.is_some());
    let known = Known { field: &field, profiles: &profiles, hazards: &hazard_names };
    let mut rules = rules(&known, shared, taken);

    let known = quiet::Known { rules: &rules.list, rule_names: &rules.names, hazard_names: &hazard_names };
    let quiet = quiet::read(&root, cx, &known);

    let links = Links::read(root.table("connectors", "[connectors]"), cx, &field, &head.sender);
    links.idle(cx);
    let channels = output::channels(root.tables("channel", "[[channel]]"), cx);
    let storage = output::storage(root.table("storage", "[storage]"), cx);
    let listen = output::listen(root.table("api", "[api]"));
    let access = access::access(root.table("access", "[access]"), listen);
    let two_people = output::two_people(root.table("reload", "[reload]"));
    heard(cx, &head, &profiles.list, &used, &channels);
    root.finish();
    if rules.list.is_empty() && cx.errors() == 0 {
        cx.report(Problem::warning(head.at, "there is no rule: nothing will ever be warned of"));
    }

    let site = Site {
        name: head.name,
        authority: head.authority,
        issuer: head.issuer,
        sender: head.sender,
        contact: head.contact,
        zone: head.zone,
        languages: head.languages,
        test: head.test,
        areas: areas.list,
        stations: field.stations,
        points: field.points,
        links: links.known(),
        groups: field.groups,
        hazards: profiles.list,
        rules: std::mem::take(&mut rules.list),
        quiet,
        channels: channels.iter().map(known_to_the_desk).collect(),
        revision: revision(cx),
    };
    if cx.errors() > 0 {
        return None;
    }
    let places = Places { rules: rules.places, thresholds: field.thresholds };
    let settings = move |rules| Settings {
        path: None,
        rules,
        mqtt: links.mqtt,
        modbus: links.modbus,
        channels,
        influx: storage.influx,
        data_dir: storage.data_dir,
        listen,
        access,
        limits: storage.limits,
        two_people,
    };
    Some((Arc::new(site), settings, places))
}

/// Areas, from tables and spreadsheets.
fn areas(root: &Table<'_>, tables: Vec<Table<'_>>) -> Areas {
    let cx = root.cx;
    let mut areas = Areas::new();
    for table in tables {
        areas.read(&table, cx);
        table.finish();
    }
    for (file, text) in sheets(root, "areas_csv") {
        sheet::areas(cx, file, &text, &mut areas);
    }
    // They are kept as long as the process runs.
    areas.list.shrink_to_fit();
    areas
}

/// Stations, points and groups, from tables and spreadsheets.
fn field(root: &Table<'_>, head: &Head, areas: &Areas, shared: &mut Shared<'_>) -> Field {
    let cx = root.cx;
    let mut field = Field::new();
    for station in std::mem::take(&mut shared.stations) {
        field.read_station(station, areas);
    }
    for (file, text) in sheets(root, "stations_csv") {
        sheet::stations(cx, file, &text, &mut field, areas, &head.zone.name);
    }
    for (file, text) in sheets(root, "points_csv") {
        sheet::points(cx, file, &text, &mut field, &head.zone);
    }
    field.settle(cx);
    // They are kept as long as the process runs.
    field.stations.shrink_to_fit();
    field.points.shrink_to_fit();
    for group in std::mem::take(&mut shared.groups) {
        field.read_group(group);
    }
    field
}

/// Opens the spreadsheets that a key names.
fn sheets(root: &Table<'_>, key: &'static str) -> impl Iterator<Item = (usize, Arc<str>)> {
    let cx = root.cx;
    root.texts(key).into_iter().filter_map(move |path| cx.open(&cx.path(&path.value), Some(path.at)))
}

/// The hazards that rules name, and those that the site has written itself.
fn used(shared: &Shared<'_>, taken: &[offer::Taken<'_>]) -> Vec<String> {
    let own: Vec<String> = shared.hazards.iter().filter_map(|table| table.text("id")).map(|id| id.value).collect();
    let named = |table: &Table<'_>| Some(table.get("hazard")?.raw_text()?.value);
    let tables = shared.rules.iter().chain(&shared.packed_rules).chain(taken.iter().map(|offer| &offer.table));
    tables.filter_map(named).chain(own).collect()
}

/// The site's rules, then those of packs and offers that it has not written itself.
fn rules<'a>(known: &Known<'_>, shared: Shared<'a>, taken: Vec<offer::Taken<'a>>) -> Rules {
    let mut rules = Rules::new();
    for table in shared.rules {
        rules.read(table, known, false);
    }
    let packed = shared.packed_rules.into_iter().map(|table| (table, true));
    for (table, may_watch_nothing) in packed.chain(taken.into_iter().map(|offer| (offer.table, offer.by_pattern))) {
        if table.text("id").is_none_or(|id| !rules.has(&id.value)) {
            rules.read(table, known, may_watch_nothing);
        }
    }
    rules
}

/// Reports audiences that nobody speaks to, and channels that nothing is sent through.
fn heard(
    cx: &Context<'_>,
    head: &Head,
    hazards: &[watchfire_model::rule::Hazard],
    used: &[String],
    channels: &[ChannelConfig],
) {
    let warned = |reach| hazards.iter().any(|h| h.reach == reach && used.iter().any(|id| id == h.id.as_str()));
    let public = warned(Reach::Public);
    if channels.is_empty() || cx.errors() > 0 {
        return;
    }
    let spoken = |audience, grade| channels.iter().any(|c| c.audience == audience && c.from_grade <= grade);
    if !spoken(Audience::Internal, Grade::Blue) {
        let problem = Problem::warning(head.at, "no channel tells the internal audience of every grade");
        cx.report(problem.hint("those on duty are told at once and without a signature: audience = \"internal\""));
    }
    if public && !spoken(Audience::Public, Grade::Red) {
        let problem = Problem::warning(head.at, "there are public hazards and no channel to the public");
        cx.report(problem.hint("a released warning would reach nobody: audience = \"public\""));
    }
    if !public {
        for channel in channels.iter().filter(|channel| channel.audience == Audience::Public) {
            let message =
                format!("channel \"{}\" is for the public, and no hazard ever goes to the public", channel.name);
            cx.report(Problem::warning(head.at, message).hint("a hazard's `reach` is public or internal"));
        }
    }
}

fn known_to_the_desk(channel: &ChannelConfig) -> Channel {
    Channel {
        name: channel.name.clone(),
        audience: channel.audience,
        from_grade: channel.from_grade,
        takes_drills: channel.takes_drills,
    }
}

/// A short hash of every text that was read.
fn revision(cx: &Context<'_>) -> Revision {
    let mut hash = Sha256::new();
    for (name, text) in cx.texts() {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.rsplit('/').next().unwrap_or_default());
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    Revision(hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}
