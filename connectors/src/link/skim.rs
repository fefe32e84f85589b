//! Gets past a message that is too large to hold: takes the session over for a moment, reads the large message away
//! without keeping it, acknowledges it, and leaves. Everything else is left unacknowledged, so the broker sends it again.
//!
//! Without this one message of more than [`CARRIED`](super::mqtt::CARRIED) bytes at QoS 1 would come again after each
//! reconnection and stop everything behind it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Any byte stream to a broker.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Packets looked at before giving up: more than a broker keeps in flight for one client.
const MOST_PACKETS: usize = 70_000;
/// Longest wait for the next byte of a packet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for the next packet: a broker that resumes a session sends what is in flight at once.
const QUIET: Duration = Duration::from_secs(2);
/// MQTT 3.1.1 packet types.
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;

/// Who we are to the broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'a> {
    pub(super) client_id: &'a str,
    pub(super) username: Option<&'a str>,
    pub(super) password: Option<&'a str>,
}

/// What was read away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skimmed {
    pub(super) topic: String,
    /// Bytes after the fixed header.
    pub(super) bytes: usize,
}

/// Reads until the first publish of more than `limit` bytes has been read away, or until the broker has nothing more to
/// say. Returns it, if there was one.
pub(super) async fn skim(
    mut stream: Box<dyn Stream>,
    login: Login<'_>,
    limit: usize,
) -> std::io::Result<Option<Skimmed>> {
    stream.write_all(&connect(login)).await?;
    stream.flush().await?;
    let mut skimmed = None;
    for _ in 0..MOST_PACKETS {
        let Ok(head) = tokio::time::timeout(QUIET, header(&mut stream)).await else { break };
        let (first, length) = head?;
        if first >> 4 == CONNACK {
            let mut body = [0; 2];
            exact(&mut stream, &mut body).await?;
            if length != 2 || body[1] != 0 {
                return Err(std::io::Error::other(format!("the broker refused the connection, code {}", body[1])));
            }
        } else if first >> 4 == PUBLISH && length > limit {
            let (topic, pkid, read) = publish_head(&mut stream, first).await?;
            pass_over(&mut stream, length.saturating_sub(read)).await?;
            if let Some(pkid) = pkid {
                let [high, low] = pkid.to_be_bytes();
                stream.write_all(&[0x40, 2, high, low]).await?;
                stream.flush().await?;
            }
            skimmed = Some(Skimmed { topic, bytes: length });
            break;
        } else {
            pass_over(&mut stream, length).await?;
        }
    }
    // DISCONNECT: a clean farewell, after which the broker keeps the session and sends no will.
    stream.write_all(&[0xe0, 0]).await?;
    stream.shutdown().await?;
    Ok(skimmed)
}

fn connect(login: Login<'_>) -> Vec<u8> {
    let text = |to: &mut Vec<u8>, text: &str| {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        to.extend_from_slice(&length.to_be_bytes());
        to.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
    };
    // Clean session off; user name and password as there are.
    let flags =
        u8::from(login.username.is_some()) << 7 | u8::from(login.username.is_some() && login.password.is_some()) << 6;
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    body.extend_from_slice(&[4, flags, 0, 30]);
    text(&mut body, login.client_id);
    if let Some(username) = login.username {
        text(&mut body, username);
        if let Some(password) = login.password {
            text(&mut body, password);
        }
    }
    let mut packet = vec![0x10];
    let mut left = body.len();
    loop {
        let byte = u8::try_from(left % 128).unwrap_or(0);
        left /= 128;
        packet.push(if left > 0 { byte | 0x80 } else { byte });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(&body);
    packet
}

/// The first byte of the next packet and the number of bytes after its fixed header.
async fn header(stream: &mut Box<dyn Stream>) -> std::io::Result<(u8, usize)> {
    let first = stream.read_u8().await?;
    let mut length = 0_usize;
    for place in 0..4 {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((first, length));
        }
    }
    Err(std::io::Error::other("the length of a packet has more than four bytes"))
}

/// Topic, packet id (QoS 1 and 2) and how many bytes they took.
async fn publish_head(stream: &mut Box<dyn Stream>, first: u8) -> std::io::Result<(String, Option<u16>, usize)> {
    let mut two = [0; 2];
    exact(stream, &mut two).await?;
    let mut topic = vec![0; usize::from(u16::from_be_bytes(two))];
    exact(stream, &mut topic).await?;
    let topic = String::from_utf8_lossy(&topic).into_owned();
    let mut read = 2 + topic.len();
    let mut pkid = None;
    if first >> 1 & 3 > 0 {
        exact(stream, &mut two).await?;
        pkid = Some(u16::from_be_bytes(two));
        read += 2;
    }
    Ok((topic, pkid, read))
}

async fn exact(stream: &mut Box<dyn Stream>, into: &mut [u8]) -> std::io::Result<()> {
    tokio::time::timeout(PATIENCE, stream.read_exact(into)).await??;
    Ok(())
}

async fn pass_over(stream: &mut Box<dyn Stream>, mut bytes: usize) -> std::io::Result<()> {
    let mut waste = [0; 8_192];
    while bytes > 0 {
        let part = waste.len().min(bytes);
        let got = tokio::time::timeout(PATIENCE, stream.read(&mut waste[..part])).await??;
        if got == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes -= got;
    }
    Ok(())
}
