//! Stands between the daemon and its broker and passes everything on, until it is told to say something of its own: what
//! a broker that is broken, or not one at all, may say.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use watchfire_tests::harness::wait;

/// A relay in front of a broker; it ends with the test's process.
#[derive(Debug)]
pub(crate) struct Relay {
    port: u16,
    /// The daemon's side of the newest connection.
    newest: Arc<Mutex<Option<TcpStream>>>,
}

impl Relay {
    /// # Panics
    /// If loopback gives no port.
    pub(crate) fn before(broker: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let newest = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&newest);
        std::thread::spawn(move || {
            for daemon in listener.incoming().flatten() {
                // A broker that is away is a connection that ends at once.
                let Ok(broker) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, broker))) else { continue };
                let (Ok(to_daemon), Ok(to_broker)) = (daemon.try_clone(), broker.try_clone()) else { continue };
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = daemon.try_clone().ok();
                std::thread::spawn(move || pass_on(daemon, to_broker));
                std::thread::spawn(move || pass_on(broker, to_daemon));
            }
        });
        Self { port, newest }
    }

    /// As a configuration names it.
    pub(crate) fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// Says this to the daemon, in the broker's name. Between two packets: nothing else is on its way.
    ///
    /// # Panics
    /// If the daemon is not connected.
    pub(crate) fn says(&self, bytes: &[u8]) {
        wait::until("the daemon's connection", || {
            let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            newest.as_ref().and_then(|mut stream| stream.write_all(bytes).ok())
        });
    }
}

/// Until one side ends; then both do.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // They may have ended already, which is what is wanted.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
