//! A real VictoriaMetrics: written, read back equal, through an outage. Debian's package `victoria-metrics`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use watchfire::storage::series::{SeriesStore, Trouble};

use crate::{Kept, drain, some_readings, until_trouble};

struct Victoria {
    server: Child,
    port: u16,
}

impl Victoria {
    fn start(folder: &Path, port: u16) -> Self {
        let mut server = Command::new("victoria-metrics")
            .arg(format!("-storageDataPath={}", folder.join("vm").display()))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-retentionPeriod=10y", "-search.latencyOffset=0s"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("victoria-metrics is installed: apt-get install victoria-metrics");
        let mut log = BufReader::new(server.stderr.take().expect("piped"));
        let mut line = String::new();
        while !line.contains("started server at http") && !line.contains("starting http server at") {
            line.clear();
            assert!(log.read_line(&mut line).expect("readable") > 0, "victoria-metrics ended at its start");
        }
        // It says so a moment before it listens.
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < patience, "victoria-metrics does not listen on {port}");
            std::thread::yield_now();
        }
        // Read on, so that the server never waits for us.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { server, port }
    }

    /// Lets the server write out what it has: what it holds in memory only, a kill would lose.
    fn stop(mut self) {
        let pid = self.server.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().expect("kill can be run");
        assert!(told.success());
        self.server.wait().expect("ends");
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("listens");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(" 200 ") || head.contains(" 204 "), "{path}: {head}");
        body.to_owned()
    }

    /// Every sample of a metric, by station and time, with how often it is there.
    fn export(&self, metric: &str) -> BTreeMap<(String, i64), Vec<f64>> {
        self.get("/internal/force_flush");
        let body = self.get(&format!("/api/v1/export?match[]={metric}&start=0"));
        let mut all: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for line in body.lines() {
            let series: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let station = series["metric"]["station"].as_str().expect("a station").to_owned();
            let times = series["timestamps"].as_array().expect("times");
            for (at, value) in times.iter().zip(series["values"].as_array().expect("values")) {
                let at = at.as_i64().expect("milliseconds");
                all.entry((station.clone(), at)).or_default().push(value.as_f64().expect("a number"));
            }
        }
        all
    }
}

#[test]
fn what_is_written_is_read_back_equal_through_an_outage() {
    let mut kept = Kept::new();
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Victoria::start(folder.path(), port);
    let mut store = kept.store(port);
    let start = 1_760_000_000_000;
    let mut heard = some_readings(6_000, start);
    kept.hear(&heard);
    assert_eq!(drain(&mut store, kept.durable), 6_000);
    server.stop();

    // Away: readings go on, across a restart of ours.
    let during = some_readings(3_000, start + 10_000_000);
    kept.hear(&during);
    heard.extend(&during);
    let confirmed = store.cursor();
    assert_eq!(until_trouble(&mut store, kept.durable).0, Trouble::Outage);
    drop(store);
    let mut store = kept.store(port);
    assert_eq!(until_trouble(&mut store, kept.durable).0, Trouble::Outage);
    assert_eq!(store.cursor(), confirmed);

    let server = Victoria::start(folder.path(), port);
    assert_eq!(drain(&mut store, kept.durable), 3_000);
    let expected = |quantity: &str| -> BTreeMap<(String, i64), Vec<f64>> {
        let mut all: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for part in [&heard[..6_000], &heard[6_000..]] {
            let points = [("青石 站", "stage"), ("下坝", "stage"), ("ridge-3", "rain")].into_iter().cycle();
            for ((at, value), (station, point)) in part.iter().zip(points) {
                if point == quantity {
                    all.entry((station.to_owned(), *at)).or_default().push(*value);
                }
            }
        }
        all
    };
    for quantity in ["stage", "rain"] {
        assert_eq!(server.export(&format!("{quantity}_value")), expected(quantity), "{quantity}");
        let quality = server.export(&format!("{quantity}_quality"));
        assert_eq!(quality.len(), expected(quantity).len());
        assert!(quality.values().all(|flags| flags == &[1.0]), "each once, each good");
    }
    server.stop();
}
