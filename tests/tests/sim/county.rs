//! The county of the simulations: gauges in order, gauges gone wild, a slope that needs signatures, rain, and gas. The
//! configuration is text, read by the product's own reader.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use watchfire::config::load_str;
use watchfire::config::settings::{InfluxConfig, Settings};

/// Blue, yellow, orange and red of every ladder but the rain's …
pub(crate) const RAISE_AT: [f64; 4] = [10.0, 20.0, 30.0, 40.0];
/// … and left when a value is further below than this.
pub(crate) const MARGIN: f64 = 1.0;
/// Minutes between two reports of a point.
pub(crate) const INTERVAL: i64 = 60_000;

/// How a point behaves, and what can be expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// A stage that comes in order and with the right time, judged at once: what must be said is known exactly.
    Calm,
    /// A stage with bad values, wrong times, silence and disorder.
    Wild,
    /// A slope: two samples to raise, ten minutes to lift, every public act signed by one.
    Slow,
    /// Rain per report; a sum over an hour is judged.
    Rain,
    /// A gas head: at once, for those on duty only.
    Gas,
}

/// One station with one point.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its id.
    pub(crate) id: String,
    /// Its area.
    pub(crate) area: &'static str,
    /// How it behaves.
    pub(crate) temper: Temper,
}

impl Temper {
    /// The point's own name, the quantity and the unit.
    pub(crate) const fn point(self) -> (&'static str, &'static str) {
        match self {
            Self::Calm | Self::Wild => ("stage", "m"),
            Self::Slow => ("displacement", "mm"),
            Self::Rain => ("rain", "mm"),
            Self::Gas => ("methane", "%CH4"),
        }
    }
    /// The hazard that its rule warns of.
    pub(crate) const fn hazard(self) -> &'static str {
        match self {
            Self::Calm | Self::Wild => "river_flood",
            Self::Slow => "landslide",
            Self::Rain => "heavy_rain",
            Self::Gas => "mine_gas",
        }
    }
}

/// Stations, two of each temper for every `size`, in the order in which the site numbers their points.
pub(crate) fn places(size: usize) -> Vec<Place> {
    let tempers = [
        (Temper::Calm, "east"),
        (Temper::Calm, "north"),
        (Temper::Wild, "west"),
        (Temper::Slow, "hill"),
        (Temper::Gas, "mine"),
        (Temper::Rain, "upland"),
    ];
    (0..size)
        .map(|n| {
            let (temper, area) = tempers[n % tempers.len()];
            Place { id: format!("s{n:02}"), area, temper }
        })
        .collect()
}

/// Who is told: those on duty (two platforms) and the public (two), one of each from yellow only.
pub(crate) const CHANNELS: [(&str, &str, &str); 4] = [
    ("duty", "internal", "blue"),
    ("villages", "internal", "yellow"),
    ("public", "public", "blue"),
    ("radio", "public", "yellow"),
];

/// The sound configuration. `influx` is the address of a remote store, if there is one.
pub(crate) fn settings(places: &[Place], folder: &Path, influx: Option<&str>) -> Settings {
    settings_of(&text(places), folder, influx)
}

/// The same as it is written later: the rule over stages has another name, and goes on under it.
pub(crate) fn renamed(places: &[Place], folder: &Path) -> Settings {
    let text = text(places).replace("id = \"stage\"\nhazard", "id = \"level\"\naliases = [\"stage\"]\nhazard");
    settings_of(&text, folder, None)
}

fn settings_of(text: &str, folder: &Path, influx: Option<&str>) -> Settings {
    let mut settings = load_str(text, folder).unwrap_or_else(|problems| panic!("the county is sound: {problems}"));
    settings.data_dir = folder.join("data");
    // A night has to begin many.
    settings.limits.segment_bytes = 16 << 10;
    // What is kept is what somebody needs.
    settings.limits.journal_keep_bytes = 0;
    // Not in the text: its revision is the same wherever the store listens.
    settings.influx.extend(influx.map(|url| InfluxConfig {
        name: "remote".to_owned(),
        url: url.to_owned(),
        org: "sim".to_owned(),
        bucket: "sim".to_owned(),
        token: None,
        timeout: Duration::from_secs(10),
        batch: 5_000,
    }));
    settings
}

fn text(places: &[Place]) -> String {
    let [blue, yellow, orange, red] = RAISE_AT;
    let ladder = format!("{{ blue = {blue}, yellow = {yellow}, orange = {orange}, red = {red} }}");
    let answers = "response = \"look\"\nconsequence = \"water\"\ntime_to_respond = \"1h\"";
    let mut text = format!(
        r#"packs = ["river", "slope", "rain", "mine_gas"]

[site]
name = "sim"
authority = "county"
issuer = "Sim County"
sender = "sim.example"
contact = "0700"
zone = "Asia/Shanghai"
languages = ["zh-CN"]

[release.river_flood]
raise = "auto"
lower = "auto"
end = {{ default = "one", blue = "auto", yellow = "auto" }}

[[rule]]
id = "stage"
hazard = "river_flood"
watch = {{ quantity = "stage" }}
measure = "stage"
ladder = {ladder}
class = "instant"
lift_margin = "{MARGIN} m"
raise_after = "0s"
lift_after = "0s"
{answers}

[[rule]]
id = "slope"
hazard = "landslide"
watch = {{ quantity = "displacement" }}
measure = "displacement"
ladder = {ladder}
lift_margin = "{MARGIN} mm"
raise_after = "2 samples"
lift_after = "10m"
{answers}

[[rule]]
id = "rain"
hazard = "heavy_rain"
watch = {{ quantity = "rain" }}
measure = 'rain.sum("1h")'
ladder = {{ blue = "35 mm", yellow = "45 mm", orange = "60 mm", red = "80 mm" }}
lift_after = "0s"
{answers}

[[rule]]
id = "gas"
hazard = "mine_gas"
watch = {{ quantity = "methane" }}
measure = "methane"
ladder = {ladder}
lift_margin = "{MARGIN} %CH4"
raise_after = "0s"
lift_after = "0s"
{answers}
"#
    );
    for (name, audience, from) in CHANNELS {
        let _ = write!(
            text,
            "\n[[channel]]\nname = \"{name}\"\nkind = \"spool\"\ndir = \"{name}\"\naudience = \"{audience}\"\n\
             from_grade = \"{from}\"\ntimeout = \"5s\"\nretry_cap = \"60s\"\n"
        );
    }
    let mut areas: Vec<&str> = places.iter().map(|place| place.area).collect();
    areas.sort_unstable();
    areas.dedup();
    for area in areas {
        let _ = write!(text, "\n[[area]]\nid = \"{area}\"\nname = \"{area}\"\n");
    }
    for Place { id, area, temper } in places {
        let (point, unit) = temper.point();
        let stale = if *temper == Temper::Calm { "12h" } else { "5m" };
        let _ = write!(
            text,
            "\n[[station]]\nid = \"{id}\"\nname = \"{id}\"\narea = \"{area}\"\n\n[[station.point]]\nid = \"{point}\"\n\
             quantity = \"{point}\"\nunit = \"{unit}\"\ninterval = \"1m\"\nresolution = 0.01\nstale_after = \"{stale}\"\n"
        );
    }
    text
}
