//! Which value has reading `n` of a station? A pure function of the seed, so that whoever reads it back can tell a wrong
//! value from a right one, and whoever knows the course knows which warnings it must bring.

/// Readings of one station that a course is made for; beyond it the last level stays.
const LENGTH: usize = 4_000;

/// Random numbers of a seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` up to and with `high`.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

/// The seed of this run: `WATCHFIRE_SEED`, else the time of day. Said at once, so that a failure can be repeated.
///
/// # Panics
/// If what is given is no number.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("WATCHFIRE_SEED").map_or_else(
        |_| u64::try_from(super::stage::now()).expect("this is after 1970"),
        |text| text.parse().unwrap_or_else(|error| panic!("WATCHFIRE_SEED={text}: {error}")),
    );
    println!("WATCHFIRE_SEED={seed}");
    seed
}

/// A value below the lowest threshold, told from every other one of its station by `n`. In hundredths.
pub(crate) fn quiet(seed: u64, station: usize, n: usize) -> f64 {
    let station = u64::try_from(station).expect("few stations");
    let n = u64::try_from(n).expect("few readings");
    hundredths(Dice::new(seed ^ (station << 40) ^ n).between(0, 850))
}

/// A station's way over the thresholds of [`super::oracle::RAISE_AT`]: level after level, each held for one and a half
/// to five seconds at ten readings a second, trembling about its threshold. It comes down to nothing only from blue or
/// yellow, because the end of an orange or a red warning waits for a person.
pub(crate) fn course(seed: u64, station: usize) -> Vec<f64> {
    let mut dice = Dice::new(seed.wrapping_mul(31).wrapping_add(u64::try_from(station).expect("few stations")));
    // The first values of a sensor are not yet trusted to clear anything, so it begins low.
    let mut values: Vec<f64> = (0..dice.between(10, 60)).map(|_| hundredths(dice.between(0, 850))).collect();
    let mut level = 0;
    while values.len() < LENGTH {
        level = match (level, dice.between(0, 4)) {
            (3 | 4, 0) => 1,
            (same, next) if same == next => (same + 1) % 3,
            (_, next) => next,
        };
        for _ in 0..dice.between(15, 50) {
            let (low, high) = if level == 0 { (0, 850) } else { (level * 1_000 - 80, level * 1_000 + 500) };
            values.push(hundredths(dice.between(low, high)));
        }
    }
    values
}

fn hundredths(count: u64) -> f64 {
    f64::from(u32::try_from(count).expect("values are small")) / 100.0
}
