//! What a sound configuration becomes: everything typed, all names resolved, nothing opened yet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use watchfire_connectors::config::{ModbusConfig, MqttConfig, Secret};
use watchfire_model::grade::Grade;
use watchfire_model::id::ChannelName;
use watchfire_model::site::{Audience, Site};
use watchfire_rules::ruleset::RuleSet;

use crate::access::session;

/// The whole configuration, sound.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file it was read from; none where it was text.
    pub path: Option<PathBuf>,
    /// What judging and warning need, its rules compiled.
    pub rules: Arc<RuleSet>,
    /// Broker connections.
    pub mqtt: Vec<MqttConfig>,
    /// Modbus connections.
    pub modbus: Vec<ModbusConfig>,
    /// Ways out.
    pub channels: Vec<ChannelConfig>,
    /// Time-series stores beside the embedded one.
    pub influx: Vec<InfluxConfig>,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// HTTP listens here; loopback by default.
    pub listen: SocketAddr,
    /// Who may come in, and how.
    pub access: AccessConfig,
    /// Bounds of the logs.
    pub limits: Limits,
    /// A new configuration is put in force by two people: one proposes it, another publishes it.
    pub two_people: bool,
}

impl Settings {
    /// What judging and warning need.
    pub fn site(&self) -> &Arc<Site> {
        self.rules.site()
    }
}

/// Who may come in, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// What whoever says no name may do.
    pub anonymous: Anonymous,
    /// Who may ask for metrics and readiness without a name.
    pub probes: Probes,
    /// How long sessions last.
    pub sessions: session::Limits,
    /// Names by which browsers may reach us besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// Whether a password may be sent to us from another machine without TLS.
    pub plain_http: bool,
}

/// What whoever says no name may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Nothing.
    #[default]
    Nobody,
    /// Look.
    Viewer {
        /// From other machines too.
        anywhere: bool,
    },
    /// Act as an officer does: the demo's alone. No configuration can say it.
    Officer,
}

/// Who may ask for metrics and readiness without a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Probes {
    /// Programs on this machine.
    #[default]
    Loopback,
    /// Whoever reaches us.
    Anywhere,
    /// Nobody.
    Nobody,
}

/// Bounds on disk and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The journal's largest size on disk; beyond it the oldest segments go, lagging stores or not, counted and reported.
    pub journal_bytes: u64,
    /// So much of it is kept although nobody needs it any more, for whoever proves the ledger by it.
    pub journal_keep_bytes: u64,
    /// One journal segment.
    pub segment_bytes: u64,
    /// Offers waiting for the journal.
    pub intake: usize,
    /// How long readings stay in the embedded store.
    pub retention: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            journal_bytes: 4 << 30,
            journal_keep_bytes: 1 << 30,
            segment_bytes: 64 << 20,
            intake: 1_024,
            retention: Duration::from_secs(400 * 86_400),
        }
    }
}

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelConfig {
    /// Its name.
    pub name: ChannelName,
    /// What it speaks.
    pub kind: ChannelKind,
    /// Who hears it.
    pub audience: Audience,
    /// Lowest grade it carries.
    pub from_grade: Grade,
    /// Whether it can take drills.
    pub takes_drills: bool,
    /// Longest wait for one attempt.
    pub timeout: Duration,
    /// Longest pause between two attempts.
    pub retry_cap: Duration,
}

/// What a channel speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// CAP 1.2 by HTTP POST.
    CapHttp {
        /// Where to.
        url: String,
        /// `Authorization: Bearer …`.
        token: Option<Secret>,
    },
    /// JSON, signed as Standard Webhooks says.
    Webhook {
        /// Where to.
        url: String,
        /// `whsec_…`; several during a key change, the first signs first.
        secrets: Vec<Secret>,
    },
    /// One CAP file per notice in a folder, written whole and renamed.
    Spool {
        /// The folder.
        dir: PathBuf,
    },
}

/// An InfluxDB v2 write endpoint, or anything that speaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluxConfig {
    /// Its name in logs and metrics.
    pub name: String,
    /// `http://host:8086`.
    pub url: String,
    /// Organisation.
    pub org: String,
    /// Bucket.
    pub bucket: String,
    /// API token.
    pub token: Option<Secret>,
    /// Longest wait for one write.
    pub timeout: Duration,
    /// Most readings in one write.
    pub batch: usize,
}
