//! Where the warnings arrive: an HTTP server of the barest kind that stamps the arrival of each station's first warning.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each request came, and whether it was of a red.
type Requests = Arc<Mutex<Vec<(Instant, bool)>>>;
/// Crossing and arrival of each point.
type Table = Arc<Mutex<Vec<(Option<Instant>, Option<Instant>)>>>;

pub(crate) struct Sink {
    address: SocketAddr,
    table: Table,
    requests: Requests,
}

impl Sink {
    pub(crate) fn start(points: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let table: Table = Arc::new(Mutex::new(vec![(None, None); points]));
        let requests = Requests::default();
        let (shared, noted) = (Arc::clone(&table), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (table, requests) = (Arc::clone(&shared), Arc::clone(&noted));
                std::thread::spawn(move || serve(stream, &table, &requests));
            }
        });
        Ok(Self { address, table, requests })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has come so far, in order.
    pub(crate) fn requests(&self) -> Vec<(Instant, bool)> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The point's reading leaves now.
    pub(crate) fn crossed(&self, point: usize) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = table.get_mut(point) {
            entry.0 = Some(Instant::now());
        }
    }

    /// Milliseconds from crossing to arrival, once `count` have arrived or the patience ends.
    pub(crate) fn wait_for(&self, count: usize, patience: Duration) -> Vec<f64> {
        let end = Instant::now() + patience;
        loop {
            let arrived: Vec<f64> = {
                let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
                let pairs = table.iter().filter_map(|(left, came)| Some((*left)?).zip(*came));
                pairs.map(|(left, came)| came.saturating_duration_since(left).as_secs_f64() * 1_000.0).collect()
            };
            if arrived.len() >= count || Instant::now() > end {
                return arrived;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn serve(mut stream: TcpStream, table: &Table, requests: &Requests) {
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    let mut chunk = [0; 1 << 14];
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        let whole = head.and_then(|head| {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length: usize =
                text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse().ok()?;
            (bytes.len() >= head + length).then_some((head, head + length))
        });
        if let Some((head, end)) = whole {
            let red = bytes[head..end].windows(13).any(|word| word == b"\"grade\":\"red\"");
            requests.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), red));
            arrive(&bytes[head..end], table);
            bytes.drain(..end);
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
            continue;
        }
        match stream.read(&mut chunk) {
            Ok(count) if count > 0 => bytes.extend(&chunk[..count]),
            Ok(_) | Err(_) => return,
        }
    }
}

/// Any `s` and six digits in a body names a point.
fn arrive(body: &[u8], table: &Table) {
    let now = Instant::now();
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    for word in body.windows(7).filter(|word| word[0] == b's' && word[1..].iter().all(u8::is_ascii_digit)) {
        let point = word[1..].iter().fold(0_usize, |sum, digit| sum * 10 + usize::from(digit - b'0'));
        if let Some((Some(_), came @ None)) = table.get_mut(point) {
            *came = Some(now);
        }
    }
}
