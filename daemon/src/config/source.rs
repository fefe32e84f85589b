//! Where a point's values come from, as its `source` says: a table in TOML, or one line of text in a spreadsheet:
//!
//! ```text
//! mqtt:rtu/qingshi#/level                      a topic, and a JSON pointer into its payload
//! mqtt:rtu/qingshi/level                       a topic whose payload is the number
//! key:s000042                                  payloads that name their own point
//! modbus:plc/1/holding/100/FLOAT32/ABCD        connector/slave_id/register/address/type[/byte_order]
//! ```
//! Options follow, apart by spaces: `scale=0.1 offset=2 sentinels=-9999,32767 connector=field time=/ts state=/s state_address=104`.

use std::str::FromStr;

use watchfire_connectors::config::{ByteOrder, NumberType, Register};

use crate::config::nearest::did_you_mean;
use crate::config::problem::Problem;
use crate::config::read::{At, Context, Node, Shape, Table};

/// Modbus tables, by Telegraf's names.
pub(crate) const REGISTERS: &[(&str, Register)] = &[
    ("holding", Register::Holding),
    ("input", Register::Input),
    ("coil", Register::Coil),
    ("discrete", Register::Discrete),
];

/// Number types, by Telegraf's names.
pub(crate) const TYPES: &[(&str, NumberType)] = &[
    ("BIT", NumberType::Bit),
    ("INT16", NumberType::Int16),
    ("UINT16", NumberType::Uint16),
    ("INT32", NumberType::Int32),
    ("UINT32", NumberType::Uint32),
    ("INT64", NumberType::Int64),
    ("UINT64", NumberType::Uint64),
    ("FLOAT32", NumberType::Float32),
    ("FLOAT64", NumberType::Float64),
];

/// Byte orders, by Telegraf's names.
pub(crate) const BYTE_ORDERS: &[(&str, ByteOrder)] =
    &[("ABCD", ByteOrder::Abcd), ("CDAB", ByteOrder::Cdab), ("BADC", ByteOrder::Badc), ("DCBA", ByteOrder::Dcba)];

/// Where a point's values come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) way: Way,
    /// The connector; not needed where only one can be meant.
    pub(crate) connector: Option<At<String>>,
    pub(crate) scaling: Scaling,
}

/// value = raw × scale + offset; raw sentinels mean "none".
#[derive(Clone, Debug)]
pub(crate) struct Scaling {
    pub(crate) scale: f64,
    pub(crate) offset: f64,
    pub(crate) sentinels: Vec<f64>,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { scale: 1.0, offset: 0.0, sentinels: Vec::new() }
    }
}

impl Scaling {
    pub(crate) fn of(table: &Table<'_>) -> Self {
        Self {
            scale: table.number("scale").map_or(1.0, |scale| nonzero(table.cx, &scale)),
            offset: table.number("offset").map_or(0.0, |offset| offset.value),
            sentinels: table.numbers("sentinels"),
        }
    }
}

fn nonzero(cx: &Context<'_>, scale: &At<f64>) -> f64 {
    if scale.value == 0.0 {
        cx.report(Problem::error(scale.at, "a scale of 0 makes every value the same"));
    }
    scale.value
}

/// By which way.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// A topic of a broker.
    Topic { topic: String, pointer: Option<String>, time: Option<String>, state: Option<String> },
    /// The name by which payloads call it.
    Key(String),
    /// A register of a Modbus device.
    Register(Wiring),
}

/// One value behind a Modbus connector.
#[derive(Clone, Debug)]
pub(crate) struct Wiring {
    pub(crate) slave_id: Option<u8>,
    pub(crate) register: Register,
    pub(crate) address: u16,
    pub(crate) kind: NumberType,
    pub(crate) byte_order: Option<ByteOrder>,
    pub(crate) state_address: Option<u16>,
}

impl Wiring {
    /// Reads the keys of a field. `register` may stand above it.
    pub(crate) fn of(table: &Table<'_>, above: Option<Register>) -> Option<Self> {
        let slave_id = table.whole("slave_id", 1_u8, 247).map(|id| id.value);
        let register = table.word("register", REGISTERS).map(|register| register.value).or(above);
        let address = table.whole("address", 0_u16, u16::MAX).map(|address| address.value);
        let kind = table.word("type", TYPES).map(|kind| kind.value);
        let byte_order = table.word("byte_order", BYTE_ORDERS).map(|order| order.value);
        let state_address = table.whole("state_address", 0_u16, u16::MAX).map(|address| address.value);
        if register.is_none() && table.get("register").is_none() {
            table.missing("register", "holding, input, coil or discrete");
        }
        if address.is_none() && table.get("address").is_none() {
            table.missing("address", "counted from 0");
        }
        let (register, address) = (register?, address?);
        let kind = kind.or(match register {
            Register::Coil | Register::Discrete => Some(NumberType::Bit),
            Register::Holding | Register::Input => None,
        });
        if kind.is_none() && table.get("type").is_none() {
            table.missing("type", "INT16, UINT16, INT32, UINT32, INT64, UINT64, FLOAT32, FLOAT64");
        }
        let kind = kind?;
        if address.checked_add(kind.width() - 1).is_none() {
            table.cx.report(Problem::error(table.key_at("address"), "the last register would be beyond 65535"));
        }
        Some(Self { slave_id, register, address, kind, byte_order, state_address })
    }
}

/// Reads a `source`: a table, or the spreadsheet's text.
pub(crate) fn source(node: &Node<'_>) -> Option<At<Source>> {
    match node.shape("a source") {
        Shape::Text(text) => from_text(node.cx, &text),
        Shape::Table(table) => from_table(table).map(|source| At { value: source, at: node.at() }),
        Shape::Number(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            node.refuse("a source such as { mqtt = \"rtu/a\", pointer = \"/level\" }")
        }
    }
}

fn from_table(table: Table<'_>) -> Option<Source> {
    let scaling = Scaling::of(&table);
    let mut connector = table.text("connector");
    let topic = table.text("mqtt");
    let key = table.text("key");
    let device = table.text("modbus");
    let pointers = ["pointer", "time", "state"].map(|name| table.text(name).filter(|p| pointer(table.cx, p)));
    let [pointer, time, state] = pointers.map(|p| p.map(|p| p.value));
    let way = match (topic, key, device) {
        (Some(topic), None, None) => {
            filter(table.cx, &topic)?;
            Some(Way::Topic { topic: topic.value, pointer, time, state })
        }
        (None, Some(key), None) => Some(Way::Key(key.value)),
        (None, None, Some(device)) => {
            connector = Some(device);
            Wiring::of(&table, None).map(Way::Register)
        }
        (None, None, None) | (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            let problem = Problem::error(table.at, "a source has exactly one of `mqtt`, `key` and `modbus`");
            table.cx.report(problem.hint("mqtt = \"topic\", key = \"s000042\", or modbus = \"connector\""));
            return None;
        }
    };
    table.finish();
    Some(Source { way: way?, connector, scaling })
}

/// Whether a JSON pointer is one.
fn pointer(cx: &Context<'_>, pointer: &At<String>) -> bool {
    let ok = pointer.value.starts_with('/');
    if !ok {
        let problem = Problem::error(pointer.at, format!("\"{}\" is not a JSON pointer", pointer.value));
        cx.report(problem.hint(format!("write \"/{}\"", pointer.value.replace('.', "/"))));
    }
    ok
}

/// Whether an MQTT topic filter is one (MQTT 3.1.1, 4.7.1).
pub(crate) fn filter(cx: &Context<'_>, topic: &At<String>) -> Option<()> {
    let levels: Vec<&str> = topic.value.split('/').collect();
    let last = levels.len() - 1;
    let wild = |at: usize, level: &str| match level {
        "#" => at == last,
        "+" => true,
        _ => !level.contains(['#', '+']),
    };
    let fine = !topic.value.is_empty()
        && topic.value.len() <= 65_535
        && !topic.value.contains('\0')
        && levels.iter().enumerate().all(|(at, level)| wild(at, level));
    if fine {
        return Some(());
    }
    let problem = Problem::error(topic.at, format!("\"{}\" is not an MQTT topic filter", topic.value));
    cx.report(problem.hint("`+` stands for one whole level, `#` for all that follow and only at the end"));
    None
}

/// Reads the spreadsheet's text.
pub(crate) fn from_text(cx: &Context<'_>, text: &At<String>) -> Option<At<Source>> {
    parse(&text.value)
        .map(|source| At { value: source.with_place(text), at: text.at })
        .map_err(|reason| {
            let problem = Problem::error(text.at, format!("\"{}\" is not a source: {reason}", text.value));
            cx.report(problem.hint("mqtt:topic#/pointer, key:name, or modbus:connector/1/holding/100/FLOAT32/ABCD"));
        })
        .ok()
}

/// A source whose connector has no place yet.
struct Placeless {
    way: Way,
    connector: Option<String>,
    scaling: Scaling,
}

impl Placeless {
    fn with_place(self, text: &At<String>) -> Source {
        let connector = self.connector.map(|name| At { value: name, at: text.at });
        Source { way: self.way, connector, scaling: self.scaling }
    }
}

fn parse(text: &str) -> Result<Placeless, String> {
    let mut words = text.split_whitespace();
    let head = words.next().ok_or("it is empty")?;
    let (scheme, rest) = head.split_once(':').ok_or("it does not begin with mqtt:, key: or modbus:")?;
    let mut connector = None;
    let mut way = match scheme {
        "mqtt" => {
            // "#" at the end is MQTT's own wildcard; a pointer begins with "#/", which no filter contains.
            let (topic, pointer) =
                rest.find("#/").map_or((rest, None), |at| (&rest[..at], Some(rest[at + 1..].to_owned())));
            if topic.is_empty() {
                return Err("the topic is missing".into());
            }
            Way::Topic { topic: topic.to_owned(), pointer, time: None, state: None }
        }
        "key" if !rest.is_empty() => Way::Key(rest.to_owned()),
        "key" => return Err("the key is missing".into()),
        "modbus" => {
            let (device, wiring) = parse_wiring(rest)?;
            connector = Some(device);
            Way::Register(wiring)
        }
        other => return Err(format!("`{other}:` is not known; mqtt:, key: and modbus: are")),
    };
    let mut scaling = Scaling::default();
    for word in words {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` is not name=value"))?;
        let number =
            || value.parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(|| format!("`{value}` is not a number"));
        match (name, &mut way) {
            ("scale", _) => scaling.scale = number()?,
            ("offset", _) => scaling.offset = number()?,
            ("sentinels", _) => {
                scaling.sentinels = value
                    .split(',')
                    .map(|one| one.parse::<f64>().map_err(|_| format!("`{one}` is not a number")))
                    .collect::<Result<_, _>>()?;
            }
            ("connector", Way::Topic { .. } | Way::Key(_)) => connector = Some(value.to_owned()),
            ("time", Way::Topic { time, .. }) => *time = Some(value.to_owned()),
            ("state", Way::Topic { state, .. }) => *state = Some(value.to_owned()),
            ("state_address", Way::Register(wiring)) => {
                wiring.state_address = Some(value.parse().map_err(|_| format!("`{value}` is not an address"))?);
            }
            (other, _) => {
                let known = ["scale", "offset", "sentinels", "connector", "time", "state", "state_address"];
                let hint = did_you_mean(other, known).unwrap_or_default();
                return Err(format!("`{other}` does not belong here {hint}").trim_end().to_owned());
            }
        }
    }
    if scaling.scale == 0.0 {
        return Err("a scale of 0 makes every value the same".into());
    }
    Ok(Placeless { way, connector, scaling })
}

fn parse_wiring(text: &str) -> Result<(String, Wiring), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (device, slave_id, register, address, kind, order) = match parts.as_slice() {
        [device, slave, register, address, kind] => (device, slave, register, address, kind, None),
        [device, slave, register, address, kind, order] => (device, slave, register, address, kind, Some(order)),
        _ => return Err("modbus: wants connector/slave_id/register/address/type[/byte_order]".into()),
    };
    let slave_id = u8::from_str(slave_id).ok().filter(|id| (1..=247).contains(id));
    let slave_id = slave_id.ok_or("the slave id must be 1 to 247")?;
    let address = u16::from_str(address).map_err(|_| "the address must be 0 to 65535")?;
    let (register, kind) = (one_of(register, REGISTERS)?, one_of(kind, TYPES)?);
    if address.checked_add(kind.width() - 1).is_none() {
        return Err("the last register would be beyond 65535".into());
    }
    let byte_order = order.map(|order| one_of(order, BYTE_ORDERS)).transpose()?;
    let wiring = Wiring { slave_id: Some(slave_id), register, address, kind, byte_order, state_address: None };
    Ok(((*device).to_owned(), wiring))
}

fn one_of<T: Copy>(word: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        format!("`{word}` is not one of {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Placeless, String> {
        parse(text)
    }

    #[test]
    fn a_spreadsheet_says_a_source_in_one_line() {
        let topic = read("mqtt:rtu/qingshi#/data/level scale=0.01 sentinels=-9999,32767").expect("as documented");
        assert!(
            matches!(&topic.way, Way::Topic { topic, pointer: Some(p), .. } if topic == "rtu/qingshi" && p == "/data/level")
        );
        assert!((topic.scaling.scale - 0.01).abs() < 1e-12 && topic.scaling.sentinels == [-9999.0, 32767.0]);
        assert!(
            matches!(read("mqtt:rtu/#").expect("a wildcard").way, Way::Topic { topic, pointer: None, .. } if topic == "rtu/#")
        );
        assert!(matches!(read("key:s000042").expect("as documented").way, Way::Key(key) if key == "s000042"));
        let modbus = read("modbus:plc/1/holding/100/FLOAT32/CDAB state_address=104").expect("as documented");
        assert_eq!(modbus.connector.as_deref(), Some("plc"));
        assert!(matches!(
            modbus.way,
            Way::Register(Wiring {
                slave_id: Some(1),
                address: 100,
                byte_order: Some(ByteOrder::Cdab),
                state_address: Some(104),
                ..
            })
        ));
    }

    #[test]
    fn what_is_no_source_says_why() {
        for text in [
            "",
            "level",
            "mqtt:",
            "key:",
            "opc:x",
            "modbus:plc",
            "modbus:plc/0/holding/1/INT16",
            "modbus:plc/1/holding/65535/FLOAT32",
            "modbus:plc/1/holding/1/float",
            "key:a scale=0",
            "key:a scle=2",
            "mqtt:a state_address=1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
