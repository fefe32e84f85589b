//! What the sources need to know, typed and resolved: the daemon's configuration makes these.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use watchfire_model::id::{PointIx, SourceName};

/// Text that is never shown: passwords, tokens, keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub const fn new(text: String) -> Self {
        Self(text)
    }
    /// The text itself; for the wire only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// One connection to one broker.
#[derive(Clone, Debug, PartialEq)]
pub struct MqttConfig {
    /// Its name in logs, metrics and the console.
    pub name: SourceName,
    /// Host name or address.
    pub host: String,
    /// 1883, or 8883 with TLS.
    pub port: u16,
    /// TLS; none only towards loopback, or where `insecure` is written.
    pub tls: Option<TlsConfig>,
    /// Stable over restarts: the broker keeps our session under it.
    pub client_id: String,
    /// User name.
    pub username: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Keep-alive; a dead link is noticed after at most twice this.
    pub keep_alive: Duration,
    /// Largest packet taken; a larger one is got past, counted and reported.
    pub max_packet_bytes: u32,
    /// What to subscribe to.
    pub subscriptions: Vec<Subscription>,
    /// Which points are behind this connection, and where in its messages.
    pub bindings: Arc<Vec<MqttBinding>>,
}

/// TLS to a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// PEM file of the authorities to trust; none = the system's.
    pub ca_file: Option<std::path::PathBuf>,
    /// PEM file of our certificate.
    pub cert_file: Option<std::path::PathBuf>,
    /// PEM file of our key.
    pub key_file: Option<std::path::PathBuf>,
}

/// One topic filter and how its messages are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// MQTT topic filter, such as `rtu/+/data`.
    pub filter: String,
    /// 0 or 1.
    pub qos: u8,
    /// How its payloads are read.
    pub codec: Codec,
}

/// How payloads are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// The whole payload is one number (`12.34` or `"12.34"`); time = receipt.
    Scalar,
    /// A JSON object, flat or nested, or an array of such objects: each bound point has a pointer into it.
    Json {
        /// JSON pointer of the time; none = receipt.
        time: Option<String>,
    },
    /// A JSON object that names its own point, or an array of such objects.
    Named {
        /// JSON pointer of the point's key.
        id: String,
        /// JSON pointer of the value.
        value: String,
        /// JSON pointer of the time; none = receipt.
        time: Option<String>,
        /// JSON pointer of the status word (DOMAIN §5.4 codes); none = always normal.
        state: Option<String>,
    },
}

/// Where one point is found in a broker's messages.
#[derive(Clone, Debug, PartialEq)]
pub struct MqttBinding {
    /// The point.
    pub point: PointIx,
    /// Exact topic or filter on which it comes; none with a [`Codec::Named`] key.
    pub topic: Option<Box<str>>,
    /// JSON pointer of its value, for [`Codec::Json`].
    pub pointer: Option<Box<str>>,
    /// JSON pointer of its status word, for [`Codec::Json`].
    pub state_pointer: Option<Box<str>>,
    /// The key by which payloads name it, for [`Codec::Named`].
    pub key: Option<Box<str>>,
    /// value = raw × scale + offset.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Raw values that mean "none", before scaling.
    pub sentinels: Vec<f64>,
}

/// One Modbus TCP connection and everything polled over it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModbusConfig {
    /// Its name in logs, metrics and the console.
    pub name: SourceName,
    /// Host name or address (`controller = "tcp://host:502"`).
    pub host: String,
    /// Usually 502.
    pub port: u16,
    /// Time between the beginnings of two polls.
    pub interval: Duration,
    /// Longest wait for one answer; after it the connection is dropped.
    pub timeout: Duration,
    /// Registers that may be read for nothing to join two neighbours; 8 by default.
    pub max_gap: u16,
    /// Wait after connecting, for slow gateways.
    pub pause_after_connect: Duration,
    /// Wait between two requests.
    pub pause_between_requests: Duration,
    /// What is read.
    pub fields: Arc<Vec<ModbusField>>,
}

/// One value behind a Modbus connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ModbusField {
    /// The point.
    pub point: PointIx,
    /// Unit id, 1 to 247.
    pub slave_id: u8,
    /// Which table.
    pub register: Register,
    /// Zero-based address.
    pub address: u16,
    /// How the registers make a number.
    pub kind: NumberType,
    /// Order of the bytes in it.
    pub byte_order: ByteOrder,
    /// value = raw × scale + offset.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Raw values that mean "none", before scaling.
    pub sentinels: Vec<f64>,
    /// A register of the same device whose value is the point's status word (DOMAIN §5.4 codes), read in the same request.
    pub state_address: Option<u16>,
}

/// Modbus tables, with Telegraf's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// `holding`, function 3.
    Holding,
    /// `input`, function 4.
    Input,
    /// `coil`, function 1.
    Coil,
    /// `discrete`, function 2.
    Discrete,
}

/// Number types, with Telegraf's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum NumberType {
    Bit,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Uint64,
    Float32,
    Float64,
}

impl NumberType {
    /// Registers (or coils) it takes.
    pub const fn width(self) -> u16 {
        match self {
            Self::Bit | Self::Int16 | Self::Uint16 => 1,
            Self::Int32 | Self::Uint32 | Self::Float32 => 2,
            Self::Int64 | Self::Uint64 | Self::Float64 => 4,
        }
    }
}

/// Byte orders, with Telegraf's names; for 64 bits the same four on words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ByteOrder {
    #[default]
    Abcd,
    Cdab,
    Badc,
    Dcba,
}
