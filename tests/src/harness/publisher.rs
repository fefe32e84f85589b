//! An MQTT 3.1.1 publisher that knows what the broker has acknowledged: each acknowledged message is an obligation that
//! the store must meet. Written by hand, so that no client library's queue stands between a message and its PUBACK.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::wait;

/// Most messages on their way at once; packet ids come round after it.
const IN_FLIGHT: usize = 1_000;
/// How long a message waits for room among them.
const ROOM: Duration = Duration::from_secs(30);

/// Quality of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// At most once: never acknowledged.
    AtMostOnce,
    /// At least once.
    AtLeastOnce,
}

/// The connection is gone: open another one; what was not acknowledged may or may not have arrived.
#[derive(Debug, thiserror::Error)]
#[error("the broker is gone")]
pub struct Gone;

#[derive(Debug, Default)]
struct Notes {
    /// Which message each packet id in flight carries.
    in_flight: Vec<Option<u64>>,
    flying: usize,
    acknowledged: BTreeSet<u64>,
    gone: bool,
}

/// One connection. Message ids are the caller's own, and may go on over several connections.
#[derive(Debug)]
pub struct Publisher {
    stream: TcpStream,
    shared: Arc<(Mutex<Notes>, Condvar)>,
    ears: Option<JoinHandle<()>>,
    next_slot: usize,
    packet: Vec<u8>,
}

impl Publisher {
    /// Connects with a clean session.
    pub fn connect(address: &str, client_id: &str) -> Result<Self, Gone> {
        let mut stream = TcpStream::connect(address).map_err(|_| Gone)?;
        stream.set_nodelay(true).map_err(|_| Gone)?;
        // Protocol level 4, clean session, no keep-alive.
        let mut body = b"\x00\x04MQTT\x04\x02\x00\x00".to_vec();
        text(&mut body, client_id);
        let mut connect = vec![0x10];
        length(&mut connect, body.len());
        connect.extend_from_slice(&body);
        stream.write_all(&connect).map_err(|_| Gone)?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).map_err(|_| Gone)?;
        if answer != [0x20, 2, 0, 0] {
            return Err(Gone);
        }
        let notes = Notes { in_flight: vec![None; IN_FLIGHT], ..Notes::default() };
        let shared = Arc::new((Mutex::new(notes), Condvar::new()));
        let (heard, theirs) = (stream.try_clone().map_err(|_| Gone)?, shared.clone());
        let ears = Some(std::thread::spawn(move || listen(heard, &theirs)));
        Ok(Self { stream, shared, ears, next_slot: 0, packet: Vec::new() })
    }

    /// Sends message `id`; at QoS 1 it waits for room among those in flight.
    pub fn publish(&mut self, id: u64, topic: &str, payload: &[u8], qos: Qos) -> Result<(), Gone> {
        let packet_id = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce => Some(self.take_off(id)?),
        };
        let id_length = if packet_id.is_some() { 2 } else { 0 };
        self.packet.clear();
        self.packet.push(if packet_id.is_some() { 0x32 } else { 0x30 });
        length(&mut self.packet, 2 + topic.len() + id_length + payload.len());
        text(&mut self.packet, topic);
        self.packet.extend(packet_id.into_iter().flat_map(u16::to_be_bytes));
        self.packet.extend_from_slice(payload);
        self.stream.write_all(&self.packet).map_err(|_| Gone)
    }

    /// Messages that the broker has acknowledged on this connection.
    pub fn acknowledged(&self) -> BTreeSet<u64> {
        self.lock().acknowledged.clone()
    }

    /// Waits until everything sent at QoS 1 is acknowledged.
    ///
    /// # Panics
    /// If the broker stays silent.
    pub fn settle(&self) -> Result<(), Gone> {
        wait::until("the broker to acknowledge everything", || {
            let notes = self.lock();
            if notes.flying == 0 { Some(Ok(())) } else { notes.gone.then_some(Err(Gone)) }
        })
    }

    /// Takes the next packet id once its last message has landed.
    fn take_off(&mut self, id: u64) -> Result<u16, Gone> {
        let (notes, landed) = &*self.shared;
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        let (slot, end) = (self.next_slot, Instant::now() + ROOM);
        while notes.in_flight[slot].is_some() && !notes.gone {
            let left = end.checked_duration_since(Instant::now()).ok_or(Gone)?;
            notes = landed.wait_timeout(notes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if notes.gone {
            return Err(Gone);
        }
        notes.in_flight[slot] = Some(id);
        notes.flying += 1;
        self.next_slot = (slot + 1) % IN_FLIGHT;
        u16::try_from(slot + 1).map_err(|_| Gone)
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // DISCONNECT; a broker that is gone needs none.
        let _ = self.stream.write_all(&[0xe0, 0]);
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        if let Some(ears) = self.ears.take() {
            // A thread that panicked has said so.
            let _ = ears.join();
        }
    }
}

/// Reads acknowledgements until the connection ends. A publisher is told nothing else: every packet is a PUBACK.
fn listen(mut stream: TcpStream, shared: &(Mutex<Notes>, Condvar)) {
    let mut packet = [0; 4];
    loop {
        let read = stream.read_exact(&mut packet);
        let mut notes = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_puback = read.is_ok() && packet[..2] == [0x40, 2];
        if is_puback {
            let slot = usize::from(u16::from_be_bytes([packet[2], packet[3]])).wrapping_sub(1);
            if let Some(id) = notes.in_flight.get_mut(slot).and_then(Option::take) {
                notes.flying -= 1;
                notes.acknowledged.insert(id);
            }
        } else {
            notes.gone = true;
        }
        shared.1.notify_all();
        if notes.gone {
            return;
        }
    }
}

/// A length-prefixed string (MQTT 3.1.1, 1.5.3).
fn text(into: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("topics and ids of tests are short");
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

/// Remaining length (MQTT 3.1.1, 2.2.3).
fn length(into: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = u8::try_from(length % 128).expect("a remainder of 128");
        length /= 128;
        into.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}
