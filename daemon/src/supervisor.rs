//! Tells systemd how the daemon is: READY, STOPPING, and WATCHDOG only while the machines' own loops turn.

use std::os::unix::net::UnixDatagram;

/// Where systemd listens, if it started us with `Type=notify`.
pub struct Supervisor(Option<(UnixDatagram, std::ffi::OsString)>);

impl Supervisor {
    /// From `NOTIFY_SOCKET`; silent where there is none.
    pub fn from_env() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|path| Some((UnixDatagram::unbound().ok()?, path)));
        Self(socket)
    }

    /// Says a state such as `READY=1`. A supervisor that does not listen is not our trouble.
    pub fn say(&self, state: &str) {
        if let Some((socket, path)) = &self.0
            && let Err(error) = socket.send_to(state.as_bytes(), path)
        {
            tracing::debug!(%error, state, "the supervisor did not hear");
        }
    }

    /// How often `WATCHDOG=1` is due: half of what `WATCHDOG_USEC` allows.
    pub fn watchdog_every() -> Option<std::time::Duration> {
        let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
        (micros > 0).then(|| std::time::Duration::from_micros(micros / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_hears_what_is_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        Supervisor(Some((UnixDatagram::unbound().expect("a socket"), path.into_os_string()))).say("READY=1");
        let mut heard = [0; 16];
        let count = socket.recv(&mut heard).expect("a datagram");
        assert_eq!(&heard[..count], b"READY=1");
    }
}
