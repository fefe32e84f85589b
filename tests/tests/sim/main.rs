//! The whole daemon in virtual time, from a seed: the shipped journal, shard, duty loop, couriers, stores and recovery,
//! turned without their threads in a world where everything that can go wrong does. `WATCHFIRE_SEEDS=5000` runs so many
//! seeds, `WATCHFIRE_SEED=…` one.

mod chance;
mod county;
mod crashes;
mod disk;
mod faults;
mod field;
mod house;
mod officer;
mod oracle;
mod outage;
mod platform;
mod refusals;
mod remote;
mod seeds;
mod sensors;
mod world;
