//! What is seen from outside: the HTTP interface, the command line that speaks to it, and the Grafana dashboards, on a
//! made-up county.

mod alarms;
mod api;
mod browser;
mod county;
mod grafana;
mod incidents;
mod rules;
mod warnings;
mod who;
