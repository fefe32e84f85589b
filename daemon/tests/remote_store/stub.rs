//! A server that answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use watchfire::storage::series::influx::check_url;
use watchfire::storage::series::{GradeMark, SeriesStore, Trouble};
use watchfire_model::grade::Grade;
use watchfire_model::time::Timestamp;

use crate::{Kept, drain, some_readings, text_of, until_trouble};

/// What to answer to these lines: a status, or nothing at all.
type Manner = Box<dyn FnMut(&[String]) -> Option<(u16, &'static str)> + Send>;

/// What the server has got.
#[derive(Default)]
struct Got {
    requests: usize,
    refusals: usize,
    /// Lines it took, and how often.
    lines: BTreeMap<String, usize>,
    heads: Vec<String>,
    manner: Option<Manner>,
}

struct Stub {
    port: u16,
    got: Arc<Mutex<Got>>,
}

impl Stub {
    fn start(manner: impl FnMut(&[String]) -> Option<(u16, &'static str)> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self::start_on(listener, manner)
    }

    fn start_on(
        listener: TcpListener,
        manner: impl FnMut(&[String]) -> Option<(u16, &'static str)> + Send + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("bound").port();
        let got = Arc::new(Mutex::new(Got { manner: Some(Box::new(manner)), ..Got::default() }));
        let shared = Arc::clone(&got);
        // Ends with the test's process; the listener is its own.
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                silent.extend(serve(stream, &shared));
            }
        });
        Self { port, got }
    }

    fn told(&self, manner: impl FnMut(&[String]) -> Option<(u16, &'static str)> + Send + 'static) {
        self.got.lock().expect("whole").manner = Some(Box::new(manner));
    }

    fn check_has_all(&self, expected: usize) {
        let got = self.got.lock().expect("whole");
        assert_eq!(got.lines.len(), expected);
        assert!(got.lines.values().all(|times| *times == 1), "a line was taken twice");
    }
}

/// Answers one request; a connection that got no answer is given back, to be held open.
fn serve(stream: TcpStream, got: &Mutex<Got>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse::<usize>()))?
        .ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut text = String::new();
    GzDecoder::new(body.as_slice()).read_to_string(&mut text).expect("gzip of text, as the head says");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut got = got.lock().expect("whole");
    got.requests += 1;
    got.heads.push(head);
    let answer = got.manner.as_mut().and_then(|manner| manner(&lines));
    let mut stream = reader.into_inner();
    let Some((status, words)) = answer else { return Some(stream) };
    if status == 204 {
        for line in lines {
            *got.lines.entry(line).or_default() += 1;
        }
    } else {
        got.refusals += 1;
    }
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", words.len()) };
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nConnection: close\r\n{length}\r\n{words}");
    None
}

fn takes_all() -> impl FnMut(&[String]) -> Option<(u16, &'static str)> + Send {
    |_| Some((204, ""))
}

#[test]
fn a_write_is_what_influxdb_expects() {
    let mut kept = Kept::new();
    kept.hear(&[(1_700_000_000_123, 3.25), (1_700_000_000_124, 4.0)]);
    let stub = Stub::start(takes_all());
    let mut store = kept.store(stub.port);
    store.mark(GradeMark {
        rule: "river-stage".into(),
        subject: "下坝".into(),
        grade: Some(Grade::Orange),
        at: Timestamp(1_700_000_000_200),
    });
    assert_eq!(drain(&mut store, kept.durable), 2);
    let got = stub.got.lock().expect("whole");
    let head = got.heads[0].to_ascii_lowercase();
    assert!(head.starts_with("post /api/v2/write?bucket=water&org=county&precision=ms "), "{head}");
    assert!(head.contains("authorization: token t0ken") && head.contains("content-encoding: gzip"), "{head}");
    let lines: Vec<&str> = got.lines.keys().map(String::as_str).collect();
    assert_eq!(
        lines,
        [
            "stage,point=stage,station=下坝 value=4,quality=1i 1700000000124",
            "stage,point=stage,station=青石\\ 站 value=3.25,quality=1i 1700000000123",
            "watchfire_grade,rule=river-stage,station=下坝 value=3 1700000000200",
        ]
    );
}

#[test]
fn a_server_that_is_away_or_busy_gets_all_of_it_later() {
    let mut kept = Kept::new();
    kept.hear(&some_readings(3_000, 1_700_000_000_000));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let mut store = kept.store(port);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let (trouble, why, pause) = until_trouble(&mut store, kept.durable);
        assert_eq!(trouble, Trouble::Outage, "{why}");
        assert!(why.to_lowercase().contains("refused"), "says nothing: {why}");
        pauses.push(pause.as_millis());
    }
    assert!(pauses.is_sorted() && pauses[0] >= 250 && pauses[11] <= 60_000 && pauses[11] >= 30_000, "{pauses:?}");
    assert_eq!(store.cursor().0, 0);

    let mut busy = [429, 500, 503, 502].into_iter();
    let stub = Stub::start_on(TcpListener::bind(("127.0.0.1", port)).expect("still free"), move |_| {
        Some((busy.next().unwrap_or(204), "busy"))
    });
    for status in [429, 500, 503, 502] {
        let (trouble, why, _) = until_trouble(&mut store, kept.durable);
        assert_eq!(trouble, Trouble::Outage);
        assert!(why.contains(&status.to_string()), "{why}");
    }
    assert_eq!(drain(&mut store, kept.durable), 3_000);
    stub.check_has_all(3_000);
    assert_eq!(store.cursor(), kept.durable);
    assert_eq!(store.dead_letters(), 0);
}

#[test]
fn one_poisoned_line_is_found_by_halving_and_the_rest_is_stored() {
    let poisoned = |line: &String| line.ends_with("value=0.37,quality=1i 1700000002500");
    for n in [1_024_i64, 1_000, 11] {
        let mut kept = Kept::new();
        kept.hear(&some_readings(n, 1_700_000_000_000));
        let stub = Stub::start(move |lines| {
            Some(if lines.iter().any(poisoned) { (400, "field type conflict") } else { (204, "") })
        });
        let mut store = kept.store(stub.port);
        drain(&mut store, kept.durable);
        assert_eq!(store.cursor(), kept.durable);
        stub.check_has_all(usize::try_from(n).expect("small") - 1);
        let halvings = usize::try_from(n).expect("small").next_power_of_two().trailing_zeros();
        let got = stub.got.lock().expect("whole");
        assert!(got.refusals <= usize::try_from(halvings).expect("small") + 1, "{n}: {} refusals", got.refusals);
        assert_eq!(store.dead_letters(), 1);
        let put_aside = text_of(&kept.files().dead_letters);
        assert!(put_aside.contains("field type conflict") && put_aside.contains("value=0.37"), "{put_aside}");
    }
}

#[test]
fn a_batch_that_is_too_large_is_sent_in_smaller_ones() {
    let mut kept = Kept::new();
    kept.hear(&some_readings(900, 1_700_000_000_000));
    let stub = Stub::start(|lines| Some(if lines.len() > 100 { (413, "too large") } else { (204, "") }));
    let mut store = kept.store(stub.port);
    drain(&mut store, kept.durable);
    stub.check_has_all(900);
    assert_eq!(store.dead_letters(), 0);
}

#[test]
fn a_wrong_token_or_bucket_loses_nothing_and_is_told_as_such() {
    for status in [401, 403, 404] {
        let mut kept = Kept::new();
        kept.hear(&some_readings(50, 1_700_000_000_000));
        let stub = Stub::start(move |_| Some((status, "no")));
        let mut store = kept.store(stub.port);
        for _ in 0..30 {
            let (trouble, why, pause) = until_trouble(&mut store, kept.durable);
            assert_eq!(trouble, Trouble::Refused);
            assert!(why.contains(&status.to_string()) && pause.as_secs() >= 30, "{why}");
        }
        assert_eq!((store.cursor().0, store.dead_letters()), (0, 0));
        stub.told(takes_all());
        assert_eq!(drain(&mut store, kept.durable), 50);
        stub.check_has_all(50);
    }
}

#[test]
fn a_server_that_refuses_everything_is_not_believed_about_the_lines() {
    let mut kept = Kept::new();
    kept.hear(&some_readings(500, 1_700_000_000_000));
    let stub = Stub::start(|_| Some((400, "bucket is required")));
    let mut store = kept.store(stub.port);
    for _ in 0..5 {
        let (trouble, why, _) = until_trouble(&mut store, kept.durable);
        assert_eq!(trouble, Trouble::Refused, "{why}");
    }
    assert_eq!(store.dead_letters(), 0);
    stub.told(takes_all());
    drain(&mut store, kept.durable);
    stub.check_has_all(500);
    assert_eq!(store.dead_letters(), 0);
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let mut kept = Kept::new();
    kept.hear(&some_readings(10, 1_700_000_000_000));
    let stub = Stub::start(|_| None);
    let mut store = kept.store(stub.port);
    let (trouble, why, _) = until_trouble(&mut store, kept.durable);
    assert_eq!(trouble, Trouble::Outage);
    assert!(why.contains("timed out") || why.contains("timeout"), "{why}");
    stub.told(takes_all());
    drain(&mut store, kept.durable);
    stub.check_has_all(10);
}

#[test]
fn a_restart_goes_on_where_the_server_has_confirmed() {
    let mut kept = Kept::new();
    kept.hear(&some_readings(1_024, 1_700_000_000_000));
    let stub = Stub::start(takes_all());
    drain(&mut kept.store(stub.port), kept.durable);
    kept.hear(&some_readings(100, 1_700_001_000_000));
    stub.told(|_| Some((503, "down")));
    let mut store = kept.store(stub.port);
    until_trouble(&mut store, kept.durable);
    drop(store);
    stub.told(takes_all());
    let mut store = kept.store(stub.port);
    assert_eq!(drain(&mut store, kept.durable), 100);
    stub.check_has_all(1_124);
}

#[test]
fn a_bad_address_is_refused_in_words() {
    check_url("s", "http://127.0.0.1:8086").expect("fine");
    check_url("s", "http://db.example/").expect("fine");
    for (url, word) in [
        ("db:8086", "http://"),
        ("/3242/23", "not an address"),
        ("https://db:8086", "proxy"),
        ("http://db/influx", "no path"),
        ("http://", "host"),
        ("ftp://db", "http://"),
    ] {
        let told = check_url("s", url).expect_err(url).to_string();
        assert!(told.contains(word), "{url}: {told}");
    }
}
