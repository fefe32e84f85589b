//! Stopping has an order and deadlines: sources first, then the journal with what it has, then shards and the duty
//! loop, then couriers and the API. A second signal stops at once.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long a clean stop may take in all (RELIABILITY P18).
pub const LIMIT: Duration = Duration::from_secs(10);

/// The tokens of an orderly stop, cancelled in the order of the fields.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Sources hear no more.
    pub sources: CancellationToken,
    /// The logs' threads finish what they have; cancelled once the sources have ended.
    pub logs: CancellationToken,
    /// Couriers and the API end; cancelled once the duty loop has ended.
    pub outside: CancellationToken,
}

/// SIGHUP, by which a supervisor asks for the configuration to be read again.
pub fn hangups() -> std::io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
}

/// Waits for SIGTERM or Ctrl-C.
pub async fn signal() -> std::io::Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "interrupt",
    })
}
