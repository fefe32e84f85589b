//! `watchfire backtest` with what really happened, another rule set, a threshold to try: the real binary on real and on
//! made recordings.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use watchfire_tests::harness::daemon;

fn hindcast(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/example/hindcast");
    folder.join(name).display().to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The shipped hindcast, as its README says.
fn seattle(more: &[&str]) -> Output {
    let (config, map, events) = (hindcast("watchfire.toml"), hindcast("map.toml"), hindcast("events.csv"));
    let (tacoma, seatac) = (hindcast("KTIW_t.txt"), hindcast("KSEA_t.txt"));
    let arguments =
        ["backtest", "--lang", "en", "-c", &config, "--map", &map, "--events", &events, "-i", &tacoma, &seatac];
    daemon::command(&[&arguments[..], more].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

#[test]
fn the_landslides_near_seattle_are_scored_against_the_official_threshold() {
    let output = seattle(&["-o", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = json(&output);
    assert_eq!(told["readings"], 12_495 + 12_529);
    let scores = told["verification"]["scores"].as_array().expect("there are scores");
    assert_eq!(scores.len(), 1, "one grade, since no rule has another");
    let score = &scores[0];
    let counts =
        ["hits", "misses", "standing", "verified", "false_alarms", "undecided"].map(|figure| score[figure].as_u64());
    assert_eq!(counts, [7, 4, 3, 4, 4, 0].map(Some), "{score}");
    let ratios = ["pod", "far", "csi"].map(|figure| score[figure].as_f64().unwrap_or(-1.0));
    let textbook = [7.0 / 11.0, 0.5, 1.0 / (11.0 / 7.0 + 2.0 - 1.0)];
    assert!(ratios.iter().zip(textbook).all(|(told, known)| (told - known).abs() < 1e-12), "{score}");
    let hours = |key: &str| score["lead"][key].as_f64().map(|ms| ms / 3_600_000.0);
    assert_eq!(["least", "median", "most"].map(hours), [-16.0, 3.5, 56.0].map(Some), "{score}");
    // Those that the recordings themselves tell: 2011-03-10 16:00 and 2011-11-22 20:00 by the gauges' clocks.
    let rises: Vec<&str> = told["verification"]["occurrences"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["rise"].as_i64())
        .map(|ms| match ms {
            1_299_801_600_000 => "2011-03-10T16:00-08:00",
            1_322_020_800_000 => "2011-11-22T20:00-08:00",
            1_292_130_000_000 => "2010-12-11T21:00-08:00",
            _ => "another",
        })
        .collect();
    assert_eq!(rises.len(), 7);
    assert!(!rises.contains(&"another"), "{rises:?}");
}

#[test]
fn gauges_told_one_after_the_other_are_scored_as_if_told_together() {
    let together = json(&seattle(&["-o", "json"]));
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let both = folder.path().join("both.txt");
    let text =
        [hindcast("KTIW_t.txt"), hindcast("KSEA_t.txt")].map(|path| std::fs::read(path).expect("it ships")).concat();
    std::fs::write(&both, text).expect("a temporary file can be written");
    let (config, map, events) = (hindcast("watchfire.toml"), hindcast("map.toml"), hindcast("events.csv"));
    let both = both.display().to_string();
    let apart =
        daemon::command(&["backtest", "-c", &config, "--map", &map, "--events", &events, "-i", &both, "-o", "json"]);
    assert_eq!(json(&apart)["verification"], together["verification"]);
    assert_eq!(json(&apart)["warnings"], together["warnings"]);
}

/// A river of one station, and the shape of its flood: up from hour 100, over at hour 130.
struct River(TempDir);

const RIVER: &str = r#"packs = ["river"]
[site]
name = "River"
issuer = "i"
sender = "river.example"
contact = "0"
zone = "UTC"
languages = ["en-US"]
[[area]]
id = "a"
name = "Valley"
[[station]]
id = "gauge"
[[station.point]]
id = "stage"
quantity = "stage"
unit = "m"
interval = "1h"
[[rule]]
id = "stage"
hazard = "river_flood"
watch = { quantity = "stage" }
measure = "stage"
ladder = { blue = 3.0, orange = 5.0 }
lift_margin = "0.1 m"
raise_after = "0s"
lift_after = "0s"
class = "instant"
response = "look"
consequence = "water"
time_to_respond = "1h"
"#;

impl River {
    fn new() -> Self {
        let river = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        river.write("watchfire.toml", RIVER);
        river.write("higher.toml", &RIVER.replace("blue = 3.0", "blue = 4.0"));
        let mut recording = "time,station,point,value\n".to_owned();
        for hour in 0..400 {
            let stage = match hour {
                100..=115 => 1.0 + f64::from(hour - 99) * 0.3,
                116..=130 => 5.8 - f64::from(hour - 115) * 0.3,
                // A second rise that nobody was hurt by.
                250..=255 => 3.5,
                _ => 1.0,
            };
            let (day, hour) = (hour / 24 + 1, hour % 24);
            let _ = writeln!(recording, "2026-08-{day:02}T{hour:02}:00:00Z,gauge,stage,{stage:.1}");
        }
        river.write("input.csv", &recording);
        // The flood came in hour 112: 2026-08-05T16:00Z.
        river.write("events.csv", "time,hazard,name\n2026-08-05 16:00,river_flood,\"<the dike> & more\"\n");
        river
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).expect("a temporary file can be written");
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn run(&self, more: &[&str]) -> Output {
        let (config, input) = (self.path("watchfire.toml"), self.path("input.csv"));
        daemon::command(&[&["backtest", "--lang", "en", "-c", &config, "-i", &input][..], more].concat())
    }

    fn scored(&self, more: &[&str]) -> Output {
        self.run(&[&["--events", &self.path("events.csv")][..], more].concat())
    }
}

/// `grade hits misses verified false pod far csi lead`, the last in hours.
fn scores(told: &Value) -> Vec<String> {
    let hours = |ms: &Value| ms.as_i64().map_or_else(|| "-".to_owned(), |ms| (ms / 3_600_000).to_string());
    let line = |score: &Value| {
        let words: Vec<String> = ["grade", "hits", "misses", "verified", "false_alarms", "pod", "far", "csi"]
            .iter()
            .map(|key| score[key].to_string().trim_matches('"').to_owned())
            .collect();
        format!("{} {}", words.join(" "), hours(&score["lead"]["median"]))
    };
    told["verification"]["scores"].as_array().into_iter().flatten().map(line).collect()
}

#[test]
fn each_grade_is_scored_with_what_went_out() {
    let river = River::new();
    let output = river.scored(&["-o", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = json(&output);
    // Blue at hour 106 (3.1 m), orange at 113 (5.2 m): the dike broke between them.
    assert_eq!(scores(&told), ["blue 1 0 1 1 1.0 0.5 0.5 6", "orange 0 1 0 1 0.0 1.0 0.0 -"]);
    // Two rises, one more, and twice that an acknowledgement of orange ran out: it holds for two hours.
    assert_eq!(told["calls"]["calls"], 5, "{}", told["calls"]);
    let table = text(&river.scored(&[]).stdout);
    for part in ["hit", "● Ⅳ Blue", "0.500", "6h", "Chatter: none", "S-20260811-"] {
        assert!(table.contains(part), "{part}\n{table}");
    }
    let [config, input, events] = ["watchfire.toml", "input.csv", "events.csv"].map(|name| river.path(name));
    let chinese = ["backtest", "--lang", "zh", "-c", &config, "-i", &input, "--events", &events];
    let chinese = text(&daemon::command(&chinese).stdout);
    assert!(chinese.contains("命中") && chinese.contains("空报"), "{chinese}");
    let rows = text(&river.scored(&["-o", "csv"]).stdout);
    assert!(rows.contains("far,blue,0.500000,\n") && rows.contains("lead_median,blue,21600.000,s\n"), "{rows}");
}

#[test]
fn whatever_needs_two_signatures_is_signed_at_once() {
    let river = River::new();
    let release = "[release.river_flood]\nraise = \"two\"\nlower = \"two\"\nend = \"two\"\n";
    river.write("watchfire.toml", &format!("{RIVER}{release}"));
    let duty = json(&river.scored(&["-o", "json"]));
    let public = json(&river.scored(&["--audience", "public", "-o", "json"]));
    assert_eq!((&duty["audience"], &public["audience"]), (&"internal".into(), &"public".into()));
    assert_eq!(duty["warnings"], public["warnings"]);
    assert_eq!(public["warnings"].as_array().map(Vec::len), Some(2), "{public}");
    let steps: Vec<&str> = public["warnings"][0]["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| step[1].as_str().unwrap_or("clear"))
        .collect();
    assert_eq!(steps, ["blue", "orange", "blue", "clear"], "the ending is signed too");
}

#[test]
fn what_is_asked_for_and_not_met_ends_with_code_1() {
    let river = River::new();
    for (more, code, said) in [
        (&["--min-pod", "1", "--max-far", "0.5"][..], 0, ""),
        (&["--max-far", "0.4"], 1, "FAR of blue is 0.500; at most 0.4 was asked for"),
        (&["--min-pod", "orange=0.5"], 1, "POD of orange is 0.000; at least 0.5 was asked for"),
        (&["--min-pod", "red=0.5"], 1, "no rule has red"),
        // Late by four hours at most: then orange is a hit too.
        (&["--min-pod", "orange=1", "--tolerance", "4h"], 0, ""),
        (&["--min-pod", "2"], 2, "not a number from 0 to 1"),
    ] {
        let output = river.scored(more);
        assert_eq!(output.status.code(), Some(code), "{more:?} {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{more:?} {}", text(&output.stderr));
    }
    river.write("events.csv", "time\nyesterday\n");
    let output = river.scored(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("events.csv:2: \"yesterday\" is not a time"), "{}", text(&output.stderr));
}

#[test]
fn two_rule_sets_are_held_against_each_other() {
    let river = River::new();
    let same = river.run(&["--against", &river.path("watchfire.toml"), "--must-agree"]);
    assert!(same.status.success(), "{}", text(&same.stderr));
    assert!(text(&same.stdout).contains("2 the same, 0 at another time"), "{}", text(&same.stdout));
    let other = river.run(&["--against", &river.path("higher.toml"), "-o", "json"]);
    assert!(other.status.success(), "without --must-agree a difference is news and no fault");
    let told = json(&other)["difference"].clone();
    // Blue begins three hours later there and ends earlier; the second rise stays below it.
    assert_eq!((&told["moved"], &told["only_here"], &told["same"]), (&1.into(), &1.into(), &0.into()), "{told}");
    assert_eq!(told["pairs"][0]["begin"], 3 * 3_600_000, "{told}");
    let strict = river.run(&["--against", &river.path("higher.toml"), "--must-agree"]);
    assert_eq!(strict.status.code(), Some(1), "{}", text(&strict.stderr));
}

#[test]
fn a_threshold_is_tried_over_a_range() {
    let river = River::new();
    let output = river.scored(&["--sweep", "stage.blue=1.5..4.5/1.5", "-o", "json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = json(&output);
    let points: Vec<String> = told["sweep"]["points"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|point| {
            format!(
                "{} {} {} {}",
                point["value"], point["score"]["pod"], point["score"]["far"], point["score"]["lead"]["median"]
            )
        })
        .collect();
    assert_eq!(points, ["1.5 1.0 0.5 39600000", "3.0 1.0 0.5 21600000", "4.5 1.0 0.0 3600000"]);
    let factors = river.scored(&["--sweep", "stage.blue=x0.5..x1.5/0.5"]);
    assert!(text(&factors.stdout).contains("x1.5"), "{}", text(&factors.stdout));
    // Above orange no ladder can have it.
    let beyond = river.scored(&["--sweep", "stage.blue=4..6/1", "-o", "json"]);
    assert!(json(&beyond)["sweep"]["points"][2]["refused"].is_string(), "{}", text(&beyond.stdout));
    for (trial, said) in
        [("flood.blue=1..2/1", "there is no rule"), ("stage.red=1..2/1", "has no red"), ("stage", "RULE.GRADE")]
    {
        let output = river.scored(&["--sweep", trial]);
        assert_eq!(output.status.code(), Some(2), "{trial}");
        assert!(text(&output.stderr).contains(said), "{trial}: {}", text(&output.stderr));
    }
}

#[test]
fn the_report_is_one_file_that_needs_nothing_else() {
    let river = River::new();
    let page = river.path("report.html");
    let output = river.scored(&["--sweep", "stage.blue=2..4/0.5", "--html", &page]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(page).expect("it was written");
    for part in ["<svg", "polyline", "stage · gauge", "&lt;the dike&gt; &amp; more", "GRADE AND ABOVE", "stage.blue"] {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["<script", "http://", "https://", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("rect class=\"orange veil\""), "the stretch in orange is drawn");
}

#[test]
fn several_recordings_are_told_in_the_order_of_time() {
    let river = River::new();
    let input = std::fs::read_to_string(river.path("input.csv")).expect("it is there");
    let (header, lines) = input.split_once('\n').expect("a header");
    let half = |odd: bool| {
        let lines = lines.lines().enumerate().filter(|(at, _)| (at % 2 == 1) == odd).map(|(_, line)| line);
        format!("{header}\n{}\n", lines.collect::<Vec<_>>().join("\n"))
    };
    river.write("even.csv", &half(false));
    river.write("odd.csv", &half(true));
    let config = river.path("watchfire.toml");
    let (even, odd) = (river.path("even.csv"), river.path("odd.csv"));
    let both = daemon::command(&["backtest", "-c", &config, "-i", &even, &odd, "-o", "json"]);
    assert!(both.status.success(), "{}", text(&both.stderr));
    assert_eq!(text(&both.stdout), text(&river.run(&["-o", "json"]).stdout));
}

/// A site of one station and point, the map for a recording as it was published, and the recording with its format.
struct Published {
    recording: &'static str,
    path: &'static str,
    point: (&'static str, &'static str),
    map: &'static str,
}

const PUBLISHED: [Published; 7] = [
    Published {
        recording: "river/calder/Hebden-Bridge",
        path: "river/calder/Hebden-Bridge-level-15min-Qualified.csv",
        point: ("stage", "m"),
        map: "time = { column = \"dateTime\" }\n[[value]]\ncolumn = \"value\"\n",
    },
    Published {
        recording: "rain/calder/Gorpley",
        path: "rain/calder/Gorpley-rainfall-15min-Qualified.csv",
        point: ("rain", "mm"),
        map: "time = { column = \"dateTime\" }\n[[value]]\ncolumn = \"value\"\n",
    },
    Published {
        recording: "river/usgs-03567500",
        path: "river/usgs-03567500/chick_final.csv",
        point: ("discharge", "ft3/s"),
        map: "time = { column = \"datetime\", format = \"%Y-%m-%d %H:%M:%S\" }\n[[value]]\ncolumn = \"cfs\"\n",
    },
    Published {
        recording: "river/usgs-01010070",
        path: "river/usgs-01010070/big_black_test_small.csv",
        point: ("discharge", "ft3/s"),
        map: "file = { delimiter = \"tab\" }\ntime = { column = \"datetime\" }\n[[value]]\ncolumn = \"cfs\"\n",
    },
    Published {
        recording: "rain/usgs-mukilteo/waMVD116",
        path: "rain/usgs-mukilteo/waMVD116_rain.txt",
        point: ("rain", "in"),
        map: "file = { delimiter = \"blanks\", header = false }\ncolumns = { y = 1, m = 2, d = 3, h = 4, min = 5, rain = 6 }\n\
              time = { column = [\"y\", \"m\", \"d\", \"h\", \"min\"], format = \"%Y %m %d %H %M\" }\n[[value]]\ncolumn = \"rain\"\n",
    },
    Published {
        recording: "gas/uci-air-quality/part1",
        path: "gas/uci-air-quality/AirQualityUCI-part1.csv",
        point: ("co", "mg/m3"),
        map: "time = { column = [\"Date\", \"Time\"], format = \"%d/%m/%Y %H:%M:%S\" }\n[[value]]\ncolumn = \"CO_GT\"\n",
    },
    Published {
        recording: "gas/polish-longwall/train/MM116",
        path: "gas/polish-longwall/methane-train.arff",
        point: ("methane", "%CH4"),
        map: "file = { header = false, skip_until = \"@\" }\ncolumns = { mm116 = 1 }\n\
              time = { every = \"1m\", from = \"2000-01-01T00:00:00Z\" }\n[[value]]\ncolumn = \"mm116\"\n",
    },
];

/// The transitions of a recording, read as published by its map or as the tests have long read it.
fn transitions(river: &River, config: &str, input: &str, map: Option<&str>) -> String {
    river.write("site.toml", config);
    let config = river.path("site.toml");
    let mut arguments = vec!["backtest", "-c", &config, "-i", input, "-o", "json", "--strict"];
    if let Some(map) = map {
        arguments.extend(["--map", map]);
    }
    let output = daemon::command(&arguments);
    assert!(output.status.success(), "{input}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// With `WATCHFIRE_RECORDINGS`: see `tests/run --recordings`.
#[test]
fn recordings_are_read_as_they_were_published() {
    let Some(root) = watchfire_tests::recordings::all() else { return };
    let river = River::new();
    for Published { recording, path, point: (quantity, unit), map } in PUBLISHED {
        let samples = watchfire_tests::recordings::published::read(&root, recording).expect("it can be read");
        let highest = samples.iter().map(|sample| sample.value).fold(f64::NEG_INFINITY, f64::max);
        let config = RIVER
            .replace(
                "id = \"stage\"\nquantity = \"stage\"\nunit = \"m\"",
                &format!("id = \"v\"\nquantity = \"{quantity}\"\nunit = \"{unit}\""),
            )
            .replace(
                "quantity = \"stage\" }\nmeasure = \"stage\"",
                &format!("quantity = \"{quantity}\" }}\nmeasure = \"v\""),
            )
            .replace("blue = 3.0, orange = 5.0", &format!("blue = {}, orange = {}", highest * 0.5, highest * 0.9))
            .replace("0.1 m", &format!("0.01 {unit}"));
        let mut plain = "time,station,point,value\n".to_owned();
        for sample in &samples {
            let _ = writeln!(plain, "{},gauge,v,{}", sample.at, sample.value);
        }
        river.write("plain.csv", &plain);
        let column = if recording.contains("polish") { place_of(&root.join(path), "MM116") } else { String::new() };
        let map = map.replace("mm116 = 1", &column) + "station = \"gauge\"\npoint = \"v\"\n";
        let map = map.replace("skip_until = \"@\"", &format!("skip_until = \"{}\"", data_mark(&root.join(path))));
        river.write("map.toml", &map);
        let known = transitions(&river, &config, &river.path("plain.csv"), None);
        let published = root.join(path).display().to_string();
        assert_eq!(transitions(&river, &config, &published, Some(&river.path("map.toml"))), known, "{recording}");
        assert!(known.lines().count() >= 2, "{recording}: hardly anything was judged");
    }
}

/// `mm116 = 7`: where an attribute of an ARFF file stands.
fn place_of(path: &std::path::Path, name: &str) -> String {
    let arff = std::fs::read_to_string(path).expect("it can be read");
    let attributes = arff.lines().filter(|line| line.to_ascii_lowercase().starts_with("@attribute"));
    let place = attributes.into_iter().position(|line| {
        line.split_whitespace().nth(1).is_some_and(|attribute| attribute.trim_matches(['\'', '"']) == name)
    });
    format!("mm116 = {}", place.expect("the attribute is there") + 1)
}

/// The line of an ARFF file behind which the data stand.
fn data_mark(path: &std::path::Path) -> String {
    let text = std::fs::read_to_string(path).expect("it can be read");
    let mark = text.lines().find(|line| line.to_ascii_lowercase().starts_with("@data"));
    mark.unwrap_or("@").to_owned()
}
