//! A remote store on loopback that can be told to be away: it keeps the lines that it took.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::read::GzDecoder;

/// What it has and how it is.
#[derive(Debug, Default)]
struct State {
    away: bool,
    lines: BTreeSet<String>,
    turned_away: usize,
}

/// The store.
#[derive(Debug)]
pub(crate) struct Remote {
    /// Where to write.
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Remote {
    /// A store that takes everything.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // Ends with the test's process; the listener is its own.
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Self { url, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers every write with 503, or takes it again.
    pub(crate) fn away(&self, away: bool) {
        self.state().away = away;
    }

    /// Readings that it has (grades are best effort): series, value and time.
    pub(crate) fn readings(&self) -> BTreeSet<String> {
        let state = self.state();
        let readings = state.lines.iter().filter(|line| !line.starts_with("watchfire_grade"));
        let without_quality = readings.map(|line| {
            let (value, rest) = line.split_once("quality=").unwrap_or((line.as_str(), ""));
            let at = rest.split_once(' ').map_or("", |(_, at)| at);
            format!("{value}{at}")
        });
        without_quality.collect()
    }

    /// Writes that it turned away.
    pub(crate) fn turned_away(&self) -> usize {
        self.state().turned_away
    }
}

/// Answers one request, if it is one.
fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    if let Some(text) = body(&mut reader) {
        let answer = answer(&text, state);
        // A client that has gone hears nothing.
        let _ = write!(reader.into_inner(), "HTTP/1.1 {answer}\r\nConnection: close\r\n\r\n");
    }
}

fn body(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("content-length:").and_then(|n| n.trim().parse::<usize>().ok())
    })?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut text = String::new();
    GzDecoder::new(body.as_slice()).read_to_string(&mut text).ok()?;
    Some(text)
}

fn answer(text: &str, state: &Mutex<State>) -> &'static str {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if state.away {
        state.turned_away += 1;
        "503 Service Unavailable\r\nContent-Length: 0"
    } else {
        state.lines.extend(text.lines().map(str::to_owned));
        "204 No Content"
    }
}
