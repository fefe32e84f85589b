//! `watchfire demo`, run as a stranger would: the story is told with its receipts, a red is held when its gauge falls
//! silent, in a real browser too, nothing is lost, and a demo that was killed goes on where it stopped.

use std::collections::BTreeSet;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use watchfire::storage::series::embedded::SeriesReader;
use watchfire_model::time::Timestamp;
use watchfire_tests::harness::browser::Browser;
use watchfire_tests::harness::daemon::{binary, command};
use watchfire_tests::harness::http;
use watchfire_tests::harness::process::{self, Process, free_port};
use watchfire_tests::harness::wait;

/// How soon a warning must have been raised, released, delivered and receipted.
const FIRST: Duration = Duration::from_secs(15);
/// How long a demo may take to end once its time is over.
const ENDING: Duration = Duration::from_secs(30);

/// A demo on a port and in a folder of its own.
struct Demo {
    process: Process,
    port: u16,
}

impl Demo {
    fn start(folder: &TempDir, lasting: &str) -> Self {
        let port = free_port();
        let mut command = process::command(binary());
        command.args(["demo", "--for", lasting, "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(folder.path().join("data"));
        let log = folder.path().join(format!("{port}.log"));
        Self { process: Process::start("demo", command, &log), port }
    }

    /// Waits until a line says all of these words.
    fn says(&self, words: &[&str]) -> String {
        wait::within(Duration::from_secs(60), &format!("a line with {words:?}"), || {
            let log = self.process.log();
            log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        })
    }

    fn ends(&mut self) -> ExitStatus {
        wait::within(ENDING, "the demo to end", || self.process.ended())
    }

    /// The lines that tell of a bulletin.
    fn bulletins(&self) -> Vec<String> {
        self.process.log().lines().filter(|line| line.contains("CAP ")).map(str::to_owned).collect()
    }

    /// The four counts of the summary: heard, stored, judged, lost.
    fn readings(&self) -> [u64; 4] {
        let line = self.says(&["readings:", "lost"]);
        let counts: Vec<u64> = line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
        counts.try_into().unwrap_or_else(|_| panic!("four counts in {line:?}"))
    }
}

#[test]
fn a_story_is_told_with_its_receipts_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    // What takes time to build is no part of the demo's own.
    let _ = binary();
    let started = Instant::now();
    let mut demo = Demo::start(&folder, "25s");
    demo.says(&["console: http://127.0.0.1:"]);
    demo.says(&["发布", "CAP Alert → 1/1 回执 receipts R-"]);
    assert!(started.elapsed() < FIRST, "the first receipt came only after {:?}", started.elapsed());

    // The red whose gauge falls silent: held on the terminal and on the screen's own source, in the words of CAP.
    demo.says(&["红Ⅰ red 续发", "held, evidence lost since"]);
    let warnings = http::get(&format!("http://127.0.0.1:{}/api/v1/warnings", demo.port)).expect("the console answers");
    let warnings = warnings.json();
    let red = warnings["items"].as_array().into_iter().flatten().find(|warning| warning["grade"] == "red");
    let red = red.unwrap_or_else(|| panic!("a red stands in {warnings}"));
    assert!(red["evidence_lost"].is_number(), "held without evidence: {red}");
    assert!(http::get(&format!("http://127.0.0.1:{}/", demo.port)).is_ok_and(|page| page.status == 200));

    assert!(demo.ends().success(), "{}", demo.process.log());
    assert!(!demo.process.log().contains("ERROR"), "nothing is wrong with us: {}", demo.process.log());
    let [heard, stored, judged, lost] = demo.readings();
    assert!(heard > 1_000 && heard == stored && heard == judged && lost == 0, "{heard} {stored} {judged} {lost}");
    let told = demo.bulletins();
    assert!(told.len() > 10);
    for line in &told {
        let parts = ["CAP ", "→ 1/1 回执 receipts R-", " · "].iter().all(|part| line.contains(part));
        // A word about the evidence alone follows no reading, so it has no seconds since one.
        let timed = line.ends_with(" s") != line.contains("续发");
        assert!(parts && timed, "grade, station, value, CAP, receipts and seconds in {line:?}");
        // Only the USGS threshold over the airports' rain is official; all else says what it is.
        let official = line.contains("Tacoma");
        let marked = ["演示阈值 demo thresholds", "模拟综采面 Simulated"].iter().any(|mark| line.contains(mark));
        assert!(official != marked, "{line:?}");
    }
    demo.says(&["⛰", "2010-12-12", "warned"]);
    demo.says(&["warnings:", "redⅠ"]);
    let bulletins = demo.says(&["bulletins:", "receipted"]);
    let counts: Vec<&str> = bulletins.split([' ', ',']).filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(counts.first(), counts.last(), "{bulletins}");
    report_on_it(&folder, counts.first().and_then(|count| count.parse().ok()).expect("a count"));
    prove_the_ledger(&folder);
}

/// `watchfire report` on what a demo has left: the bulletins that were seen are in it, in each of its three forms.
fn report_on_it(folder: &TempDir, receipted: u64) {
    const SITE: &str = "packs = [\"river\"]\n[site]\nname = \"Mukilteo\"\nissuer = \"x\"\nsender = \"x.example\"\nzone = \"America/Los_Angeles\"\n\
        [[area]]\nid = \"430000000000\"\nname = \"a\"\n";
    let config = folder.path().join("report.toml");
    std::fs::write(&config, SITE).expect("the folder is ours");
    let (config, data) = (config.display().to_string(), folder.path().join("data").display().to_string());
    let report = |arguments: &[&str]| {
        let place = ["report", "--config", &config, "--data-dir", &data];
        let said = command(&[&place, arguments].concat());
        assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("text")
    };
    let all = ["--from", "2000-01-01T00:00:00Z", "--to", "2040-01-01T00:00:00Z"];
    let told_of: serde_json::Value =
        serde_json::from_str(&report(&[&all[..], &["-o", "json"]].concat())).expect("JSON");
    let number = |pointer: &str| told_of.pointer(pointer).and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX);
    let confirmed = number("/notices/internal/confirmed") + number("/notices/public/confirmed");
    // What was on its way when the summary was written has come since.
    assert!(confirmed >= receipted && receipted > 10, "{receipted} receipts were told: {told_of}");
    let peaks: u64 =
        ["blue", "yellow", "orange", "red"].map(|grade| number(&format!("/warnings_by_peak/{grade}"))).iter().sum();
    assert!(peaks > 0 && number("/warnings_by_peak/red") > 0 && number("/load/calls") >= peaks, "{told_of}");
    // What says Test warned nobody in earnest.
    let events = folder.path().join("events.csv");
    std::fs::write(&events, "time\n2010-12-12 12:00\n").expect("the folder is ours");
    let events = ["--events", &events.display().to_string(), "-o", "json"].map(str::to_owned);
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let scored: serde_json::Value = serde_json::from_str(&report(&[&all[..], &events].concat())).expect("JSON");
    let blue = scored.pointer("/released/outcomes/0/scores/0").expect("a score");
    assert_eq!((&blue["hits"], &blue["misses"], &blue["false_alarms"]), (&0.into(), &1.into(), &0.into()), "{blue}");
    let month = report(&["month", "--of", "2010-12-12"]);
    assert!(month.contains("2010-12-01 08:00 – 2011-01-01 08:00 (America/Los_Angeles)"), "{month}");
    assert!(month.contains("| call to acknowledgement |") && month.contains("## Who called most"), "{month}");
    let rows = report(&["day", "--of", "2010-12-12", "-o", "csv"]);
    assert!(rows.starts_with("figure,of,value,unit\n") && rows.contains("\nwarnings,red,"), "{rows}");
    assert!(report(&["day", "--of", "1999-01-01", "--lang", "zh"]).contains("预警 0 起"));
}

/// `watchfire verify` on what a demo has left: proven, written out, proven from the file, and found out once changed.
fn prove_the_ledger(folder: &TempDir) {
    let data = folder.path().join("data").display().to_string();
    let file = folder.path().join("ledger.jsonl").display().to_string();
    let verify = |arguments: &[&str]| {
        let said = command(&[&["verify", "-o", "json"], arguments].concat());
        let answer: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
        (said.status.code(), answer)
    };
    let (code, proven) = verify(&["--data-dir", &data, "--export", &file]);
    assert_eq!((code, &proven["proven"]), (Some(0), &serde_json::Value::Bool(true)), "{proven}");
    assert!(proven["records"].as_u64().is_some_and(|records| records > 50), "{proven}");
    let head = proven["head"].as_str().expect("a head");
    assert_eq!(
        verify(&["--exported", &file, "--noted", head]),
        (Some(0), verify(&["--data-dir", &data, "--noted", head]).1)
    );
    let other = head.replace(&head[head.len() - 4..], "0000");
    assert_eq!(verify(&["--data-dir", &data, "--noted", &other]).0, Some(1), "a head that never was");
    let ledger = rusqlite::Connection::open(folder.path().join("data").join("ledger.db")).expect("the ledger opens");
    let last = "SELECT max(id) FROM record WHERE events LIKE '%orange%'";
    let change = format!("UPDATE record SET events = replace(events, 'orange', 'yellow') WHERE id = ({last})");
    assert_eq!(ledger.execute(&change, []).expect("the ledger takes it"), 1);
    assert_eq!(verify(&["--data-dir", &data]).0, Some(1), "changed records are found out");
}

#[test]
fn the_console_shows_the_red_that_is_held_in_both_languages() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Demo::start(&folder, "120s");
    let browser = Browser::start();
    demo.says(&["红Ⅰ red 续发", "held, evidence lost since"]);
    browser.open(&format!("http://127.0.0.1:{}/?lang=en", demo.port));
    let english = browser.says(&["Live warnings", "South Chickamauga", "held, evidence lost", "threshold", "Receipts"]);
    assert!(english.contains("Demonstration / test system"), "a demo says so: {english}");
    browser.press(".card.grade-red");
    browser.says(&["Course", "Alarms and evidence", "Evidence lost since", "Bulletins and receipts", "Story"]);
    // The live chart draws: its canvas holds something other than nothing.
    let drawn = "const c = document.querySelector('canvas'); if (!c || !c.width) return false;
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; return d.some((byte) => byte !== 0)";
    wait::until("the chart to be drawn", || browser.run(drawn).as_bool().filter(|drawn| *drawn));
    assert!(browser.picture().len() > 20_000, "a picture of it");
    // The sensors: all of them, then those without data alone, and back.
    browser.press("button.opens");
    browser.says(&["Sensors", "Last value", "Age", "Trust", "Reliable", "South Chickamauga"]);
    browser.press(".pick.no_data");
    let alone = "const rows = [...document.querySelectorAll('tr.sensor')];
        return rows.length > 0 && rows.every((row) => row.classList.contains('no_data')) && rows[0].innerText";
    let silent = wait::until("the silent ones alone", || browser.run(alone).as_str().map(str::to_owned));
    assert!(silent.contains("South Chickamauga") && silent.contains("last heard"), "{silent}");
    browser.press("button.language");
    browser.says(&["测点", "末次读数", "可信程度", "无数据"]);
    browser.press(".back.shown");
    browser.says(&["红", "监测中断"]);
    assert_eq!(browser.run("return document.documentElement.lang"), "zh-CN");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_told_by_telephone_is_taken_down_on_the_console() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Demo::start(&folder, "60s");
    let browser = Browser::start();
    demo.says(&["console: http://127.0.0.1:"]);
    browser.open(&format!("http://127.0.0.1:{}/?lang=en", demo.port));
    browser.press(".report > .do");
    for (name, value) in [("hazard", "river_flood"), ("area", "400000000001"), ("grade", "orange"), ("seen", "10")] {
        browser.press(&format!(".report [name={name}] option[value='{value}']"));
    }
    for (name, text) in [
        ("who", "Wang"),
        ("place", "upstream bridge"),
        ("by", "village head, 555-0100"),
        ("why", "water over the road"),
    ] {
        browser.fill(&format!(".report [name={name}]"), text);
    }
    browser.press(".report button[type=submit]");
    browser.says(&["Taken down: upstream bridge"]);
    let alarms =
        http::get(&format!("http://127.0.0.1:{}/api/v1/alarms", demo.port)).expect("the console answers").json();
    let alarms = alarms["items"].as_array().expect("a page").clone();
    let reported = alarms.iter().find(|alarm| alarm["subject"] == "upstream bridge").expect("the report is an alarm");
    assert_eq!(reported["standing"], "orange", "{reported}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_was_killed_goes_on_and_says_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Demo::start(&folder, "60s");
    first.says(&["红Ⅰ red 升级"]);
    first.process.kill();
    let told: BTreeSet<String> = first.bulletins().into_iter().map(|line| before_the_receipts(&line)).collect();

    let mut second = Demo::start(&folder, "8s");
    second.says(&["taken up at 2010-12-", "none of them again"]);
    assert!(second.ends().success(), "{}", second.process.log());
    let [heard, _, _, lost] = second.readings();
    assert!(heard > 0 && lost == 0, "{heard} heard, {lost} lost");
    let again: Vec<String> = second
        .bulletins()
        .into_iter()
        .map(|line| before_the_receipts(&line))
        .filter(|line| told.contains(line))
        .collect();
    assert!(again.is_empty(), "told once more: {again:?}");
    assert!(!second.bulletins().is_empty(), "the story goes on");

    let store = SeriesReader::open(&folder.path().join("data").join("series.db")).expect("the store can be read");
    let samples = store.range("seatac", "rain", Timestamp(0), Timestamp(i64::MAX), usize::MAX).expect("readable");
    let times: BTreeSet<i64> = samples.iter().map(|sample| sample.at.0).collect();
    assert_eq!(times.len(), samples.len(), "a reading is stored once");
    let hours = times.iter().zip(times.iter().skip(1));
    let missing: Vec<(&i64, &i64)> = hours.filter(|(a, b)| *b - *a > 3_600_000).collect();
    // 2010-12-12 from 18:00 to 22:00 at the gauge.
    assert_eq!(missing, [(&1_292_205_600_000, &1_292_220_000_000)], "the hours that the recording itself lacks");
}

/// Stamp, grade, class and place of a line: what its bulletin says.
fn before_the_receipts(line: &str) -> String {
    line.split("  CAP ").next().unwrap_or(line).to_owned()
}

#[test]
fn what_cannot_be_played_is_refused_with_what_can() {
    for (arguments, said) in [
        (["demo", "--speed", "0"], "0.01 to 100"),
        (["demo", "--lose-sensor", "nowhere"], "chickamauga"),
        (["demo", "--for", "soon"], "soon"),
    ] {
        let refused = command(&arguments);
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {words}");
        assert!(words.contains(said), "{arguments:?}: {words}");
    }
}
