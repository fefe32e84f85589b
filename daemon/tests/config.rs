//! Configurations with mistakes in them, and what the operator is told. `UPDATE=1` rewrites the expected texts; a
//! rewritten one is reviewed like code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use watchfire::config;
use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::ladder::Delay;
use watchfire_model::rule::{Class, Release};
use watchfire_model::time::Span;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example/watchfire.toml")
}

/// How long this thread has been on a processor; what others do on the machine is not in it.
fn busy() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanoseconds = schedule.split_whitespace().next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("its first number"))
}

/// What is said of a configuration, file names without their folder.
fn said(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a case is readable");
    let name = path.file_name().and_then(|name| name.to_str()).expect("cases have plain names");
    let examined = config::examine_str(name, &text, &folder());
    assert_eq!(examined.settings.is_none(), examined.problems.has_errors(), "{name}");
    examined.problems.to_string().replace(&format!("{}/", folder().display()), "")
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the cases are there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 50, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let expected = case.with_extension("txt");
        let said = said(case);
        assert!(!said.is_empty(), "{}: nothing was said of it", case.display());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &said).expect("the expected text can be written");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if said != expected {
            wrong.push(format!("--- {}\nexpected:\n{expected}\nsaid:\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn margins_may_be_steps_of_a_sensor_and_delays_so_many_of_the_last_few() {
    let text = std::fs::read_to_string(folder().join("09-deadband-too-small.toml")).expect("the case is readable");
    let text = text
        .replace("resolution = \"0.01 m\"", "resolution = \"1 cm\"\nrange = [\"40 m\", \"60 m\"]")
        .replace(
            "lift_margin = \"2 cm\"",
            "lift_margin = { default = \"4 x resolution\", red = \"5% of range\" }\nraise_after = \"2 of 3 samples or 5 min\"",
        )
        .replace("\"3.0 m\"", "\"43.0 m\"")
        .replace("\"4.0 m\"", "\"44.0 m\"");
    let examined = config::examine_str("margins.toml", &text, &folder());
    let settings = examined.settings.unwrap_or_else(|| panic!("{}", examined.problems));
    let rule = settings.site().rules.first().expect("there is one");
    let close = |margin: Option<f64>, due: f64| margin.is_some_and(|margin| (margin - due).abs() < 1e-12);
    assert!(close(rule.lift_margin.yellow, 0.04), "{:?}", rule.lift_margin);
    assert!(close(rule.lift_margin.red, 1.0), "{:?}", rule.lift_margin);
    let delay = Delay { samples: Some(2), of: Some(3), span: Some(Span::minutes(5)) };
    assert_eq!(rule.raise_after, PerGrade::all(delay));
}

#[test]
fn the_example_site_is_sound_and_means_what_it_says() {
    let examined = config::examine(&example());
    assert!(examined.problems.is_empty(), "{}", examined.problems);
    let settings = examined.settings.expect("no problem was reported");
    let site = settings.site();
    assert_eq!((site.areas.len(), site.stations.len(), site.points.len(), site.rules.len()), (3, 8, 12, 8));
    let stage = site.find_point("baisha", "stage").and_then(|ix| site.point(ix)).expect("it is in points.csv");
    assert_eq!(stage.resolution, Some(0.01), "1 cm is 0.01 m");
    assert_eq!(stage.thresholds.orange, Some(38.1));
    let rapid = site.rules.iter().find(|rule| rule.id.as_str() == "river-rapid-rise").expect("it is in rivers.toml");
    assert_eq!(rapid.unit.map(|unit| unit.symbol), Some("m/h"));
    assert_eq!(rapid.lift_below.orange, Some(0.3), "60 % of 0.5");
    assert_eq!(rapid.lift_margin.orange, None, "the pack's margin in metres is no margin in metres an hour");
    let face = site.rules.iter().find(|rule| rule.id.as_str() == "methane-face").expect("it is in mine_and_slope.toml");
    assert_eq!((face.class, face.lift_below.red, face.lift_after.red), (Class::Instant, Some(1.0), Span::minutes(10)));
    let flood = site.hazard("river_flood").expect("it is in the river pack");
    assert_eq!(
        (flood.release.raise.blue, flood.release.raise.red, flood.release.end.red),
        (Release::Auto, Release::One, Release::One)
    );
    assert_eq!(settings.mqtt.iter().map(|link| link.bindings.len()).sum::<usize>(), 9);
    assert_eq!(settings.modbus.iter().map(|link| link.fields.len()).sum::<usize>(), 3);
    let behind = |measures: bool| -> usize {
        site.links.iter().filter(|link| link.measures == measures).map(|link| link.points.len()).sum()
    };
    assert_eq!((behind(false), behind(true)), (9, 3), "brokers carry, devices measure");
    assert!(site.areas.iter().all(|area| area.polygons.len() == 1), "each area has its own outline");
    assert_eq!(site.zone.offset_at(watchfire_model::time::Timestamp(1_700_000_000_000)), 28_800);
}

#[test]
fn what_sensors_share_and_how_many_must_watch_is_written_where_they_stand() {
    let text = r#"
        packs = ["river"]
        [site]
        name = "r"
        issuer = "r"
        sender = "r"
        zone = "UTC"
        [[area]]
        id = "a"
        name = "a"
        [[hazard]]
        id = "river_flood"
        watched_by = 2
        [[station]]
        id = "calder"
        gateway = "gw-3"
        logger = "rtu-7"
        power = "mast-2"
        [[station.point]]
        id = "stage"
        quantity = "stage"
        unit = "m"
        interval = "15m"
        ladder = { red = 4.0 }
        [[station]]
        id = "eden"
        [[station.point]]
        id = "stage"
        quantity = "stage"
        unit = "m"
        interval = "15m"
        [[group]]
        name = "valley"
        stations = ["*"]
        [[rule]]
        id = "both"
        hazard = "river_flood"
        per = "group"
        watch = { quantity = "stage" }
        measure = "stage.last.max()"
        ladder = { yellow = 3.0, red = 4.0 }
        witnesses = { red = 2 }
    "#;
    let settings = config::load_str(text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"));
    let both = settings.site().rules.first().expect("one is written");
    assert_eq!(both.witnesses, PerGrade { red: 2, ..PerGrade::all(1) });
    let station = settings.site().stations.first().expect("one is written");
    let shared = [&station.gateway, &station.logger, &station.power].map(|it| it.as_ref().map(ToString::to_string));
    assert_eq!(shared.map(Option::unwrap_or_default), ["gw-3", "rtu-7", "mast-2"]);
    assert_eq!(settings.site().hazard("river_flood").map(|hazard| hazard.watched_by), Some(2));
}

#[test]
fn the_reduced_machine_is_reached_by_configuration_alone() {
    let text = r#"
        packs = ["river"]
        [site]
        name = "r"
        issuer = "r"
        sender = "r"
        zone = "UTC"
        [[area]]
        id = "a"
        name = "a"
        [[station]]
        id = "calder"
        [[station.point]]
        id = "stage"
        quantity = "stage"
        unit = "m"
        interval = "15m"
        [[rule]]
        id = "stage"
        hazard = "river_flood"
        watch = { quantity = "stage" }
        measure = "stage"
        ladder = { blue = { raise_at = 4.0, lift_below = 3.6 }, red = { raise_at = 10.0, lift_below = 9.0 } }
        class = "instant"
        raise_after = "0s"
        lift_after = "0s"
        hold = "0s"
        coverage = 0
    "#;
    let settings = config::load_str(text, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}"));
    let rule = settings.site().rules.first().expect("one is written");
    for grade in Grade::ALL {
        assert!(rule.raise_after.get(grade).is_none());
        assert_eq!((*rule.lift_after.get(grade), *rule.hold.get(grade)), (Span::ZERO, Span::ZERO));
    }
    assert_eq!((rule.class, rule.coverage), (Class::Instant, 0.0));
    assert_eq!((rule.lift_below.blue, rule.lift_below.red, rule.lift_below.orange), (Some(3.6), Some(9.0), None));
    assert_eq!(rule.raise_after.red, Delay { samples: None, of: None, span: Some(Span::ZERO) });
}

#[test]
fn the_example_of_every_source_is_sound() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for secret in ["mqtt.password", "ca.pem"] {
        std::fs::write(folder.path().join(secret), "x").expect("it can be written");
    }
    let site = "[site]\nname = \"n\"\nissuer = \"i\"\nsender = \"s\"\nzone = \"UTC\"\n[[area]]\nid = \"a\"\nname = \"a\"\n\
        [[station]]\nid = \"pump-house\"\n[[station.point]]\nid = \"level\"\nquantity = \"stage\"\nunit = \"m\"\ninterval = \"10s\"\n";
    for kind in watchfire_connectors::source::SOURCES {
        let settings = config::load_str(&format!("{site}{}", kind.example), folder.path());
        let settings = settings.unwrap_or_else(|problems| panic!("{}: {problems}", kind.name));
        let links =
            settings.mqtt.iter().map(|l| l.bindings.len()).chain(settings.modbus.iter().map(|l| l.fields.len()));
        assert!(links.sum::<usize>() > 0, "{}: nothing is behind it", kind.name);
    }
}

#[test]
fn the_environment_fills_in_and_is_missed() {
    let name = "WATCHFIRE_TEST_NOT_SET_ANYWHERE";
    let site = |issuer: &str| format!("[site]\nname = \"n\"\nissuer = \"{issuer}\"\nsender = \"s\"\nzone = \"UTC\"\n");
    let filled =
        config::load_str(&site(&format!("${{{name}:-the county}}")), Path::new(".")).expect("it has a default");
    assert_eq!(filled.site().issuer, "the county");
    let plain = config::load_str(&site("a $${b}"), Path::new(".")).expect("it is escaped");
    assert_eq!(plain.site().issuer, "a ${b}");
    let missed = config::load_str(&site(&format!("${{{name}}}")), Path::new(".")).expect_err("it has none");
    assert!(missed.to_string().contains(name), "{missed}");
}

#[test]
fn ten_thousand_points_load_fast() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut stations = String::from("id,name,area,lat,lon,datum,gateway,zone\n");
    let mut points = String::from(
        "station,id,quantity,unit,interval,resolution,range_low,range_high,blue,yellow,orange,red,source\n",
    );
    for n in 0..10_000 {
        stations.push_str(&format!("s{n:06},第{n}站,a,25.1,111.2,1985,gw-{},\n", n % 100));
        points.push_str(&format!("s{n:06},level,stage,m,5m,1 cm,0,100,50,60,70,80,key:s{n:06}\n"));
    }
    let toml = "stations_csv = \"stations.csv\"\npoints_csv = \"points.csv\"\npacks = [\"river\"]\n\
        [site]\nname = \"n\"\nissuer = \"i\"\nsender = \"s\"\nzone = \"Asia/Shanghai\"\n[[area]]\nid = \"a\"\nname = \"a\"\n\
        [[connectors.mqtt]]\nname = \"m\"\nservers = [\"tcp://127.0.0.1:1883\"]\ntopics = [{ topic = \"sensors/#\", codec = \"named\" }]\n\
        [[rule]]\nid = \"r\"\nhazard = \"river_flood\"\nwatch = { quantity = \"stage\" }\nladder = \"station\"\n";
    for (name, text) in [("stations.csv", stations.as_str()), ("points.csv", &points), ("watchfire.toml", toml)] {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    }
    let begun = busy();
    let settings = config::load(&folder.path().join("watchfire.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    let took = busy() - begun;
    assert_eq!((settings.site().points.len(), settings.mqtt[0].bindings.len()), (10_000, 10_000));
    println!("10,000 points from two spreadsheets: {took:?}");
    // Without optimisation it takes some times as long.
    let bound = if cfg!(debug_assertions) { 3_000 } else { 150 };
    assert!(took.as_millis() < bound, "{took:?}");
}

#[test]
fn a_spreadsheet_says_of_a_point_what_a_table_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site =
        "[site]\nname = \"n\"\nissuer = \"i\"\nsender = \"s\"\nzone = \"UTC\"\n[[area]]\nid = \"a\"\nname = \"a\"\n";
    let table = "[[station]]\nid = \"q\"\n[[station.point]]\nid = \"stage\"\nquantity = \"stage\"\nunit = \"m\"\n\
        interval = \"5m\"\nplausible = [\"40 m\", \"56 m\"]\nmax_rate = \"3 m/h\"\nspike = { suspect = \"30 cm\" }\n\
        flat_after = \"12h\"\ndatum_jump = \"0.1 m\"\nsentinels = [-9999, 99.99]\nwraps_at = 65535\n";
    let sheet = "station,id,quantity,unit,interval,plausible_low,plausible_high,max_rate,spike,flat_after,datum_jump,\
        sentinels,wraps_at\nq,stage,stage,m,5m,40 m,56 m,3 m/h,30 cm,12h,0.1 m,-9999 99.99,65535\n";
    let with_sheet = format!("points_csv = \"points.csv\"\n{site}[[station]]\nid = \"q\"\n");
    std::fs::write(folder.path().join("points.csv"), sheet).expect("it can be written");
    let load = |text: &str| config::load_str(text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
    let (by_table, by_sheet) = (load(&format!("{site}{table}")), load(&with_sheet));
    assert_eq!(by_sheet.site().points, by_table.site().points);
    assert!(by_sheet.site().points[0].scrutiny.is_some());
    std::fs::write(folder.path().join("points.csv"), sheet.replace("56 m", "")).expect("it can be written");
    let refused = config::load_str(&with_sheet, folder.path()).expect_err("half a pair");
    assert!(
        refused.to_string().contains("a plausible has both `plausible_low` and `plausible_high`, or neither"),
        "{refused}"
    );
}

#[test]
fn a_cell_says_of_seasons_neighbours_and_devices_what_tables_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let site = "[site]\nname = \"n\"\nissuer = \"i\"\nsender = \"s\"\nzone = \"America/Los_Angeles\"\n\
        [[area]]\nid = \"a\"\nname = \"a\"\n";
    let stations = "[[station]]\nid = \"up\"\n[[station.point]]\nid = \"stage\"\nquantity = \"stage\"\nunit = \"m\"\n\
        interval = \"5m\"\n[[station]]\nid = \"q\"\n";
    let table = "[[station.point]]\nid = \"stage\"\nquantity = \"stage\"\nunit = \"m\"\ninterval = \"5m\"\n\
        seasons = [{ days = [\"11-01\", \"03-31\"], usual = [\"42 m\", \"46 m\"] },\
        { days = [\"04-01\", \"04-30\"], hours = [22, 6], usual = [-1, 2.5] }, { usual = [\"4000 cm\", \"56 m\"] }]\n\
        neighbours = { suspect = \"0.8 m\", points = [\"up/stage\", \
        { point = \"up/stage\", offset = \"-8.2 m\", scale = 1.02 }, { point = \"up/stage\", scale = -0.5 },\
        { point = \"up/stage\", offset = \"30 cm\" }] }\n\
        [[station.point.sensor]]\nserial = \"RD 0117\"\nfrom = \"2025-01-01T00:00:00-08:00\"\n\
        to = \"2026-05-01T08:00:00-07:00\"\n\
        [[station.point.sensor]]\nserial = \"RD 0118\"\nfrom = \"2026-05-01T09:30:00-07:00\"\noffset = \"3 cm\"\nscale = 1.01\n";
    let sheet = "station,id,quantity,unit,interval,seasons,neighbours,neighbours_suspect,sensors\n\
        q,stage,stage,m,5m,11-01..03-31 42..46 m; 04-01..04-30 22..6h -1..2.5;4000 cm..56 m;,\
        \"up/stage; -8.2 m + 1.02 x up/stage\n-0.5 * up/stage; 30 cm + up/stage\",0.8 m,\
        RD 0117 from 2025-01-01 to 2026-05-01 08:00; RD 0118 from 2026-05-01T16:30:00Z scale 1.01 offset 3 cm\n";
    std::fs::write(folder.path().join("points.csv"), sheet).expect("it can be written");
    let load = |text: &str| config::load_str(text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
    let by_table = load(&format!("{site}{stations}{table}"));
    let by_sheet = load(&format!("points_csv = \"points.csv\"\n{site}{stations}"));
    assert_eq!(by_sheet.site().points, by_table.site().points);
    let scrutiny = by_sheet.site().points[1].scrutiny.as_ref().expect("it is looked at closely");
    assert_eq!((scrutiny.climate.len(), scrutiny.sensors.len()), (3, 2));
    assert_eq!(scrutiny.neighbours.as_ref().map(|neighbours| neighbours.points.len()), Some(4));
}

#[test]
fn a_spreadsheet_of_areas_says_what_tables_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sheet = "name,id,population\nFirst village,330106001,1200\n\"Upper, lower\",330106002,\n";
    std::fs::write(folder.path().join("areas.csv"), sheet).expect("it can be written");
    let site = "[site]\nname = \"x\"\nissuer = \"x\"\nsender = \"x.example\"\nzone = \"UTC\"\n";
    let tables = "[[area]]\nid = \"330106001\"\nname = \"First village\"\npopulation = 1200\n\
        [[area]]\nid = \"330106002\"\nname = \"Upper, lower\"\n";
    let load = |text: &str| config::load_str(text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
    let by_sheet = load(&format!("areas_csv = \"areas.csv\"\n{site}"));
    assert_eq!(by_sheet.site().areas, load(&format!("{site}{tables}")).site().areas);
    assert_eq!(by_sheet.site().areas[0].population, Some(1_200));
}

#[test]
fn a_wrong_spreadsheet_of_ten_thousand_rows_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let header = "station,id,quantity,unit,interval\n";
    let rows: String = (0..10_000).map(|n| format!("x{n:06},level,stage,m,5m\n")).collect();
    let stations: String = (0..10_000).map(|n| format!("s{n:06}\n")).collect();
    let toml = "stations_csv = \"stations.csv\"\npoints_csv = \"points.csv\"\n\
        [site]\nname = \"n\"\nissuer = \"i\"\nsender = \"s\"\nzone = \"UTC\"\n[[area]]\nid = \"a\"\nname = \"a\"\n";
    std::fs::write(folder.path().join("stations.csv"), format!("id\n{stations}")).expect("it can be written");
    std::fs::write(folder.path().join("points.csv"), format!("{header}{rows}")).expect("it can be written");
    let begun = busy();
    let refused = config::load_str(toml, folder.path()).expect_err("no station of a point is there");
    assert_eq!(refused.counts().0, 10_000);
    assert!(refused.to_string().lines().count() < 1_000, "nobody reads ten thousand mistakes");
    let took = busy() - begun;
    assert!(took.as_secs() < 10, "{took:?}");
}
