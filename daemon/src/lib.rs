//! Acts: the daemon around the two machines. The library exists for the tests; the product is the binary.

pub mod access;
pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod dissemination;
pub mod duty;
pub mod entropy;
pub mod evidence;
pub mod lang;
pub mod metrics;
pub mod outlooks;
pub mod reload;
pub mod shards;
pub mod shutdown;
pub mod storage;
pub mod supervisor;
pub mod topology;
pub mod turns;
pub mod views;
pub mod vigil;
