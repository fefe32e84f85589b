//! A broker that does byte by byte what the test says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::journal::within;

/// Listens and does nothing by itself.
pub(crate) struct Broker {
    pub(crate) port: u16,
    listener: TcpListener,
}

/// One connection of the source.
pub(crate) struct Connection(TcpStream);

impl Broker {
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        Self { port: listener.local_addr().expect("it is bound").port(), listener }
    }

    /// Takes the next connection, says whether its session was kept, and answers its subscription.
    pub(crate) async fn accept(&self, session_present: bool) -> Connection {
        let (stream, _) = within("a connection", self.listener.accept()).await.expect("a connection");
        let mut connection = Connection(stream);
        assert_eq!(connection.packet().await.0, 0x10, "CONNECT");
        connection.send(&[0x20, 2, u8::from(session_present), 0]).await;
        let (head, body) = connection.packet().await;
        assert_eq!(head, 0x82, "SUBSCRIBE on every connection");
        connection.send(&[0x90, 3, body[0], body[1], 1]).await;
        connection
    }
}

impl Connection {
    /// The next packet's first byte and body.
    async fn packet(&mut self) -> (u8, Vec<u8>) {
        within("a packet", async {
            let head = self.0.read_u8().await.expect("the source speaks");
            let length = self.0.read_u8().await.expect("the source speaks");
            assert!(length < 0x80, "short packets are all that a source sends here");
            let mut body = vec![0; usize::from(length)];
            self.0.read_exact(&mut body).await.expect("the source speaks");
            (head, body)
        })
        .await
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the source listens");
    }

    pub(crate) async fn publish(&mut self, topic: &str, pkid: u16, dup: bool, payload: &[u8]) {
        let length = u8::try_from(2 + topic.len() + 2 + payload.len()).expect("a short message");
        assert!(length < 0x80, "a short message");
        let mut packet = vec![0x32 | u8::from(dup) << 3, length, 0, u8::try_from(topic.len()).expect("a short topic")];
        packet.extend_from_slice(topic.as_bytes());
        packet.extend_from_slice(&pkid.to_be_bytes());
        packet.extend_from_slice(payload);
        self.send(&packet).await;
    }

    /// At QoS 0.
    pub(crate) async fn publish_and_forget(&mut self, topic: &str, payload: &[u8]) {
        let length = u8::try_from(2 + topic.len() + payload.len()).expect("a short message");
        let mut packet = vec![0x30, length, 0, u8::try_from(topic.len()).expect("a short topic")];
        packet.extend_from_slice(topic.as_bytes());
        packet.extend_from_slice(payload);
        self.send(&packet).await;
    }

    /// Waits for a ping and leaves it unanswered. Nothing else may come.
    pub(crate) async fn pinged_in_vain(&mut self) {
        assert_eq!(self.packet().await.0, 0xc0, "PINGREQ");
    }

    /// Waits for a ping and answers it. Nothing else may come.
    pub(crate) async fn pinged(&mut self) {
        assert_eq!(self.packet().await.0, 0xc0, "PINGREQ");
        self.send(&[0xd0, 0]).await;
    }

    /// The packet id of the next acknowledgement; pings are answered on the way.
    pub(crate) async fn acknowledged(&mut self) -> u16 {
        within("an acknowledgement", async {
            loop {
                let (head, body) = self.packet().await;
                if head == 0x40 {
                    return u16::from_be_bytes([body[0], body[1]]);
                }
                assert_eq!(head, 0xc0, "PINGREQ");
                self.send(&[0xd0, 0]).await;
            }
        })
        .await
    }

    /// Waits until the source has hung up.
    pub(crate) async fn gone(mut self) {
        let mut waste = [0; 64];
        within("the source to hang up", async { while self.0.read(&mut waste).await.is_ok_and(|bytes| bytes > 0) {} })
            .await;
    }
}
