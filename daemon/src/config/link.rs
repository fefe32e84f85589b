//! Connectors: broker and Modbus connections. Which points are behind each is found in `bind.rs`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use watchfire_connectors::config::{ByteOrder, Codec, ModbusConfig, MqttConfig, Register, Subscription, TlsConfig};
use watchfire_model::id::{PointIx, SourceName};
use watchfire_model::site::Link;
use watchfire_model::time::Span;

use crate::config::bind::point_ix;
use crate::config::names::{self, Names};
use crate::config::output::{bounded, bytes, is_loopback, secret};
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Node, Shape, Table};
use crate::config::source::{self, BYTE_ORDERS, REGISTERS, Scaling, Source, Way, Wiring};
use crate::config::station::Field;

/// All connections, filled with their points.
pub(crate) struct Links {
    pub(crate) mqtt: Vec<MqttConfig>,
    pub(crate) modbus: Vec<ModbusConfig>,
    pub(crate) mqtt_places: Vec<Broker>,
    pub(crate) devices: Vec<Device>,
    pub(crate) mqtt_names: Names,
    pub(crate) modbus_names: Names,
    /// Where each point's source stands, once it has one.
    pub(crate) bound: HashMap<PointIx, Place>,
}

pub(crate) struct Broker {
    /// Where it stands.
    pub(crate) at: Place,
    /// QoS of subscriptions that a point's source makes necessary.
    pub(crate) qos: u8,
    /// JSON pointer of the time in them.
    pub(crate) time: Option<String>,
    /// Which topic and pointer, or which key, is whose.
    pub(crate) taken: HashMap<String, Place>,
}

pub(crate) struct Device {
    pub(crate) slave_id: u8,
    pub(crate) byte_order: ByteOrder,
    /// Which register is whose.
    pub(crate) taken: HashMap<(u8, Register, u16), Place>,
}

impl Links {
    pub(crate) fn read(connectors: Option<Table<'_>>, cx: &Context<'_>, field: &Field, site: &str) -> Self {
        let mut links = Self {
            mqtt: Vec::new(),
            modbus: Vec::new(),
            mqtt_places: Vec::new(),
            devices: Vec::new(),
            mqtt_names: Names::new("MQTT connector"),
            modbus_names: Names::new("Modbus connector"),
            bound: HashMap::new(),
        };
        if let Some(connectors) = connectors {
            for table in connectors.tables("mqtt", "[[connectors.mqtt]]") {
                links.read_mqtt(table, site);
            }
            for table in connectors.tables("modbus", "[[connectors.modbus]]") {
                links.read_modbus(table, field);
            }
            connectors.finish();
        }
        for ix in 0..field.points.len() {
            links.bind(cx, field, ix);
        }
        links.mqtt.iter_mut().for_each(|link| Arc::make_mut(&mut link.bindings).shrink_to_fit());
        links.modbus.iter_mut().for_each(|link| Arc::make_mut(&mut link.fields).shrink_to_fit());
        for device in &links.modbus {
            if device.fields.is_empty() {
                let at = links.modbus_names.place(device.name.as_str());
                cx.report(Problem::warning(
                    at.unwrap_or(Place { file: 0, start: 0, end: 0 }),
                    format!("Modbus connector \"{}\" reads nothing", device.name),
                ));
            }
        }
        links
    }

    /// Which points are behind each connection, as the rules know it.
    pub(crate) fn known(&self) -> Vec<Link> {
        let link = |source: &SourceName, measures, points: &mut dyn Iterator<Item = PointIx>| {
            let mut points: Vec<PointIx> = points.collect();
            points.sort_unstable();
            points.dedup();
            Link { source: source.clone(), measures, points }
        };
        let brokers = self.mqtt.iter().map(|it| link(&it.name, false, &mut it.bindings.iter().map(|it| it.point)));
        let devices = self.modbus.iter().map(|it| link(&it.name, true, &mut it.fields.iter().map(|it| it.point)));
        brokers.chain(devices).collect()
    }

    fn read_mqtt(&mut self, table: Table<'_>, site: &str) {
        let cx = table.cx;
        let name = table.required("name", "");
        let server = server(&table);
        let username = table.text("username").map(|text| text.value);
        let password = secret(&table, "password", "password_file");
        let client_id = table.text("client_id").map_or_else(|| format!("watchfire-{site}"), |id| id.value);
        let keep_alive = bounded(&table, "keep_alive", Span::seconds(10), Span::seconds(2), Span::minutes(20));
        let max_packet = bytes(&table, "max_packet", 1 << 10, 64 << 20).unwrap_or(256 << 10);
        let qos = table.whole("qos", 0_u8, 1).map_or(1, |qos| qos.value);
        let time = table.text("time").map(|text| text.value);
        let insecure = table.flag("insecure").is_some_and(|flag| flag.value);
        let file = |key| table.text(key).map(|path| cx.path(&path.value));
        let (ca_file, cert_file, key_file) = (file("tls_ca"), file("tls_cert"), file("tls_key"));
        if cert_file.is_some() != key_file.is_some() {
            cx.report(Problem::error(table.key_at("tls_cert"), "`tls_cert` and `tls_key` go together"));
        }
        let mut subscriptions: Vec<Subscription> = Vec::new();
        for node in table.list("topics") {
            if let Some(subscription) = subscription(&node, qos, time.as_ref()) {
                if subscriptions.iter().any(|other| other.filter == subscription.filter) {
                    cx.report(Problem::error(
                        node.at(),
                        format!("the topic \"{}\" is there twice", subscription.filter),
                    ));
                } else {
                    subscriptions.push(subscription);
                }
            }
        }
        table.finish();
        let (Some(name), Some(server)) = (name, server) else { return };
        let tls = server.encrypted.then_some(TlsConfig { ca_file, cert_file, key_file });
        if tls.is_none() && !is_loopback(&server.host) && !insecure {
            let problem = Problem::error(server.at, format!("{} would be spoken to without encryption", server.host));
            cx.report(problem.hint("write ssl://, or insecure = true if the network itself is trusted"));
        }
        if names::plain(cx, &name, "a connector's name") && self.mqtt_names.add(cx, &name, self.mqtt.len()) {
            self.mqtt_places.push(Broker { at: name.at, qos, time, taken: HashMap::new() });
            self.mqtt.push(MqttConfig {
                name: SourceName::from(name.value),
                host: server.host,
                port: server.port.unwrap_or(if server.encrypted { 8883 } else { 1883 }),
                tls,
                client_id,
                username,
                password,
                keep_alive,
                max_packet_bytes: u32::try_from(max_packet).unwrap_or(u32::MAX),
                subscriptions,
                bindings: Arc::default(),
            });
        }
    }

    fn read_modbus(&mut self, table: Table<'_>, field: &Field) {
        let cx = table.cx;
        let name = table.required("name", "");
        let controller = table.required("controller", "tcp://host:502").and_then(|text| address(cx, &text, &["tcp"]));
        let slave_id = table.whole("slave_id", 1_u8, 247).map_or(1, |id| id.value);
        let byte_order = table.word("byte_order", BYTE_ORDERS).map_or_else(ByteOrder::default, |order| order.value);
        let interval = bounded(&table, "interval", Span::seconds(10), Span(50), Span::hours(24));
        let timeout = bounded(&table, "timeout", Span::seconds(1), Span(10), Span::minutes(1));
        let max_gap = table.whole("max_gap", 0_u16, 100).map_or(8, |gap| gap.value);
        let mut pauses = (Duration::ZERO, Duration::ZERO);
        if let Some(around) = table.table("workarounds", "`workarounds`") {
            let pause = |key| bounded(&around, key, Span::ZERO, Span::ZERO, Span::minutes(1));
            pauses = (pause("pause_after_connect"), pause("pause_between_requests"));
            around.finish();
        }
        let mut wired: Vec<(At<String>, At<Source>)> = Vec::new();
        let register = table.word("register", REGISTERS).map(|register| register.value);
        read_fields(&table, None, None, register, &mut wired);
        for request in table.tables("request", "[[connectors.modbus.request]]") {
            let slave = request.whole("slave_id", 1_u8, 247).map(|id| id.value);
            let order = request.word("byte_order", BYTE_ORDERS).map(|order| order.value);
            let register = request.word("register", REGISTERS).map(|register| register.value);
            read_fields(&request, slave, order, register, &mut wired);
            request.finish();
        }
        table.finish();
        let (Some(name), Some(controller)) = (name, controller) else { return };
        if !names::plain(cx, &name, "a connector's name") || !self.modbus_names.add(cx, &name, self.modbus.len()) {
            return;
        }
        if self.mqtt_names.get(&name.value).is_some() {
            cx.report(Problem::error(name.at, format!("an MQTT connector is named \"{}\" too", name.value)));
        }
        let ix = self.modbus.len();
        self.devices.push(Device { slave_id, byte_order, taken: HashMap::new() });
        self.modbus.push(ModbusConfig {
            name: SourceName::from(name.value),
            host: controller.host,
            port: controller.port.unwrap_or(502),
            interval,
            timeout,
            max_gap,
            pause_after_connect: pauses.0,
            pause_between_requests: pauses.1,
            fields: Arc::default(),
        });
        for (point, source) in wired {
            let Some(at) = field.point_names.find(cx, &point) else { continue };
            if let Way::Register(wiring) = &source.value.way {
                self.wire(cx, ix, point_ix(at), wiring, &source.value.scaling, point.at);
            }
        }
    }

    /// Reports connections that bring nothing.
    pub(crate) fn idle(&self, cx: &Context<'_>) {
        for (link, about) in self.mqtt.iter().zip(&self.mqtt_places) {
            if link.subscriptions.is_empty() {
                let problem = Problem::warning(about.at, format!("connector \"{}\" subscribes to nothing", link.name));
                cx.report(
                    problem.hint(
                        "write topics = [{ topic = \"sensors/#\", codec = \"named\" }], or sources at the points",
                    ),
                );
            }
        }
    }
}

fn read_fields(
    table: &Table<'_>,
    slave: Option<u8>,
    order: Option<ByteOrder>,
    register: Option<Register>,
    wired: &mut Vec<(At<String>, At<Source>)>,
) {
    for node in table.list("fields") {
        let Some(entry) = node.table("a field") else { continue };
        let (name, point) = (entry.text("name"), entry.text("point"));
        let wiring = Wiring::of(&entry, register);
        let scaling = Scaling::of(&entry);
        let Some(point) = point.or(name) else {
            entry.missing("point", "the point it becomes: \"station/point\"");
            continue;
        };
        entry.finish();
        if let Some(wiring) = wiring {
            let wiring =
                Wiring { slave_id: wiring.slave_id.or(slave), byte_order: wiring.byte_order.or(order), ..wiring };
            let source = Source { way: Way::Register(wiring), connector: None, scaling };
            wired.push((point, At { value: source, at: node.at() }));
        }
    }
}

/// One entry of `topics`: a topic filter alone, or with how its payloads are read.
fn subscription(node: &Node<'_>, qos: u8, time: Option<&String>) -> Option<Subscription> {
    #[derive(Clone, Copy)]
    enum Reads {
        Scalar,
        Json,
        Named,
    }
    const CODECS: &[(&str, Reads)] = &[("scalar", Reads::Scalar), ("json", Reads::Json), ("named", Reads::Named)];
    let table = match node.shape("a topic") {
        Shape::Text(topic) => {
            source::filter(node.cx, &topic)?;
            return Some(Subscription { filter: topic.value, qos, codec: Codec::Json { time: time.cloned() } });
        }
        Shape::Table(table) => table,
        Shape::Number(_) | Shape::Array(_) | Shape::Flag(_) | Shape::Other => {
            return node.refuse("a topic, or { topic = \"sensors/#\", codec = \"named\" }");
        }
    };
    let topic = table.required("topic", "");
    let qos = table.whole("qos", 0_u8, 1).map_or(qos, |qos| qos.value);
    let codec = table.word("codec", CODECS).map_or(Reads::Json, |codec| codec.value);
    let pointer = |key: &'static str| {
        let text = table.text(key)?;
        if !text.value.starts_with('/') {
            let problem = Problem::error(text.at, format!("\"{}\" is not a JSON pointer", text.value));
            node.cx.report(problem.hint(format!("write \"/{}\"", text.value.replace('.', "/"))));
        }
        Some(text.value)
    };
    let codec = match codec {
        Reads::Scalar => Codec::Scalar,
        Reads::Json => Codec::Json { time: pointer("time").or_else(|| time.cloned()) },
        Reads::Named => Codec::Named {
            id: pointer("id").unwrap_or_else(|| "/id".into()),
            value: pointer("value").unwrap_or_else(|| "/v".into()),
            time: pointer("time").or_else(|| time.cloned()),
            state: pointer("state"),
        },
    };
    table.finish();
    let topic = topic?;
    source::filter(node.cx, &topic)?;
    Some(Subscription { filter: topic.value, qos, codec })
}

struct Server {
    host: String,
    port: Option<u16>,
    encrypted: bool,
    pub(crate) at: Place,
}

fn server(table: &Table<'_>) -> Option<Server> {
    let servers = table.texts("servers");
    match servers.as_slice() {
        [] => {
            table.missing("servers", "servers = [\"tcp://127.0.0.1:1883\"] or [\"ssl://broker.example:8883\"]");
            None
        }
        [one] => address(table.cx, one, &["tcp", "mqtt", "ssl", "tls", "mqtts"]),
        [_, second, ..] => {
            let problem = Problem::error(second.at, "a connector speaks to one broker");
            table.cx.report(problem.hint("write a second [[connectors.mqtt]]"));
            None
        }
    }
}

/// `scheme://host[:port]`.
fn address(cx: &Context<'_>, text: &At<String>, schemes: &[&str]) -> Option<Server> {
    let refuse = |why: &str| {
        let problem = Problem::error(text.at, format!("\"{}\" is not an address: {why}", text.value));
        cx.report(problem.hint(format!("write {}://host:port", schemes.first().copied().unwrap_or_default())));
    };
    let Some((scheme, rest)) = text.value.split_once("://") else {
        refuse("it has no scheme");
        return None;
    };
    if !schemes.contains(&scheme) {
        refuse(&format!("allowed are {}", schemes.join(", ")));
        return None;
    }
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => rest.rsplit_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = match port.map(str::parse::<u16>) {
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => {
            refuse("the port is a number from 1 to 65535");
            return None;
        }
        None => None,
    };
    if host.is_empty() || host.contains(['@', '/', ' ']) {
        refuse("the host is missing or has other things in it");
        return None;
    }
    let encrypted = matches!(scheme, "ssl" | "tls" | "mqtts");
    Some(Server { host: host.to_owned(), port, encrypted, at: text.at })
}
