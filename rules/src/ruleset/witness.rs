//! Which points a rule reads are independent witnesses: those that share a gateway, a logger, a power supply or a device
//! that measures may all be wrong for one reason, and count as one (RELIABILITY P20). Two heads on one station are two.

use std::collections::BTreeMap;

use watchfire_model::id::{GatewayId, PointIx, SourceName};
use watchfire_model::site::Site;

/// A witness among those of one subject. With more than can be told apart the last ones count as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Witness(u8);

impl Witness {
    /// As a number.
    pub(crate) const fn place(self) -> u8 {
        self.0
    }

    /// By its number.
    pub(crate) const fn at(place: u8) -> Self {
        Self(place)
    }
}

/// A set of witnesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Witnesses([u64; 4]);

impl Witnesses {
    /// Adds one.
    pub(crate) fn add(&mut self, witness: Witness) {
        let (word, bit) = (usize::from(witness.0) / 64, witness.0 % 64);
        self.0[word] |= 1 << bit;
    }

    /// How many there are.
    pub(crate) fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Each of them.
    pub(crate) fn iter(self) -> impl Iterator<Item = Witness> {
        let has = move |place: &u8| self.0[usize::from(*place) / 64] & (1 << (place % 64)) != 0;
        (0..=u8::MAX).filter(has).map(Witness)
    }
}

/// Something that, when it is wrong, makes all behind it wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Domain {
    Gateway(GatewayId),
    Logger(GatewayId),
    Power(GatewayId),
    Device(SourceName),
}

/// The witness that each of some points is, by a number from 0 on.
pub(super) fn witnesses(site: &Site, points: &[PointIx]) -> Vec<Witness> {
    // Each point begins as its own; what shares a domain, even by a third point, becomes one.
    let mut group: Vec<usize> = (0..points.len()).collect();
    let mut first: BTreeMap<Domain, usize> = BTreeMap::new();
    for (place, point) in points.iter().enumerate() {
        for domain in domains(site, *point) {
            let Some(other) = first.get(&domain).copied() else {
                first.insert(domain, place);
                continue;
            };
            let (from, to) = (group[place], group[other]);
            group.iter_mut().filter(|it| **it == from).for_each(|it| *it = to);
        }
    }
    let mut numbers: BTreeMap<usize, u8> = BTreeMap::new();
    let number = |group: usize| {
        let next = u8::try_from(numbers.len()).unwrap_or(u8::MAX);
        Witness(*numbers.entry(group).or_insert(next))
    };
    group.into_iter().map(number).collect()
}

/// How many independent witnesses some points are.
pub(crate) fn independent(site: &Site, points: &[PointIx]) -> u32 {
    let mut set = Witnesses::default();
    witnesses(site, points).into_iter().for_each(|witness| set.add(witness));
    set.count()
}

/// What a point shares with others. A broker only carries what others have measured, and is none.
fn domains(site: &Site, point: PointIx) -> Vec<Domain> {
    let mut domains = Vec::new();
    if let Some(station) = site.station_of(point) {
        domains.extend(station.gateway.clone().map(Domain::Gateway));
        domains.extend(station.logger.clone().map(Domain::Logger));
        domains.extend(station.power.clone().map(Domain::Power));
    }
    let devices = site.links.iter().filter(|link| link.measures && link.points.contains(&point));
    domains.extend(devices.map(|link| Domain::Device(link.source.clone())));
    domains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_as_many_as_can_be_told_apart() {
        let mut set = Witnesses::default();
        for place in [0, 63, 64, 255, 255] {
            set.add(Witness::at(place));
        }
        assert_eq!(set.count(), 4);
        assert_eq!(set.iter().map(Witness::place).collect::<Vec<_>>(), [0, 63, 64, 255]);
    }
}
