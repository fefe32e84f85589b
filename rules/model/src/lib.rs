//! The words of the house. Every crate speaks these; none of them does anything: no clock, no files, no sockets.
//!
//! An *alarm* (告警) is the standing state of one rule on one subject; a *warning* (预警) is the graded public act
//! over the alarms of one hazard and area; a *bulletin* (通知) is one message of a warning; a *notice* is one bulletin
//! on its way through one channel; a *receipt* (回执) is what came back.

pub mod access;
pub mod alarm;
pub mod attention;
pub mod bulletin;
pub mod command;
pub mod deed;
pub mod doubt;
pub mod durable;
pub mod finding;
pub mod grade;
pub mod id;
pub mod incident;
pub mod ladder;
pub mod mode;
pub mod outlook;
pub mod quality;
pub mod quantity;
pub mod quiet;
pub mod reading;
pub mod receipt;
pub mod reload;
pub mod row;
pub mod rule;
pub mod scale;
pub mod scrutiny;
pub mod site;
pub mod suppression;
pub mod time;
pub mod unit;
pub mod upkeep;
pub mod warning;
pub mod watch;
