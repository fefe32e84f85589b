//! A publisher that costs next to nothing: prepared MQTT 3.1.1 packets over one socket, QoS 1 with a credit window.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;

use crate::sink::Sink;

/// QoS 1 publishes that may wait for their PUBACK.
const WINDOW: usize = 500;

/// What the readings do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wobble {
    /// Between 20 and 50, far below the red of 90.
    Quiet,
    /// Of a hundred points ninety cross blue, seven yellow, two orange and the last one red.
    Crossing,
}

pub(crate) struct Load {
    socket: TcpStream,
    qos: u8,
    points: usize,
    batch: usize,
    packet_id: u16,
    waiting: usize,
    next: usize,
    at_ms: u128,
}

impl Load {
    pub(crate) fn connect(broker: SocketAddr, qos: u8, points: usize, batch: usize) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(broker)?;
        socket.set_nodelay(true)?;
        socket.write_all(&[0x10, 16, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 4, b'l', b'o', b'a', b'd'])?;
        let mut answer = [0; 4];
        socket.read_exact(&mut answer)?;
        if answer[3] != 0 {
            bail!("the broker refused the load with code {}", answer[3]);
        }
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        Ok(Self { socket, qos, points, batch, packet_id: 0, waiting: 0, next: 0, at_ms })
    }

    /// Sends `readings` as fast as the broker takes them.
    pub(crate) fn send(&mut self, readings: usize, wobble: Wobble) -> anyhow::Result<()> {
        let mut buffer = Vec::with_capacity(1 << 17);
        let mut left = readings;
        while left > 0 {
            let count = self.batch.min(left);
            self.packet(&mut buffer, count, wobble);
            left -= count;
            if buffer.len() > 1 << 16 || self.waiting >= WINDOW {
                self.flush(&mut buffer)?;
            }
        }
        self.flush(&mut buffer)?;
        while self.waiting > 0 {
            self.acknowledged()?;
        }
        Ok(())
    }

    /// One reading of one point.
    pub(crate) fn one(&mut self, point: usize, value: f64) -> anyhow::Result<()> {
        self.at_ms = self.at_ms.max(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis()) + 1;
        let payload = format!("{{\"id\":\"s{point:06}\",\"v\":{value:.3},\"ts\":{}}}", self.at_ms);
        let mut buffer = Vec::new();
        self.publish(&mut buffer, &format!("sensors/s{point:06}"), payload.as_bytes());
        self.flush(&mut buffer)?;
        while self.waiting > 0 {
            self.acknowledged()?;
        }
        Ok(())
    }

    /// `rate` quiet readings a second, and `crossings` a second of points that have not crossed yet.
    pub(crate) fn paced(&mut self, rate: u32, lasting: Duration, crossings: u32, sink: &Sink) -> anyhow::Result<usize> {
        let began = Instant::now();
        let (mut sent, mut crossed) = (0_u32, 0_usize);
        while began.elapsed() < lasting {
            let due = began + Duration::from_secs(1) * sent / rate;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sent % (rate / crossings) == 0 && crossed < self.points {
                sink.crossed(crossed);
                self.one(crossed, 95.0)?;
                crossed += 1;
            } else {
                let point = self.points / 2 + usize::try_from(sent)? % (self.points / 2);
                self.one(point, 20.0 + f64::from(sent % 30))?;
            }
            sent += 1;
        }
        Ok(crossed)
    }

    fn packet(&mut self, buffer: &mut Vec<u8>, count: usize, wobble: Wobble) {
        let mut payload = Vec::with_capacity(count * 56);
        if self.batch > 1 {
            payload.push(b'[');
        }
        let first = self.next % self.points;
        for place in 0..count {
            let point = self.next % self.points;
            if point == 0 {
                self.at_ms += 1;
            }
            if place > 0 {
                payload.push(b',');
            }
            let value = match wobble {
                Wobble::Quiet => 20 + (self.next * 7) % 30,
                Wobble::Crossing => match point % 100 {
                    0..90 => 65,
                    90..97 => 75,
                    97..99 => 85,
                    _ => 95,
                },
            };
            let _ = write!(payload, "{{\"id\":\"s{point:06}\",\"v\":{value}.5,\"ts\":{}}}", self.at_ms);
            self.next += 1;
        }
        let topic = if self.batch > 1 {
            payload.push(b']');
            format!("batch/g{first:06}")
        } else {
            format!("sensors/s{first:06}")
        };
        self.publish(buffer, &topic, &payload);
    }

    fn publish(&mut self, buffer: &mut Vec<u8>, topic: &str, payload: &[u8]) {
        let id = if self.qos > 0 { 2 } else { 0 };
        buffer.push(0x30 | (self.qos << 1));
        let mut length = 2 + topic.len() + id + payload.len();
        loop {
            let low = u8::try_from(length % 128).unwrap_or(0);
            length /= 128;
            buffer.push(if length > 0 { low | 128 } else { low });
            if length == 0 {
                break;
            }
        }
        buffer.extend(u16::try_from(topic.len()).unwrap_or(0).to_be_bytes());
        buffer.extend(topic.as_bytes());
        if self.qos > 0 {
            self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
            buffer.extend(self.packet_id.to_be_bytes());
            self.waiting += 1;
        }
        buffer.extend(payload);
    }

    fn flush(&mut self, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
        self.socket.write_all(buffer)?;
        buffer.clear();
        while self.waiting >= WINDOW {
            self.acknowledged()?;
        }
        Ok(())
    }

    /// Reads PUBACKs, four bytes each.
    fn acknowledged(&mut self) -> anyhow::Result<()> {
        let mut answer = [0; 4];
        self.socket.read_exact(&mut answer)?;
        if answer[0] != 0x40 {
            bail!("the broker sent packet type {:#x} to a publisher", answer[0]);
        }
        self.waiting -= 1;
        Ok(())
    }
}
