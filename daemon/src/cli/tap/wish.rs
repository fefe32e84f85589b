//! What the person at the terminal wants to see: which sources are opened for it, and which of their lines are shown.

use std::collections::HashSet;

use watchfire_connectors::config::{ModbusConfig, ModbusField, MqttConfig};
use watchfire_model::id::PointIx;

use crate::config::settings::Settings;

/// A pattern over names of sources, topics and points.
pub(super) struct Wish {
    glob: Option<String>,
    /// Points whose `station/point` matches.
    points: HashSet<PointIx>,
    /// Whether some source's own name matches: then only such sources are meant.
    by_source: bool,
}

impl Wish {
    pub(super) fn new(glob: Option<&str>, settings: &Settings) -> Self {
        let names = point_names(settings);
        let points = (0_u32..)
            .zip(&names)
            .filter(|(_, name)| glob.is_none_or(|glob| matches(glob, name)))
            .map(|(index, _)| PointIx(index))
            .collect();
        let mut sources =
            settings.mqtt.iter().map(|link| &link.name).chain(settings.modbus.iter().map(|link| &link.name));
        let by_source = glob.is_some_and(|glob| sources.any(|name| matches(glob, name.as_str())));
        Self { glob: glob.map(str::to_owned), points, by_source }
    }

    fn names(&self, text: &str) -> bool {
        self.glob.as_deref().is_none_or(|glob| matches(glob, text))
    }

    /// Whether a broker is opened. What topics it will bring is not known beforehand, so it is, unless another source or
    /// other points are meant by their very names.
    pub(super) fn opens_broker(&self, config: &MqttConfig) -> bool {
        if self.by_source {
            return self.names(config.name.as_str());
        }
        let bound = config.bindings.iter().any(|binding| self.points.contains(&binding.point));
        bound || self.points.is_empty()
    }

    /// The fields of a Modbus connection that are read. No device is asked for nothing.
    pub(super) fn fields<'a>(&'a self, config: &'a ModbusConfig) -> impl Iterator<Item = &'a ModbusField> {
        let all = self.names(config.name.as_str());
        config.fields.iter().filter(move |field| all || (!self.by_source && self.points.contains(&field.point)))
    }

    /// Whether everything on a topic is shown.
    pub(super) fn shows_topic(&self, config: &MqttConfig, topic: &str) -> bool {
        self.names(config.name.as_str()) || self.names(topic)
    }

    /// Whether one reading of a message is shown.
    pub(super) fn shows_message(&self, config: &MqttConfig, topic: &str, point: PointIx) -> bool {
        self.points.contains(&point) || self.shows_topic(config, topic)
    }
}

/// `station/point` of every point, in the site's order.
pub(super) fn point_names(settings: &Settings) -> Vec<String> {
    let site = settings.site();
    let station = |point: &watchfire_model::site::Point| {
        site.stations.get(point.station.index()).map_or("?", |station| station.id.as_str())
    };
    site.points.iter().map(|point| format!("{}/{}", station(point), point.id)).collect()
}

/// Whether `text` matches `glob`, in which `*` is any number of letters and `?` is one.
fn matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    // Where the last star stood, and how far it reached.
    let mut star = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[t] => {
                g += 1;
                t += 1;
            }
            Some(_) | None => match star {
                Some((at, reached)) => {
                    star = Some((at, reached + 1));
                    (g, t) = (at + 1, reached + 1);
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (glob, text, expected) in [
            ("*", "", true),
            ("青石/*", "青石/stage", true),
            ("*/stage", "青石/stage", true),
            ("*/st?ge", "青石/stage", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("stage", "stages", false),
            ("", "stage", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} {text}");
        }
    }
}
