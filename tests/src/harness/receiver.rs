//! Whatever hears our notices: a small HTTP server that keeps every request and answers as told: well, with an error,
//! never, or with a connection that breaks after the request arrived (the reply is lost, the notice is not).
//!
//! Made of plain sockets, because a proper server would not misbehave.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::wait;

/// Longest body that is kept.
const LONGEST: usize = 8 << 20;

/// What the receiver does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200 with a body.
    Accept(String),
    /// Another status, with a body, and further headers as `name: value`.
    Status(u16, String, Vec<String>),
    /// Takes the request and breaks the connection: done, but nobody knows.
    Swallow,
    /// Takes the request and never answers.
    Stall,
}

impl Reply {
    /// 200 with nothing in it.
    pub const fn ok() -> Self {
        Self::Accept(String::new())
    }

    /// A status with nothing in it.
    pub const fn status(status: u16) -> Self {
        Self::Status(status, String::new(), Vec::new())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// What it was answered.
    pub reply: Reply,
}

impl Received {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the sender was told that all is well.
    pub const fn accepted(&self) -> bool {
        matches!(self.reply, Reply::Accept(_))
    }
}

#[derive(Debug)]
struct State {
    received: Vec<Received>,
    /// Replies to the next requests; then `always`.
    next: VecDeque<Reply>,
    always: Reply,
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    state: Arc<Mutex<State>>,
    door: Option<Door>,
}

impl Receiver {
    /// Accepts everything until told otherwise.
    ///
    /// # Panics
    /// If loopback gives no port.
    pub fn start() -> Self {
        let state = State { received: Vec::new(), next: VecDeque::new(), always: Reply::ok() };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let door = Some(Door::open(listener, state.clone()));
        Self { port, state, door }
    }

    /// `http://127.0.0.1:port` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers every request so from now on.
    pub fn always(&self, reply: Reply) {
        self.lock().always = reply;
    }

    /// Answers the next requests so, one each; then as [`always`](Self::always) said.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.lock().next.extend(replies);
    }

    /// Closes the door: connections are refused.
    pub fn go_down(&mut self) {
        if let Some(door) = self.door.take() {
            door.close(self.port);
        }
    }

    /// Opens it again on the same port.
    ///
    /// # Panics
    /// If the port has gone to somebody else.
    pub fn come_up(&mut self) {
        self.go_down();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).expect("the port is still free");
        self.door = Some(Door::open(listener, self.state.clone()));
    }

    /// Everything that has come, in order.
    pub fn received(&self) -> Vec<Received> {
        self.lock().received.clone()
    }

    /// Waits for the first request that is `wanted`.
    ///
    /// # Panics
    /// If none comes.
    pub fn wait_for(&self, what: &str, mut wanted: impl FnMut(&Received) -> bool) -> Received {
        wait::until(what, || self.lock().received.iter().find(|received| wanted(received)).cloned())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.go_down();
    }
}

/// A listener and its thread.
#[derive(Debug)]
struct Door {
    closing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Door {
    fn open(listener: TcpListener, state: Arc<Mutex<State>>) -> Self {
        let closing = Arc::new(AtomicBool::new(false));
        let flag = closing.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let (state, flag) = (state.clone(), flag.clone());
                if let Ok(stream) = stream {
                    std::thread::spawn(move || converse(&stream, &state, &flag));
                }
            }
        });
        Self { closing, thread }
    }

    fn close(self, port: u16) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        // A thread that panicked has said so.
        let _ = self.thread.join();
    }
}

/// Requests of one connection until it ends. An error is a connection that ended.
fn converse(stream: &TcpStream, state: &Mutex<State>, closing: &AtomicBool) {
    // So that a kept connection notices when the door is closed.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(Patient { stream, closing });
    while let Ok(Some(mut received)) = request(&mut reader) {
        let reply = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let reply = state.next.pop_front().unwrap_or_else(|| state.always.clone());
            received.reply = reply.clone();
            state.received.push(received);
            reply
        };
        let (status, body, headers) = match reply {
            Reply::Accept(body) => (200, body, Vec::new()),
            Reply::Status(status, body, headers) => (status, body, headers),
            Reply::Swallow => return,
            Reply::Stall => {
                // Until the other side goes, or the door closes.
                let _ = reader.read(&mut [0]);
                return;
            }
        };
        let more: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n{more}\r\n{body}", body.len());
        let mut writer = stream;
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Waits for bytes as long as the door is open.
struct Patient<'a> {
    stream: &'a TcpStream,
    closing: &'a AtomicBool,
}

impl Read for Patient<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        use std::io::ErrorKind::{TimedOut, WouldBlock};
        loop {
            let mut stream = self.stream;
            let read = stream.read(into);
            // Behind a closed door nothing is heard, on kept connections neither.
            if self.closing.load(Ordering::SeqCst) {
                return Ok(0);
            }
            match read {
                Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => {}
                other => return other,
            }
        }
    }
}

/// The next request; nothing where the connection ends between two.
fn request(reader: &mut impl BufRead) -> std::io::Result<Option<Received>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let received = Received { method, path, headers, body: Vec::new(), reply: Reply::Stall };
    let length = received.header("content-length").and_then(|length| length.parse::<usize>().ok());
    let body = match length {
        Some(length) if length <= LONGEST => {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            body
        }
        Some(_) => return Err(std::io::ErrorKind::InvalidData.into()),
        None if received.header("transfer-encoding") == Some("chunked") => chunks(reader)?,
        None => Vec::new(),
    };
    Ok(Some(Received { body, ..received }))
}

fn chunks(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        if body.len() + size > LONGEST {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let from = body.len();
        body.resize(from + size, 0);
        reader.read_exact(&mut body[from..])?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}
