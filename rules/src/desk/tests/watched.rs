//! A site with all that keeps alarms quiet and calls for people again.

use watchfire_model::{
    attention::{AttentionPolicy, Latching},
    grade::Grade,
    quiet::{Holidays, Inhibition, Same, Whose, Window},
    site::Site,
};

use super::super::story::{flood, site};

/// A site that looks after its officers' attention: acknowledgements run out, the flood's latch is reset by a person,
/// seepage is superfluous where there is a flood, and blue wakes nobody before four in the afternoon.
pub(super) fn watched() -> Site {
    let mut site = site();
    site.quiet.inhibitions = vec![Inhibition {
        by: Whose::Hazard("river_flood".into()),
        from: Grade::Yellow,
        target: Whose::Rule("seep".into()),
        same: Same::Station,
    }];
    site.quiet.windows = vec![Window {
        name: "siesta".to_owned(),
        target: None,
        upto: Grade::Blue,
        by_design: false,
        days: [true; 7],
        months: [true; 12],
        from: 13 * 60,
        to: 16 * 60,
        holidays: Holidays::Alike,
    }];
    flood(&mut site).attention =
        AttentionPolicy { latch: Latching::UntilReset, fault_latch: Latching::UntilAck, ..AttentionPolicy::default() };
    site
}
