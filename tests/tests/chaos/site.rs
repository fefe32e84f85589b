//! The configurations of these tests: stations that report ten times a second, thresholds at 10, 20, 30 and 40, nothing
//! that waits. The evaluator, the Desk and the gate are the shipped ones; what is written here is what a site may write.

use std::fmt::Write as _;

use super::oracle::{MARGIN, RAISE_AT};

/// A station and what is special about it.
#[derive(Clone, Debug)]
pub(crate) struct Station {
    /// Its id, and the key under which its payloads come.
    pub(crate) id: String,
    /// The area it stands in, by name.
    pub(crate) area: String,
    /// Silence after which there is no data.
    pub(crate) stale_after: &'static str,
    /// Further keys of its point.
    pub(crate) keys: &'static str,
}

impl Station {
    /// A station in an area of its own, so that the warnings of that area are its own too.
    pub(crate) fn alone(id: &str) -> Self {
        Self { id: id.to_owned(), area: id.to_owned(), stale_after: "10m", keys: "" }
    }

    /// A station among others.
    pub(crate) fn among(id: &str, area: &str) -> Self {
        Self { area: area.to_owned(), ..Self::alone(id) }
    }
}

/// A configuration without `[api]` and `[storage]`. Both audiences are told through `platform`, a URL that takes CAP:
/// those on duty by the channel `duty`, the public by the channel `public`, unsigned except for the end of orange and red.
pub(crate) fn site(broker: &str, platform: &str, stations: &[Station]) -> String {
    let mut text = format!(
        r#"packs = ["river"]

[site]
name = "chaos"
authority = "county"
issuer = "Chaos County"
sender = "chaos.example"
contact = "0700"
zone = "Asia/Shanghai"
languages = ["zh-CN"]

[[connectors.mqtt]]
name = "field"
servers = ["{broker}"]
client_id = "watchfire-chaos"
topics = [{{ topic = "sensors/+", codec = "named", id = "/id", value = "/v", time = "/ts" }}]

# The reference knows nothing of chatter: every fall is told when it comes.
[[hazard]]
id = "river_flood"
flapping = "never"

[release.river_flood]
raise = "auto"
lower = "auto"
end = {{ default = "one", blue = "auto", yellow = "auto" }}

[[rule]]
id = "stage"
hazard = "river_flood"
watch = {{ quantity = "stage" }}
measure = "stage"
ladder = {{ blue = {}, yellow = {}, orange = {}, red = {} }}
class = "instant"
lift_margin = "{MARGIN} m"
raise_after = "0s"
lift_after = "0s"
response = "look"
consequence = "water"
time_to_respond = "1h"
"#,
        RAISE_AT[0], RAISE_AT[1], RAISE_AT[2], RAISE_AT[3]
    );
    for (name, audience) in [("duty", "internal"), ("public", "public")] {
        let _ = write!(
            text,
            "\n[[channel]]\nname = \"{name}\"\nkind = \"cap_http\"\nurl = \"{platform}\"\naudience = \"{audience}\"\n\
             timeout = \"2s\"\nretry_cap = \"1s\"\n"
        );
    }
    let mut areas: Vec<&str> = stations.iter().map(|station| station.area.as_str()).collect();
    areas.sort_unstable();
    areas.dedup();
    for area in areas {
        let _ = write!(text, "\n[[area]]\nid = \"{area}\"\nname = \"{area}\"\n");
    }
    for Station { id, area, stale_after, keys } in stations {
        let _ = write!(
            text,
            "\n[[station]]\nid = \"{id}\"\nname = \"{id}\"\narea = \"{area}\"\n\n[[station.point]]\nid = \"stage\"\n\
             quantity = \"stage\"\nunit = \"m\"\ninterval = \"1s\"\nresolution = 0.01\nstale_after = \"{stale_after}\"\n\
             source = {{ key = \"{id}\" }}\n{keys}\n"
        );
    }
    text
}
