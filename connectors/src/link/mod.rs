//! What carries bytes. A link knows addresses, sessions and time-outs; it knows no point and no payload.
//!
//! [`mqtt`] alone names `rumqttc`, [`modbus`] alone names `tokio_modbus`.

pub mod backoff;
pub mod modbus;
pub mod mqtt;
mod skim;
pub mod tls;

use std::sync::Arc;
use std::time::Duration;

/// A link that is back within this was never gone: nothing is told of it. Three attempts fall into it. One that stays away
/// is told this much later, with the time at which something was last heard.
pub const GRACE: Duration = Duration::from_secs(2);

/// A number from 0 to 1, another one at each call; made by the daemon, so that a seeded run repeats itself.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;
