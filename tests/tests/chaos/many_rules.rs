//! FEATURES J2 at the size of a province: five thousand rules over as many points are edited twice while readings come in.
//! Every reading is stored and judged, nobody's grade moves, and what the reload keeps waiting is measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;
use watchfire::storage::series::embedded::SeriesReader;
use watchfire_model::time::Timestamp;
use watchfire_tests::harness::http;
use watchfire_tests::harness::publisher::Qos;
use watchfire_tests::harness::wait;

use super::course::{quiet, seed};
use super::load::Load;
use super::site::{self, Station};
use super::stage::{POINT, SOON, Stage, now, payload, topic};

const RULES: usize = 5_000;
/// Stations that stand at orange all the while, each in an area of its own.
const STANDING: usize = 20;
/// Readings a second.
const RATE: u32 = 1_000;
/// What nobody may be kept waiting for longer, on a machine that has other work.
const PAUSE: Duration = Duration::from_secs(5);

fn id(n: usize) -> String {
    format!("s{n:04}")
}

/// A rule for each station, every other one a script, as the `edition` has it: each edits every third rule.
fn rules(edition: usize) -> String {
    (0..RULES).fold(String::new(), |mut text, n| {
        let edited = edition > 0 && n % 3 == edition % 3;
        let blue = if edited { 11 + edition } else { 10 };
        let measure = match (n % 2, edited) {
            (0, _) => "stage".to_owned(),
            (_, false) => "if stage > 20.0 { stage.last } else { stage + 0.0 }".to_owned(),
            (_, true) => "if stage > 21.0 { stage.last } else { stage * 1.0 }".to_owned(),
        };
        let _ = write!(
            text,
            "\n[[rule]]\nid = \"r{n:04}\"\nhazard = \"river_flood\"\nwatch = {{ stations = [\"{}\"], quantity = \"stage\" }}\n\
             measure = '{measure}'\nunit = \"m\"\nladder = {{ blue = {blue}, yellow = 20, orange = 30, red = 40 }}\nclass = \"instant\"\n\
             lift_margin = \"1 m\"\nraise_after = \"0s\"\nlift_after = \"0s\"\nresponse = \"look\"\n\
             consequence = \"water\"\ntime_to_respond = \"1h\"\n",
            id(n)
        );
        text
    })
}

/// One reading after the other at a steady rate, station by station; when each was observed, by station.
fn load(stage: &Stage, seed: u64) -> Load<BTreeMap<usize, Vec<i64>>> {
    Load::begin(stage, move |link, goes_on| {
        let (mut sent, begin): (BTreeMap<usize, Vec<i64>>, _) = (BTreeMap::new(), Instant::now());
        for n in (0_u32..).take_while(|_| goes_on()) {
            let due = begin + Duration::from_secs(1) * n / RATE;
            wait::until("its turn", || (Instant::now() >= due).then_some(()));
            let (place, at) = (usize::try_from(n).expect("small") % RULES, now());
            let value = if place < STANDING { 32.0 } else { quiet(seed, 3, usize::try_from(n).expect("small")) };
            let text = payload(&id(place), at, value);
            link.publish(n.into(), &topic(&id(place)), text.as_bytes(), Qos::AtLeastOnce).expect("the broker is there");
            sent.entry(place).or_default().push(at);
        }
        sent
    })
}

/// How many readings have been judged, again and again: the longest time in which there was no more of them.
fn longest_pause(stage: &Stage, mut over: impl FnMut() -> bool) -> Duration {
    let judged = || stage.daemon.metric("watchfire_readings_judged_total").unwrap_or_default();
    let (mut last, mut since, mut longest) = (judged(), Instant::now(), Duration::ZERO);
    wait::within(Duration::from_secs(120), "the reload", || {
        let judged = judged();
        if judged > last {
            (last, since) = (judged, Instant::now());
        }
        longest = longest.max(since.elapsed());
        over().then_some(())
    });
    longest
}

#[test]
fn five_thousand_rules_are_edited_twice_under_load_without_a_reading_lost() {
    let alone = (0..STANDING).map(|n| Station::alone(&id(n)));
    let others = (STANDING..RULES).map(|n| Station::among(&id(n), &format!("county-{}", n % 50)));
    let stations: Vec<Station> = alone.chain(others).chain([Station::alone("fresh")]).collect();
    let mut stage = Stage::prepare(&stations);
    let base = site::site(&stage.broker.url(), &stage.platform.url(), &stations);
    let base = base.replacen("watch = {", "watch = { stations = [\"fresh\"],", 1);
    let text = |edition: usize| format!("{base}{}", rules(edition));
    stage.daemon.configure(&text(0));
    stage.daemon.run();
    stage.connected();
    let engineer = stage.daemon.desk("engineer");
    let mut sensor = stage.sensor();
    sensor.says("fresh", 1.0);
    let load = load(&stage, seed());
    for n in 0..STANDING {
        stage.hears(SOON, "duty", &id(n), "warning.raised", "orange");
    }
    // Every station has spoken, so that every rule has something to be judged anew over.
    let calm = longest_pause(&stage, || {
        stage.daemon.metric("watchfire_readings_judged_total").is_some_and(|judged| judged > 7_000.0)
    });
    for edition in [1, 2] {
        stage.daemon.configure(&text(edition));
        let (url, engineer) = (stage.daemon.url("/-/reload"), engineer.clone());
        let asked = Instant::now();
        let reload = std::thread::spawn(move || {
            let body = json!({"who": "wang", "why": "the thresholds of this year"});
            http::post_as(&engineer, &url, &body).expect("the daemon answers")
        });
        let pause = longest_pause(&stage, || reload.is_finished());
        let took = asked.elapsed();
        let answer = reload.join().expect("it has ended");
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["in_force"], true);
        let after = longest_pause(&stage, || asked.elapsed() > took + Duration::from_secs(3));
        println!(
            "reload {edition}: {took:?}; no reading judged for at most {pause:?}, {after:?} in the 3 s after it, {calm:?} before"
        );
        assert!(pause.max(after) <= PAUSE, "readings waited {pause:?}");
    }
    stage.fresh_crossing_passes(&mut sensor, "fresh");
    let sent = load.ends();
    let count: usize = sent.values().map(Vec::len).sum();
    assert!(count > 10_000, "hardly any load: {count}");
    let stored = || {
        let reader = SeriesReader::open(&stage.daemon.data_dir().join("series.db")).expect("the store can be read");
        let of = |n: usize| reader.range(&id(n), POINT, Timestamp(0), Timestamp(i64::MAX), usize::MAX);
        let times = |n: usize| of(n).expect("it can be read").into_iter().map(|sample| sample.at.0).collect();
        (0..RULES).map(|n| (n, times(n))).filter(|(_, times): &(usize, Vec<i64>)| !times.is_empty()).collect()
    };
    wait::within(Duration::from_secs(60), "every reading to be stored", || {
        let there: BTreeMap<usize, Vec<i64>> = stored();
        (there.values().map(Vec::len).sum::<usize>() >= count).then_some(())
    });
    assert_eq!(stored(), sent, "each once, in order");
    let told: Vec<_> = stage.platform.heard().into_iter().filter(|said| said.area != "fresh").collect();
    let false_ones: Vec<_> =
        told.iter().filter(|said| said.class != "warning.raised" || said.grade != "orange").collect();
    assert!(false_ones.is_empty(), "{false_ones:?}");
    assert_eq!(told.len(), 2 * STANDING);
    println!("{count} readings sent and stored under {RULES} rules");
}
