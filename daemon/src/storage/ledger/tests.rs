use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;

fn entry(n: i64) -> Entry {
    Entry {
        now: Now::at(n * 1_000),
        input: format!("{{\"finding\":{n}}}"),
        events: if n % 3 == 0 { "[]".into() } else { format!("[{{\"raised\":{n}}}]") },
    }
}

fn filled(path: &Path, records: i64) -> Ledger {
    let mut ledger = Ledger::open(path).expect("opens");
    for batch in (1..=records).collect::<Vec<_>>().chunks(3) {
        let entries: Vec<Entry> = batch.iter().map(|n| entry(*n)).collect();
        ledger.append(&entries).expect("recorded");
    }
    ledger
}

fn read(ledger: &Ledger, from: u64) -> Vec<Entry> {
    ledger.read(LedgerId(from)).map(|record| record.expect("proven").entry).collect()
}

#[test]
fn records_are_there_again_after_a_restart() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    let head = {
        let mut ledger = filled(&path, 700);
        assert_eq!(ledger.append(&[entry(701)]).expect("recorded").into_inner(), LedgerId(701));
        ledger.head()
    };
    let mut ledger = Ledger::open(&path).expect("opens again");
    assert_eq!(ledger.head(), head);
    assert_eq!(ledger.verify().expect("proven"), head);
    assert_eq!(read(&ledger, 1), (1..=701).map(entry).collect::<Vec<_>>());
    assert_eq!(read(&ledger, 699), (699..=701).map(entry).collect::<Vec<_>>());
    assert_eq!(read(&ledger, 702), []);
    assert_eq!(*ledger.append(&[]).expect("nothing to do").get(), LedgerId(701));
    let reader = LedgerReader::open(&path).expect("opens beside the writer");
    assert_eq!(reader.verify().expect("proven"), head);
}

#[test]
fn texts_and_facts_are_kept() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut ledger = Ledger::open(&home.path().join("ledger.db")).expect("opens");
    let revision = Revision("r1".into());
    ledger.keep_revision(&revision, "level > 3").expect("kept");
    ledger.keep_revision(&revision, "level > 4").expect("the first text stays");
    assert_eq!(ledger.revision(&revision).expect("readable").as_deref(), Some("level > 3"));
    ledger.set_meta("steady", "17").expect("kept");
    ledger.set_meta("steady", "18").expect("kept");
    assert_eq!(ledger.meta("steady").expect("readable").as_deref(), Some("18"));
    assert_eq!(ledger.meta("nothing").expect("readable"), None);
    ledger.db.execute("UPDATE revision SET text = 'level > 9'", []).expect("tampered");
    assert!(matches!(ledger.verify(), Err(LedgerError::Broken(_))));
}

#[test]
fn a_ledger_is_proven_while_its_writer_writes() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    let mut ledger = filled(&path, 300);
    let reader = LedgerReader::open(&path).expect("opens beside the writer");
    for n in 301..400 {
        let mut seen = 0;
        let head = reader.prove(|record| {
            seen = record.id.0;
            if record.id.0 == 257 {
                ledger.append(&[entry(n)]).expect("recorded");
            }
        });
        assert_eq!(head.expect("proven as of one moment").id.0, seen);
    }
}

#[test]
fn an_exported_ledger_is_proven_without_its_database() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    let ledger = filled(&path, 300);
    let reader = LedgerReader::open(&path).expect("opens");
    let mut text = Vec::new();
    assert_eq!(export::export(&reader, &mut text, |_| {}).expect("written"), ledger.head());
    let mut heads = Vec::new();
    let proven = export::prove(&mut text.as_slice(), |head, _| heads.push(head)).expect("proven");
    assert_eq!((proven, heads.len()), (ledger.head(), 300));
    assert_eq!(proven.to_string().parse(), Ok(proven));
    assert!("17".parse::<Head>().is_err() && "17:zz".parse::<Head>().is_err());
    // Ends early: what is there is sound, and whoever has noted a later head sees that it is missing.
    let half: Vec<u8> = text.split_inclusive(|byte| *byte == b'\n').take(150).flatten().copied().collect();
    assert_eq!(export::prove(&mut half.as_slice(), |_, _| {}).expect("sound").id, LedgerId(150));
}

/// The specimen, exported.
static EXPORTED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    drop(filled(&path, 20));
    let mut text = Vec::new();
    export::export(&LedgerReader::open(&path).expect("opens"), &mut text, |_| {}).expect("written");
    text
});

#[test]
fn every_changed_byte_of_an_exported_ledger_is_found_out() {
    let whole = export::prove(&mut EXPORTED.as_slice(), |_, _| {}).expect("sound");
    for place in 0..EXPORTED.len() {
        for flip in [1_u8, 0x20, 0x80] {
            let mut text = EXPORTED.clone();
            text[place] ^= flip;
            let proven = export::prove(&mut text.as_slice(), |_, _| {});
            assert!(proven.is_err(), "byte {place} changed by {flip:#x} went unnoticed: {proven:?}");
        }
    }
    let lines: Vec<&[u8]> = EXPORTED.split_inclusive(|byte| *byte == b'\n').collect();
    for gone in 0..lines.len() {
        let text: Vec<u8> =
            lines.iter().enumerate().filter(|(at, _)| *at != gone).flat_map(|(_, line)| *line).copied().collect();
        let proven = export::prove(&mut text.as_slice(), |_, _| {});
        // A tail cut off is sound in itself; the head that was noted shows it.
        assert!(proven.is_err() || (gone + 1 == lines.len() && proven.is_ok_and(|head| head != whole)), "line {gone}");
    }
}

/// A ledger of 20 records, as bytes.
static SPECIMEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    drop(filled(&path, 20));
    fs::read(&path).expect("readable")
});

/// Ways to falsify a ledger of 20 records by hand.
fn falsification() -> impl Strategy<Value = String> {
    let id = 1..=20_i64;
    let column = prop::sample::select(vec!["wall", "steady"]);
    let text = prop::sample::select(vec!["input", "events"]);
    let blob = prop::sample::select(vec!["prev_hash", "hash"]);
    let set = |id: i64, what: String| format!("UPDATE record SET {what} WHERE id = {id}");
    prop_oneof![
        (id.clone(), column, 1..1_000_i64).prop_map(move |(id, c, by)| set(id, format!("{c} = {c} + {by}"))),
        (id.clone(), text, "[a-z]{1,3}").prop_map(move |(id, c, more)| set(id, format!("{c} = {c} || '{more}'"))),
        (id.clone(), blob, 0..32_usize).prop_map(move |(id, c, at)| {
            let (before, after) = (at, at + 2);
            let byte = format!("char((unicode(hex(substr({c},{0},1))) % 9) + 49)", at + 1);
            set(id, format!("{c} = CAST(substr({c},1,{before}) || {byte} || substr({c},{after}) AS BLOB)"))
        }),
        id.clone().prop_map(move |id| set(id, "input = events, events = input".into())),
        id.clone().prop_map(|id| format!("DELETE FROM record WHERE id = {id}")),
        id.clone().prop_map(|id| format!("DELETE FROM record WHERE id >= {id}")),
        (1..20_i64).prop_map(|id| format!(
            "UPDATE record SET id = -1 WHERE id = {id}; UPDATE record SET id = {id} WHERE id = {0}; UPDATE record SET id = {0} WHERE id = -1",
            id + 1
        )),
        id.prop_map(|id| format!(
            "INSERT INTO record SELECT 21, wall, steady, input, events, prev_hash, hash FROM record WHERE id = {id}"
        )),
        Just("UPDATE head SET id = 19".to_owned()),
        Just("DELETE FROM head".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_falsification_is_found_out(sql in falsification()) {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("ledger.db");
        fs::write(&path, SPECIMEN.as_slice()).expect("written");
        let before = contents(&Connection::open(&path).expect("opens"));
        let by_hand = Connection::open(&path).expect("opens");
        by_hand.execute_batch(&sql).expect("falsified");
        prop_assume!(contents(&by_hand) != before);
        let reader = LedgerReader::open(&path).expect("opens");
        prop_assert!(matches!(reader.verify(), Err(LedgerError::Broken(_))), "{} went unnoticed", sql);
    }
}

fn contents(db: &Connection) -> Vec<String> {
    let sql = "SELECT id || wall || steady || input || events || hex(prev_hash) || hex(hash) FROM record ORDER BY id";
    let mut select = db.prepare(sql).expect("sound");
    let mut all: Vec<String> =
        select.query_map([], |row| row.get(0)).expect("read").collect::<Result<_, _>>().expect("text");
    all.push(format!("{:?}", chain::head(db)));
    all
}

#[test]
fn the_first_bad_record_is_named_and_those_before_it_still_read() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    let ledger = filled(&path, 600);
    ledger.db.execute("UPDATE record SET events = '[]' WHERE id = 400", []).expect("falsified");
    let Err(LedgerError::Broken(broken)) = ledger.verify() else { panic!("went unnoticed") };
    assert_eq!(broken.first_bad, LedgerId(400));
    let sound = ledger.read(LedgerId(1)).take_while(Result::is_ok).count();
    assert_eq!(sound, 399);
}

#[test]
fn a_damaged_ledger_is_kept_and_its_provable_part_goes_on() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    filled(&path, 600).db.execute("UPDATE record SET events = '[]' WHERE id = 400", []).expect("falsified");
    let (mut ledger, salvage) = Ledger::salvage(&path).expect("salvaged");
    assert_eq!(salvage.records, 399);
    assert!(salvage.stopped_by.is_some_and(|why| why.contains("400")));
    assert_eq!(read(&ledger, 1), (1..=399).map(entry).collect::<Vec<_>>());
    ledger.append(&[entry(400)]).expect("goes on");
    ledger.verify().expect("proven");
    assert!(salvage.kept.exists());

    drop(ledger);
    fs::write(&path, "this is not a database at all, not even a little").expect("written");
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Database(DatabaseError::Damaged { .. }))));
    let (ledger, salvage) = Ledger::salvage(&path).expect("begun anew");
    assert_eq!((ledger.head().id, salvage.records), (LedgerId(0), 0));
}

#[test]
fn a_newer_or_foreign_file_is_refused_and_not_touched() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("ledger.db");
    drop(filled(&path, 1));
    Connection::open(&path).expect("opens").pragma_update(None, "user_version", 9).expect("set");
    let before = fs::read(&path).expect("readable");
    let told = Ledger::open(&path).expect_err("refused").to_string();
    assert!(told.contains("format 9"), "{told}");
    assert_eq!(fs::read(&path).expect("readable"), before);

    let other = home.path().join("other.db");
    Connection::open(&other).expect("opens").execute_batch("CREATE TABLE a(b)").expect("made");
    assert!(matches!(Ledger::open(&other), Err(LedgerError::Database(DatabaseError::Foreign { .. }))));
}

#[test]
fn a_full_disk_spends_the_reserve_and_still_records() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut ledger = Ledger::open(&home.path().join("ledger.db")).expect("opens");
    assert_eq!(ledger.reserve_spent_bytes(), 0);
    // SQLite itself says "disk full" here: the file may not grow beyond what it has now.
    let pages: i64 = ledger.db.pragma_query_value(None, "page_count", |row| row.get(0)).expect("known");
    ledger.db.pragma_update(None, "max_page_count", pages).expect("set");
    let big = Entry { input: "x".repeat(100_000), ..entry(1) };
    let error = ledger.append(std::slice::from_ref(&big)).expect_err("no room");
    assert!(matches!(error, LedgerError::Database(DatabaseError::Unusable { .. })), "{error}");
    assert!(ledger.reserve_spent_bytes() >= 16 << 20, "all pieces were offered");
    ledger.db.pragma_update(None, "max_page_count", 1_000_000).expect("set");
    assert_eq!(ledger.append(&[big]).expect("recorded").into_inner(), LedgerId(1), "nothing was half recorded");
    ledger.refill_reserve();
    assert_eq!(ledger.reserve_spent_bytes(), 0);
    ledger.verify().expect("proven");
}
