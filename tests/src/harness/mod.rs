//! Real programs to test against, each on a free port of loopback with a folder of its own, killed when dropped; a
//! failing test shows what they said.
//!
//! [`broker::Broker`] (mosquitto under the shipped profile), [`victoria::VictoriaMetrics`], [`daemon::Daemon`] (the
//! binary), [`receiver::Receiver`] (whatever hears notices), [`publisher::Publisher`] (an MQTT client that knows which
//! messages the broker has acknowledged), [`browser::Browser`] (Chromium), and [`wait`], the only place where a test lets
//! time pass.

pub mod broker;
pub mod browser;
pub mod daemon;
pub mod http;
pub mod process;
pub mod publisher;
pub mod receiver;
pub mod victoria;
pub mod wait;
