use std::collections::BTreeMap;

use proptest::prelude::*;
use watchfire_model::incident::Sensor;
use watchfire_model::quantity::{Bad, Finite};
use watchfire_model::reading::{PointState, Reading};
use watchfire_model::upkeep::{Upkeep, Work};

use super::*;
use crate::storage::journal::Journal;
use crate::storage::names::tests::names;

const LIMITS: Limits = Limits {
    journal_bytes: 1 << 30,
    journal_keep_bytes: 0,
    segment_bytes: 4_096,
    intake: 16,
    retention: Duration::from_secs(400 * 86_400),
};
/// Small enough that a test of a few hundred samples meets every way of sealing.
const TIGHT: Pace = Pace { step_rows: 40, chunk_samples: 16, head_samples: 60, tail_samples: 200, tail_rows: 8 };
const START: i64 = 1_700_000_000_000;

fn good() -> Judge {
    Box::new(|_, row, _| {
        let Row::Reading(reading) = row else { return None };
        Some(Verdict::of(Flag::Good, reading))
    })
}

fn reading(point: u32, at: i64, value: Result<f64, Bad>) -> Row {
    Row::Reading(Reading {
        point: PointIx(point),
        observed_at: Timestamp(at),
        received_at: Timestamp(at.max(START + 10_000_000)),
        value: value.and_then(Finite::new),
        state: PointState::Normal,
        retained: false,
    })
}

/// A journal and the store that follows it.
struct Kept {
    home: tempfile::TempDir,
    journal: Journal,
    durable: Seq,
}

impl Kept {
    fn new(list: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(home.path().join("journal")).expect("made");
        let (mut journal, _) = Journal::open(&home.path().join("journal"), &LIMITS).expect("opens");
        journal.name_points(names(list));
        Self { home, journal, durable: Seq(0) }
    }
    fn hear(&mut self, rows: &[Row]) {
        self.journal.append(Now::at(START + 10_000_000), rows).expect("taken in");
        self.durable = *self.journal.sync().expect("synced").get();
    }
    fn path(&self) -> PathBuf {
        self.home.path().join("series.db")
    }
    fn writer(&self, list: &str, pace: Pace) -> Writer {
        Writer::open_with(&self.path(), self.journal.dir(), names(list), &LIMITS, pace, good()).expect("opens")
    }
    fn store(&self, writer: &mut Writer) -> u64 {
        let mut readings = 0;
        loop {
            match writer.step(self.durable) {
                Progress::Idle => return readings,
                Progress::Wrote { readings: some, .. } => readings += some,
                Progress::Lost(gap) => panic!("{gap:?}"),
                Progress::Trouble { why, .. } => panic!("{why}"),
            }
        }
    }
    fn all(&self, station: &str, point: &str) -> Vec<(i64, Option<u64>)> {
        let reader = SeriesReader::open(&self.path()).expect("opens");
        let range = reader.range(station, point, Timestamp(i64::MIN), Timestamp(i64::MAX), usize::MAX);
        range.expect("readable").iter().map(|s| (s.at.0, s.value.map(f64::to_bits))).collect()
    }
}

/// What a child would keep: per point, each (time, value) once, by time, then in the order of arrival.
#[derive(Default)]
struct Model(BTreeMap<u32, Vec<(i64, Option<u64>)>>);

impl Model {
    fn hear(&mut self, rows: &[Row]) {
        for row in rows {
            let Row::Reading(reading) = row else { continue };
            let list = self.0.entry(reading.point.0).or_default();
            let one = (filed_at(reading).0, reading.value.ok().map(|v| v.get().to_bits()));
            if !list.contains(&one) {
                let place = list.partition_point(|other| other.0 <= one.0);
                list.insert(place, one);
            }
        }
    }
}

fn any_batch() -> impl Strategy<Value = Vec<Row>> {
    let value = prop_oneof![
        6 => (0..2_000_i32).prop_map(|n| Ok(f64::from(n) / 100.0)),
        1 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Ok),
        1 => Just(Err(Bad::Sentinel)),
    ];
    // Few distinct times, so that repeats, corrections and late samples are common.
    let one = (0..3_u32, 0..400_i64, value).prop_map(|(point, at, value)| reading(point, START + at * 1_000, value));
    prop::collection::vec(one, 1..30)
}

#[derive(Clone, Debug)]
enum Act {
    Hear(Vec<Row>),
    HearAgain,
    Store,
    Restart,
    /// As after a crash with an older copy: the cursor goes back, the samples stay.
    CursorBack,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => any_batch().prop_map(Act::Hear),
        1 => Just(Act::HearAgain),
        4 => Just(Act::Store),
        2 => Just(Act::Restart),
        1 => Just(Act::CursorBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_sample_is_there_once_whatever_happens(acts in prop::collection::vec(any_act(), 1..40)) {
        let list = "a/stage a/rain b/stage";
        let mut kept = Kept::new(list);
        let mut writer = kept.writer(list, TIGHT);
        let (mut model, mut last) = (Model::default(), Vec::new());
        for act in &acts {
            match act {
                Act::Hear(rows) => {
                    kept.hear(rows);
                    model.hear(rows);
                    last.clone_from(rows);
                }
                Act::HearAgain if last.is_empty() => {}
                Act::HearAgain => kept.hear(&last),
                Act::Store => drop(kept.store(&mut writer)),
                Act::Restart => {
                    drop(writer);
                    writer = kept.writer(list, TIGHT);
                }
                Act::CursorBack => {
                    drop(writer);
                    Connection::open(kept.path()).expect("opens").execute("UPDATE place SET seq = seq / 2", []).expect("set");
                    writer = kept.writer(list, TIGHT);
                }
            }
        }
        kept.store(&mut writer);
        prop_assert_eq!(writer.cursor(), kept.durable);
        check_together(&kept, START + 100_000, START + 300_000);
        check_together(&kept, i64::MIN, i64::MAX);
        for (point, (station, id)) in [("a", "stage"), ("a", "rain"), ("b", "stage")].iter().enumerate() {
            let expected = model.0.remove(&u32::try_from(point).expect("small")).unwrap_or_default();
            let mut got = kept.all(station, id);
            prop_assert!(got.is_sorted_by_key(|one| one.0));
            // Of different values for one time only the time's place is promised.
            let mut expected = expected;
            got.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(got, expected);
        }
        check_chunks(&kept.path());
    }
}

/// All points together are what each of them is by itself, in the order of time.
fn check_together(kept: &Kept, from: i64, to: i64) {
    let (from, to) = (Timestamp(from), Timestamp(to));
    let place = |filed: &Filed| match (filed.station.as_str(), filed.point.as_str()) {
        ("a", "stage") => Some(PointIx(2)),
        ("b", "stage") => Some(PointIx(1)),
        _ => None,
    };
    let mut together = Together::open(&kept.path(), from, to, place).expect("opens");
    let mut found = Vec::new();
    while together.next(&mut found).expect("readable") {}
    assert!(found.is_sorted_by_key(|stored| stored.at), "out of order");
    let reader = SeriesReader::open(&kept.path()).expect("opens");
    for (point, station) in [(2, "a"), (1, "b")] {
        let alone = reader.range(station, "stage", from, to, usize::MAX).expect("readable");
        let alone: Vec<_> = alone.iter().map(|sample| (sample.at, sample.value.map(f64::to_bits))).collect();
        let of_it = found.iter().filter(|stored| stored.point == PointIx(point));
        let of_it: Vec<_> = of_it.map(|stored| (stored.at, stored.value.map(f64::to_bits))).collect();
        assert_eq!(of_it, alone, "{station}");
    }
    assert!(found.iter().all(|stored| stored.point != PointIx(0)), "a point that nobody asked for");
}

/// Chunks of a point never overlap, and say of themselves what is in them.
fn check_chunks(path: &Path) {
    let db = Connection::open(path).expect("opens");
    let mut select = db.prepare("SELECT series, t0, t1, n, samples FROM chunk ORDER BY series, t0").expect("sound");
    let mut rows = select.query([]).expect("readable");
    let mut before: Option<(i64, i64)> = None;
    while let Some(row) = rows.next().expect("readable") {
        let (series, t0, t1, n): (i64, i64, i64, usize) =
            (row.get(0).expect("there"), row.get(1).expect("there"), row.get(2).expect("there"), {
                usize::try_from(row.get::<_, i64>(3).expect("there")).expect("small")
            });
        let samples = chunk::decode(&row.get::<_, Vec<u8>>(4).expect("there")).expect("sound");
        assert_eq!((samples.times.first(), samples.times.last(), samples.len()), (Some(&t0), Some(&t1), n));
        assert!(before.is_none_or(|(other, end)| other != series || end < t0), "chunks overlap");
        before = Some((series, t1));
    }
}

#[test]
fn memory_and_tail_stay_within_their_bounds() {
    let mut kept = Kept::new("a/stage a/rain b/stage");
    let mut writer = kept.writer("a/stage a/rain b/stage", TIGHT);
    for n in 0..3_000_i64 {
        // One fast point, one slow, one that speaks once.
        let mut rows = vec![reading(0, START + n * 1_000, Ok(4.5))];
        if n % 50 == 0 {
            rows.push(reading(1, START + n * 1_000, Ok(0.2)));
        }
        if n == 7 {
            rows.push(reading(2, START + n * 1_000, Ok(1.0)));
        }
        kept.hear(&rows);
        if n % 5 == 0 {
            kept.store(&mut writer);
            assert!(writer.unsealed() <= TIGHT.head_samples + 40);
        }
    }
    kept.store(&mut writer);
    let db = Connection::open(kept.path()).expect("opens");
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counted");
    assert!(count("SELECT count(*) FROM tail") <= 10);
    assert!(count("SELECT count(*) FROM chunk WHERE series = 2") <= 4, "slow points have no crumbs");
    assert_eq!(kept.all("a", "stage").len(), 3_000);
    assert_eq!(kept.all("a", "rain").len(), 60);
}

#[test]
fn peaks_stay_when_a_chart_is_thinned() {
    let mut kept = Kept::new("a/stage");
    let rows: Vec<Row> = (0..5_000_i64)
        .map(|n| {
            let value = if n == 1_234 {
                Ok(9.75)
            } else if n == 4_000 {
                Err(Bad::Sentinel)
            } else {
                Ok(2.0 + f64::from(u8::try_from(n % 7).expect("small")) / 100.0)
            };
            reading(0, START + n * 1_000, value)
        })
        .collect();
    rows.chunks(500).for_each(|some| kept.hear(some));
    kept.store(&mut kept.writer("a/stage", TIGHT));
    let reader = SeriesReader::open(&kept.path()).expect("opens");
    let (from, to) = (Timestamp(START), Timestamp(START + 5_000_000));
    for buckets in [1, 7, 100, 5_000, 60_000] {
        let thinned = reader.downsample("a", "stage", from, to, buckets).expect("readable");
        assert!(thinned.len() <= usize::try_from(buckets).expect("small"));
        let peak = thinned.iter().filter_map(|bucket| bucket.max).max_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(peak, Some((Timestamp(START + 1_234_000), 9.75)), "{buckets} buckets");
        assert_eq!(thinned.iter().map(|bucket| bucket.count).sum::<u64>(), 4_999);
        assert_eq!(thinned.iter().map(|bucket| bucket.missing).sum::<u64>(), 1);
        assert!(thinned.windows(2).all(|pair| pair[0].from < pair[1].from));
        for bucket in thinned {
            assert!(bucket.first.is_none_or(|(at, _)| at >= bucket.from), "a sample before its bucket");
            let (Some(min), Some(mean), Some(max)) = (bucket.min, bucket.mean, bucket.max) else { continue };
            assert!(min.1 <= mean + 1e-9 && mean <= max.1 + 1e-9);
        }
    }
    let few = reader.range("a", "stage", Timestamp(START + 10_000), Timestamp(START + 20_000), 3).expect("readable");
    assert_eq!(few.iter().map(|s| s.at.0 - START).collect::<Vec<_>>(), [10_000, 11_000, 12_000]);
    assert_eq!(reader.range("a", "nothing", from, to, 9).expect("readable"), []);
    let filed = reader.points().expect("readable");
    assert_eq!(filed, [Filed { station: "a".into(), point: "stage".into(), quantity: "stage".into() }]);
}

#[test]
fn a_reordered_configuration_files_each_point_where_it_was() {
    let mut kept = Kept::new("a/stage b/rain");
    kept.hear(&[reading(0, START, Ok(1.0)), reading(1, START, Ok(2.0))]);
    kept.store(&mut kept.writer("a/stage b/rain", TIGHT));
    kept.journal.name_points(names("c/gas b/rain"));
    kept.hear(&[reading(0, START + 1, Ok(3.0)), reading(1, START + 1, Ok(4.0))]);
    kept.store(&mut kept.writer("c/gas b/rain", TIGHT));
    let bits = |v: f64| Some(v.to_bits());
    assert_eq!(kept.all("a", "stage"), [(START, bits(1.0))]);
    assert_eq!(kept.all("b", "rain"), [(START, bits(2.0)), (START + 1, bits(4.0))]);
    assert_eq!(kept.all("c", "gas"), [(START + 1, bits(3.0))]);
}

#[test]
fn a_sensor_whose_clock_is_ahead_is_filed_under_our_time() {
    let mut kept = Kept::new("a/stage");
    kept.hear(&[reading(0, START, Ok(1.0))]);
    let Row::Reading(ahead) = reading(0, 0, Ok(2.0)) else { panic!("a reading") };
    kept.hear(&[Row::Reading(Reading {
        observed_at: Timestamp(START * 2),
        received_at: Timestamp(START + 5),
        ..ahead
    })]);
    kept.store(&mut kept.writer("a/stage", TIGHT));
    assert_eq!(kept.all("a", "stage").iter().map(|one| one.0).collect::<Vec<_>>(), [START, START + 5]);
}

#[test]
fn a_clock_that_leaps_takes_no_history_with_it() {
    let mut aged = Aged { to: Timestamp(i64::MIN), last: None, next_series: 0 };
    let at = |wall: i64, steady: i64| Now { wall: Timestamp(wall), steady: watchfire_model::time::Steady(steady) };
    aged.advance(at(START, 0));
    assert_eq!(aged.to, Timestamp(START));
    let ten_years = 10 * 365 * 86_400_000;
    aged.advance(at(START + ten_years, 3_600_000));
    assert_eq!(aged.to, Timestamp(START + 86_400_000), "an hour of a wrong clock costs a day");
    aged.advance(at(START + 7_200_000, 7_200_000));
    assert_eq!(aged.to, Timestamp(START + 7_200_000), "and a clock set right again costs nothing more");
}

#[test]
fn what_is_too_old_goes_and_the_rest_stays() {
    let mut kept = Kept::new("a/stage");
    let month = 30 * 86_400_000_i64;
    for n in 0..200_i64 {
        kept.hear(&[reading(0, START - month + n * month / 200, Ok(1.0))]);
    }
    let limits = Limits { retention: Duration::from_secs(10 * 86_400), ..LIMITS };
    let pace = Pace { step_rows: 1, ..TIGHT };
    let mut writer =
        Writer::open_with(&kept.path(), kept.journal.dir(), names("a/stage"), &limits, pace, good()).expect("opens");
    kept.store(&mut writer);
    let left = kept.all("a", "stage");
    let oldest = START + 10_000_000 - 10 * 86_400_000;
    assert!(left.len() < 110, "{} are left", left.len());
    let young = (0..200).map(|n| START - month + n * month / 200).filter(|at| *at >= oldest);
    assert!(young.eq(left.iter().map(|one| one.0).filter(|at| *at >= oldest)), "the young ones all stay");
}

#[test]
fn a_store_that_fails_is_tried_again_and_loses_nothing() {
    let mut kept = Kept::new("a/stage");
    let mut writer = kept.writer("a/stage", TIGHT);
    kept.hear(&[reading(0, START, Ok(1.0))]);
    kept.store(&mut writer);
    // Somebody else holds the file for longer than we wait.
    let holder = Connection::open(kept.path()).expect("opens");
    if let Some(open) = &writer.open {
        open.db.busy_timeout(Duration::ZERO).expect("set");
    }
    holder.execute_batch("BEGIN IMMEDIATE").expect("held");
    kept.hear(&[reading(0, START + 1, Ok(2.0))]);
    let Progress::Trouble { trouble, .. } = writer.step(kept.durable) else { panic!("it was held") };
    assert_eq!(trouble, Trouble::Outage);
    assert!(writer.cursor() < kept.durable);
    holder.execute_batch("COMMIT").expect("let go");
    kept.store(&mut writer);
    assert_eq!(kept.all("a", "stage").len(), 2);
}

#[test]
fn a_damaged_store_is_put_aside_and_stops_nothing() {
    let mut kept = Kept::new("a/stage");
    for n in 0..60_i64 {
        kept.hear(&[reading(0, START + n, Ok(1.0)), reading(0, START + 500 + n, Ok(2.0))]);
    }
    kept.store(&mut kept.writer("a/stage", TIGHT));
    let whole = std::fs::read(kept.path()).expect("readable");
    let mut put_aside = 0;
    for at in (0..whole.len()).step_by(811) {
        let mut bytes = whole.clone();
        let end = (at + 60).min(bytes.len());
        bytes[at..end].fill(0xa5);
        std::fs::write(kept.path(), &bytes).expect("written");
        let _ = std::fs::remove_file(kept.home.path().join("series.db-wal"));
        let opened = Writer::open_with(&kept.path(), kept.journal.dir(), names("a/stage"), &LIMITS, TIGHT, good());
        let mut writer = match opened {
            Ok(writer) => writer,
            // The bytes that say whose file it is, or in which format: not ours to put aside.
            Err(DatabaseError::Foreign { .. } | DatabaseError::Newer { .. }) => continue,
            Err(error) => panic!("byte {at}: {error}"),
        };
        let before = writer.cursor();
        kept.hear(&[reading(0, START + 100_000 + i64::try_from(at).expect("small"), Ok(3.0))]);
        let mut troubles = 0;
        loop {
            match writer.step(kept.durable) {
                Progress::Idle => break,
                Progress::Wrote { .. } | Progress::Lost(_) => {}
                Progress::Trouble { why, .. } => {
                    troubles += 1;
                    assert!(troubles < 3, "byte {at}: {why}");
                }
            }
        }
        assert!(writer.cursor() >= before.min(kept.durable), "byte {at}");
        if writer.set_aside().is_some() {
            put_aside += 1;
            let told = kept.all("a", "stage").len();
            assert!(told > 120, "byte {at}: the journal has all of it, the store only {told}");
        }
    }
    assert!(put_aside > 0, "no damage was ever noticed");
}

#[test]
fn what_a_person_declares_invalid_is_kept_and_flagged_wherever_it_lies() {
    let mut kept = Kept::new("s/p s/q");
    let mut writer = kept.writer("s/p s/q", TIGHT);
    let rows: Vec<Row> =
        (0..100).flat_map(|at| [reading(0, START + at, Ok(1.0)), reading(1, START + at, Ok(1.0))]).collect();
    kept.hear(&rows);
    kept.store(&mut writer);
    let (from, to) = (Timestamp(START + 10), Timestamp(START + 95));
    let upkeep = Upkeep {
        command: "c".into(),
        sensor: Sensor { station: "s".into(), point: "p".into() },
        work: Work::Invalidate { from, to },
        who: "wang".into(),
        why: "scale".to_owned(),
    };
    kept.hear(&[reading(0, START + 90, Ok(7.0)), Row::Upkeep(Box::new(upkeep)), reading(0, START + 100, Ok(1.0))]);
    kept.store(&mut writer);
    let flags = |point: &str| {
        let reader = SeriesReader::open(&kept.path()).expect("opens");
        let range = reader.range("s", point, Timestamp(i64::MIN), Timestamp(i64::MAX), usize::MAX).expect("readable");
        let bad: Vec<i64> = range.iter().filter(|it| it.flag == Flag::Fail).map(|it| it.at.0 - START).collect();
        (range.len(), bad)
    };
    let invalid: Vec<i64> = (10..=90).chain(90..=95).collect();
    assert_eq!((flags("p"), flags("q")), ((102, invalid.clone()), (100, Vec::new())));
    drop(writer);
    let mut writer = kept.writer("s/p s/q", TIGHT);
    kept.store(&mut writer);
    assert_eq!(flags("p"), (102, invalid), "a restart makes no difference");
}
