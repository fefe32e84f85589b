//! The site that is measured: ten thousand stations with one point each, a native ladder, one warning a station.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::process::free_address;

pub(crate) struct Site {
    folder: tempfile::TempDir,
    listen: SocketAddr,
}

impl Site {
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("watchfire.toml")
    }
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("daemon.log")
    }
    pub(crate) const fn listen(&self) -> SocketAddr {
        self.listen
    }
}

/// `measure` is the one rule's, over the quantity `stage`; every station has an area of its own and a red at 90.
pub(crate) fn write(
    points: usize,
    measure: &str,
    broker: SocketAddr,
    webhook: Option<SocketAddr>,
    qos: u8,
) -> anyhow::Result<Site> {
    write_in(points, points, ",,,90", measure, broker, webhook, qos)
}

/// The same with so many areas, stations dealt out to them in order, and a ladder `blue,yellow,orange,red`.
pub(crate) fn write_in(
    points: usize,
    areas_in_all: usize,
    ladder: &str,
    measure: &str,
    broker: SocketAddr,
    webhook: Option<SocketAddr>,
    qos: u8,
) -> anyhow::Result<Site> {
    let folder = tempfile::tempdir()?;
    let listen = free_address()?;
    let mut stations = "id,name,area,lat,lon,datum,gateway,zone\n".to_owned();
    let mut rows =
        "station,id,quantity,unit,interval,resolution,range_low,range_high,blue,yellow,orange,red,source\n".to_owned();
    let mut areas = "id,name\n".to_owned();
    for point in 0..points {
        let area = point * areas_in_all / points;
        writeln!(stations, "s{point:06},s{point:06},a{area:06},,,,,")?;
        writeln!(rows, "s{point:06},level,stage,m,1m,0.001 m,-1000,1000,{ladder},key:s{point:06}")?;
    }
    for area in 0..areas_in_all {
        writeln!(areas, "a{area:06},a{area:06}")?;
    }
    let channel = webhook.map_or(String::new(), |address| {
        format!(
            "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{address}/\"\nsecret = \"whsec_d2F0Y2hmaXJlLWJlbmNoLWtleS0wMQ==\"\naudience = \"internal\"\nfrom_grade = \"blue\"\n"
        )
    });
    let text = format!(
        r#"areas_csv = "areas.csv"
stations_csv = "stations.csv"
points_csv = "points.csv"
packs = ["river"]
[site]
name = "bench"
authority = "county"
issuer = "bench"
sender = "bench@example.org"
contact = "bench"
zone = "UTC"
languages = ["en-US"]
[storage]
data_dir = "data"
[api]
listen = "{listen}"
[[rule]]
id = "level"
hazard = "river_flood"
per = "station"
watch = {{ quantity = "stage" }}
measure = "{measure}"
ladder = "station"
lift_margin = "2 m"
class = "instant"
raise_after = "0s"
lift_after = "0s"
hold = "0s"
response = "x"
consequence = "y"
time_to_respond = "1h"
[[connectors.mqtt]]
name = "field"
servers = ["tcp://{broker}"]
client_id = "watchfire-bench"
topics = [
  {{ topic = "sensors/#", qos = {qos}, codec = "named", id = "/id", value = "/v", time = "/ts" }},
  {{ topic = "batch/#", qos = {qos}, codec = "named", id = "/id", value = "/v", time = "/ts" }},
]
{channel}"#
    );
    fs::write(folder.path().join("areas.csv"), areas)?;
    fs::write(folder.path().join("stations.csv"), stations)?;
    fs::write(folder.path().join("points.csv"), rows)?;
    fs::write(folder.path().join("watchfire.toml"), text)?;
    Ok(Site { folder, listen })
}
