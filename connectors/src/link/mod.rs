//! What carries bytes. A link knows addresses, sessions and time-outs; it knows no point and no payload.
//!
//! [`mqtt`] alone names `rumqttc`, [`modbus`] alone names `tokio_modbus`.

pub mod backoff;
pub mod modbus;
pub mod mqtt;
mod skim;
pub mod tls;

use std::sync::Arc;

/// A number from 0 to 1, another one at each call; made by the daemon, so that a seeded run repeats itself.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;
