//! The contract of a store, over all of `STORES`: a reading behind the cursor is in the store once, the cursor never
//! goes beyond what is durable, a lost range is told, and a restart goes on where it was.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use watchfire::config::settings::Limits;
use watchfire::storage::journal::Journal;
use watchfire::storage::series::embedded::{self, SeriesReader};
use watchfire::storage::series::{Progress, STORES, SeriesStore};
use watchfire_model::id::Seq;
use watchfire_model::time::Timestamp;

use crate::{Kept, drain, good, some_readings};

type Opening = dyn Fn(&Kept) -> Box<dyn SeriesStore>;

/// A store under test: how to set it up, and what it holds.
struct Subject {
    open: Box<Opening>,
    count: Box<dyn Fn(&Kept) -> usize>,
}

fn subject(name: &str) -> Subject {
    match name {
        "embedded" => Subject {
            open: Box::new(|kept| {
                let path = kept.data.series();
                let writer =
                    embedded::Writer::open(&path, &kept.data.journal(), kept.names(), &Limits::default(), good());
                Box::new(writer.expect("opens"))
            }),
            count: Box::new(|kept| {
                let reader = SeriesReader::open(&kept.data.series()).expect("opens");
                let count = |filed: &embedded::Filed| {
                    let all = reader.range(&filed.station, &filed.point, Timestamp(0), Timestamp(i64::MAX), usize::MAX);
                    all.expect("readable").len()
                };
                reader.points().expect("readable").iter().map(count).sum()
            }),
        },
        "influx" => {
            let lines = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
            let port = take_everything(Arc::clone(&lines));
            Subject {
                open: Box::new(move |kept| Box::new(kept.store(port))),
                count: Box::new(move |_| lines.lock().expect("whole").values().sum()),
            }
        }
        other => panic!("no subject for the store \"{other}\": the contract is to be held by all"),
    }
}

/// A server that takes everything; its port.
fn take_everything(lines: Arc<Mutex<BTreeMap<String, usize>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            for line in head.to_ascii_lowercase().lines() {
                if let Some(n) = line.strip_prefix("content-length:") {
                    length = n.trim().parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the body");
            let mut text = String::new();
            flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut text).expect("gzip");
            for line in text.lines() {
                *lines.lock().expect("whole").entry(line.to_owned()).or_default() += 1;
            }
            let _ = reader.into_inner().write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

#[test]
fn every_store_holds_the_contract() {
    for kind in STORES {
        let subject = subject(kind.name);
        let mut kept = Kept::new();
        let mut store = (subject.open)(&kept);
        assert!(matches!(store.step(Seq(0)), Progress::Idle), "{}: nothing to do", kind.name);

        kept.hear(&some_readings(100, 1_700_000_000_000));
        let known = kept.durable;
        kept.hear(&some_readings(50, 1_700_001_000_000));
        drain(store.as_mut(), known);
        assert_eq!(store.cursor(), known, "{}: not beyond what it was told is durable", kind.name);
        assert_eq!((subject.count)(&kept), 100);

        drop(store);
        let mut store = (subject.open)(&kept);
        assert_eq!(store.cursor(), known, "{}: goes on where it was", kind.name);
        assert_eq!(drain(store.as_mut(), kept.durable), 50);
        assert_eq!((subject.count)(&kept), 150);

        // The journal has lost what the store still needed.
        drop(store);
        let stored = kept.durable;
        kept.hear(&some_readings(20, 1_700_002_000_000));
        for path in std::fs::read_dir(kept.data.journal()).expect("listed") {
            std::fs::remove_file(path.expect("listed").path()).expect("removed");
        }
        let (mut journal, recovery) = Journal::open(&kept.data.journal(), &Limits::default()).expect("opens");
        assert_eq!(recovery.next, Seq(1));
        journal.name_points(kept.names());
        journal.continue_above(kept.durable);
        let lost_to = kept.durable.next();
        kept.journal = journal;
        kept.hear(&some_readings(7, 1_700_003_000_000));
        let mut store = (subject.open)(&kept);
        let mut lost = Vec::new();
        loop {
            match store.step(kept.durable) {
                Progress::Idle => break,
                Progress::Lost(gap) => lost.push(gap.seqs),
                Progress::Wrote { .. } => {}
                Progress::Trouble { why, .. } => panic!("{}: {why}", kind.name),
            }
        }
        assert_eq!(lost, [stored.next()..lost_to], "{}", kind.name);
        assert_eq!((subject.count)(&kept), 157, "{}", kind.name);
        assert_eq!(store.cursor(), kept.durable);
    }
}
