//! Which point comes by which connection, and where in its messages.

use std::sync::Arc;

use watchfire_connectors::config::{Codec, ModbusField, MqttBinding, MqttConfig, Subscription};
use watchfire_model::id::PointIx;

use crate::config::link::Links;
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context};
use crate::config::source::{Scaling, Source, Way, Wiring};
use crate::config::station::Field;

impl Links {
    /// Binds a point to what its `source` says, or to the payloads that name their own point.
    pub(crate) fn bind(&mut self, cx: &Context<'_>, field: &Field, at: usize) {
        let point = point_ix(at);
        let place = field.places.get(at).copied().unwrap_or(Place { file: 0, start: 0, end: 0 });
        match field.sources.get(at).and_then(Option::as_ref) {
            Some(source) => match &source.value.way {
                Way::Topic { topic, pointer, time, state } => {
                    let Some(broker) = self.broker(cx, source, |link| covers_any(link, topic)) else { return };
                    self.subscribe(cx, broker, source, topic, pointer.is_some(), time.as_ref());
                    let what = format!("{topic} {}", pointer.as_deref().unwrap_or_default());
                    self.take(cx, broker, &what, source.at);
                    self.bind_mqtt(cx, broker, point, source.at, &source.value.scaling, |binding| {
                        binding.topic = Some(topic.as_str().into());
                        binding.pointer = pointer.as_deref().map(Into::into);
                        binding.state_pointer = state.as_deref().map(Into::into);
                    });
                }
                Way::Key(key) => {
                    let Some(broker) = self.broker(cx, source, names_points) else { return };
                    self.take(cx, broker, key, source.at);
                    self.bind_mqtt(cx, broker, point, source.at, &source.value.scaling, |binding| {
                        binding.key = Some(key.as_str().into());
                    });
                }
                Way::Register(wiring) => {
                    let Some(name) = &source.value.connector else { return };
                    let Some(device) = self.modbus_names.find(cx, name) else { return };
                    self.wire(cx, device, point, wiring, &source.value.scaling, source.at);
                }
            },
            None if self.bound.contains_key(&point) => {}
            None => self.bind_by_name(cx, field, at, place),
        }
    }

    /// A point without a source is named by payloads as "station/point", or by its station where that has no other.
    fn bind_by_name(&mut self, cx: &Context<'_>, field: &Field, at: usize, place: Place) {
        let naming: Vec<usize> =
            (0..self.mqtt.len()).filter(|ix| self.mqtt.get(*ix).is_some_and(names_points)).collect();
        let Some(point) = field.points.get(at) else { return };
        let Some(station) = field.stations.get(point.station.index()) else { return };
        match naming.as_slice() {
            [] if self.mqtt.is_empty() && self.modbus.is_empty() => {}
            [] => {
                let message = format!("nothing will be heard of \"{}/{}\"", station.id, point.id);
                cx.report(Problem::warning(place, message).label("it has no source").hint(
                    "write a `source`, name it in a connector's `fields`, or subscribe to a topic with codec = \"named\"",
                ));
            }
            [broker] => {
                let mut keys = vec![format!("{}/{}", station.id, point.id)];
                if station.points.len() == 1 {
                    keys.push(station.id.to_string());
                }
                for key in keys {
                    self.take(cx, *broker, &key, place);
                    self.bind_mqtt(cx, *broker, point_ix(at), place, &Scaling::default(), |binding| {
                        binding.key = Some(key.into());
                    });
                }
            }
            [_, _, ..] => {
                let message = format!("it is not clear which connector \"{}/{}\" comes by", station.id, point.id);
                let problem = Problem::error(place, message);
                cx.report(problem.hint("write source = { key = \"…\", connector = \"…\" }"));
            }
        }
    }

    /// The broker meant: the one named, the only one, or the only one that fits.
    fn broker(&self, cx: &Context<'_>, source: &At<Source>, fits: impl Fn(&MqttConfig) -> bool) -> Option<usize> {
        if let Some(name) = &source.value.connector {
            return self.mqtt_names.find(cx, name);
        }
        let fitting: Vec<usize> = (0..self.mqtt.len()).filter(|ix| self.mqtt.get(*ix).is_some_and(&fits)).collect();
        match (fitting.as_slice(), self.mqtt.len()) {
            ([one], _) => Some(*one),
            (_, 1) => Some(0),
            (_, 0) => {
                let problem = Problem::error(source.at, "there is no [[connectors.mqtt]] that could bring this");
                cx.report(problem);
                None
            }
            (_, _) => {
                let problem = Problem::error(source.at, "several connectors could bring this");
                cx.report(problem.hint("write connector = \"…\""));
                None
            }
        }
    }

    /// Sees to it that the topic is subscribed to and read in the way the point needs.
    fn subscribe(
        &mut self,
        cx: &Context<'_>,
        broker: usize,
        source: &At<Source>,
        topic: &str,
        json: bool,
        time: Option<&String>,
    ) {
        let (Some(link), Some(about)) = (self.mqtt.get_mut(broker), self.mqtt_places.get(broker)) else { return };
        let covering = link.subscriptions.iter().find(|subscription| covers(&subscription.filter, topic));
        let Some(subscription) = covering else {
            let codec = if json { Codec::Json { time: time.or(about.time.as_ref()).cloned() } } else { Codec::Scalar };
            link.subscriptions.push(Subscription { filter: topic.to_owned(), qos: about.qos, codec });
            return;
        };
        let problem = match (&subscription.codec, json) {
            (Codec::Json { time: other }, true) => {
                (time.is_some() && time != other.as_ref()).then_some("the topic's time has another pointer")
            }
            (Codec::Scalar, false) => None,
            (Codec::Json { .. }, false) => Some("the topic's payloads are JSON: a `pointer` is needed"),
            (Codec::Scalar, true) => Some("the topic's payloads are one number each: no `pointer` is needed"),
            (Codec::Named { .. }, _) => {
                Some("the topic's payloads name their own point: write `key` in the place of `mqtt`")
            }
        };
        if let Some(problem) = problem {
            let label = format!("by the topic filter \"{}\"", subscription.filter);
            cx.report(Problem::error(source.at, problem).label(label));
        }
    }

    /// Notes what a point takes from a broker; the same twice is a mistake.
    fn take(&mut self, cx: &Context<'_>, broker: usize, what: &str, at: Place) {
        let Some(broker) = self.mqtt_places.get_mut(broker) else { return };
        if let Some(first) = broker.taken.get(what) {
            let problem = Problem::error(at, format!("two points take \"{}\"", what.trim()));
            cx.report(problem.label(format!("the first is at {}", cx.origin(*first))));
            return;
        }
        broker.taken.insert(what.to_owned(), at);
    }

    fn bind_mqtt(
        &mut self,
        cx: &Context<'_>,
        broker: usize,
        point: PointIx,
        at: Place,
        scaling: &Scaling,
        fill: impl FnOnce(&mut MqttBinding),
    ) {
        self.once(cx, point, at);
        let mut binding = MqttBinding {
            point,
            topic: None,
            pointer: None,
            state_pointer: None,
            key: None,
            scale: scaling.scale,
            offset: scaling.offset,
            sentinels: scaling.sentinels.clone(),
        };
        fill(&mut binding);
        if let Some(link) = self.mqtt.get_mut(broker) {
            Arc::make_mut(&mut link.bindings).push(binding);
        }
    }

    pub(crate) fn wire(
        &mut self,
        cx: &Context<'_>,
        device: usize,
        point: PointIx,
        wiring: &Wiring,
        scaling: &Scaling,
        at: Place,
    ) {
        self.once(cx, point, at);
        let (Some(link), Some(about)) = (self.modbus.get_mut(device), self.devices.get_mut(device)) else { return };
        let slave_id = wiring.slave_id.unwrap_or(about.slave_id);
        let register = (slave_id, wiring.register, wiring.address);
        if let Some(first) = about.taken.insert(register, at) {
            let problem = Problem::warning(
                at,
                format!("register {} of device {slave_id} is read for two points", wiring.address),
            );
            cx.report(problem.label(format!("the first is at {}", cx.origin(first))));
        }
        Arc::make_mut(&mut link.fields).push(ModbusField {
            point,
            slave_id,
            register: wiring.register,
            address: wiring.address,
            kind: wiring.kind,
            byte_order: wiring.byte_order.unwrap_or(about.byte_order),
            scale: scaling.scale,
            offset: scaling.offset,
            sentinels: scaling.sentinels.clone(),
            state_address: wiring.state_address,
        });
    }

    /// A point comes by one way only.
    fn once(&mut self, cx: &Context<'_>, point: PointIx, at: Place) {
        if let Some(first) = self.bound.insert(point, at).filter(|first| *first != at) {
            let problem = Problem::error(at, "this point has two sources");
            cx.report(problem.label(format!("the first is at {}", cx.origin(first))));
        }
    }
}

pub(crate) fn point_ix(at: usize) -> PointIx {
    PointIx(u32::try_from(at).unwrap_or(u32::MAX))
}

fn names_points(link: &MqttConfig) -> bool {
    link.subscriptions.iter().any(|subscription| matches!(subscription.codec, Codec::Named { .. }))
}

fn covers_any(link: &MqttConfig, topic: &str) -> bool {
    link.subscriptions.iter().any(|subscription| covers(&subscription.filter, topic))
}

/// Whether a filter brings all that a topic (or a narrower filter) does (MQTT 3.1.1, 4.7).
fn covers(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['#', '+']) {
        return false;
    }
    let mut topic = topic.split('/');
    for level in filter.split('/') {
        if level == "#" {
            return true;
        }
        match topic.next() {
            Some("#") | None => return false,
            Some(here) if level == "+" || level == here => {}
            Some(_) => return false,
        }
    }
    topic.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_filter_covers_what_it_would_bring() {
        for (filter, topic, does) in [
            ("rtu/#", "rtu/a/b", true),
            ("rtu/#", "rtu", true),
            ("rtu/+", "rtu/a", true),
            ("rtu/+", "rtu/+", true),
            ("rtu/+", "rtu/a/b", false),
            ("rtu/a", "rtu/+", false),
            ("rtu/+", "rtu/#", false),
            ("#", "a/b", true),
            ("#", "$SYS/x", false),
        ] {
            assert_eq!(covers(filter, topic), does, "{filter} {topic}");
        }
    }
}
