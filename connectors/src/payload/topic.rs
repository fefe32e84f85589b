//! MQTT topic filters (MQTT 3.1.1, 4.7), and the way from a topic to what is bound on it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A topic filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: Box<str>,
    wild: bool,
}

impl Filter {
    /// The filter as written.
    pub fn new(text: &str) -> Self {
        Self { text: text.into(), wild: text.contains(['+', '#']) }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches more than one topic.
    pub const fn is_wild(&self) -> bool {
        self.wild
    }

    /// Whether `topic` matches. A leading wildcard does not match topics that begin with `$` (4.7.2).
    pub fn matches(&self, topic: &str) -> bool {
        if !self.wild {
            return *self.text == *topic;
        }
        if topic.starts_with('$') && self.text.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        let mut filter = self.text.split('/');
        loop {
            match (filter.next(), levels.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(wanted), Some(level)) if wanted == level => {}
                (Some(_) | None, Some(_) | None) => return false,
            }
        }
    }
}

/// From a topic to everything bound on it: exact topics by hash, filters by trying each.
#[derive(Debug)]
pub(crate) struct Topics<T> {
    exact: FastMap<Box<str>, T>,
    wild: Vec<(Filter, T)>,
}

impl<T: Default> Topics<T> {
    pub(crate) fn new() -> Self {
        Self { exact: FastMap::default(), wild: Vec::new() }
    }

    /// What is bound on exactly this filter, made empty if there is nothing yet.
    pub(crate) fn entry(&mut self, filter: &str) -> &mut T {
        let filter = Filter::new(filter);
        if !filter.is_wild() {
            return self.exact.entry(filter.text).or_default();
        }
        let place = self.wild.iter().position(|(known, _)| *known == filter).unwrap_or_else(|| {
            self.wild.push((filter, T::default()));
            self.wild.len() - 1
        });
        &mut self.wild[place].1
    }

    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut T> {
        self.exact.values_mut().chain(self.wild.iter_mut().map(|(_, bound)| bound))
    }

    pub(crate) fn on<'s>(&'s self, topic: &'s str) -> impl Iterator<Item = &'s T> {
        let wild = self.wild.iter().filter(|(filter, _)| filter.matches(topic)).map(|(_, bound)| bound);
        self.exact.get(topic).into_iter().chain(wild)
    }
}

/// A map whose keys come from the configuration: what comes from outside is only looked up, so the hash need not
/// withstand chosen keys.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHash>>;

/// Multiply and rotate, eight bytes a step.
#[derive(Default)]
pub(crate) struct FastHash(u64);

impl Hasher for FastHash {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last));
    }
    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }
    fn write_u128(&mut self, number: u128) {
        let bytes = number.to_le_bytes();
        let (words, _) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_the_standard_says() {
        for (filter, topic, matches) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("a/+/c", "a/b/c", true),
            ("+/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "a/b/c", true),
            ("a/#", "a", true),
            ("a/#", "ab", false),
            ("#", "$SYS/uptime", false),
            ("+/uptime", "$SYS/uptime", false),
            ("$SYS/#", "$SYS/uptime", true),
        ] {
            assert_eq!(Filter::new(filter).matches(topic), matches, "{filter} {topic}");
        }
    }
}
