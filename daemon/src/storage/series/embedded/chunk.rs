//! Some hundred samples of one point as a few hundred bytes. Times as differences of differences; values as whole
//! numbers of their last decimal where that is exact to the bit, else as what changed in their bits (the XOR coding of
//! Gorilla, Pelkonen et al. 2015, §4.1.2). What is read is what was written, bit for bit, or nothing.
//!
//! ```text
//! format 1 | count | times | marks as (mark, run) | 0..=9 decimals, or 255 | values, where there are any
//! ```
//! Numbers are LEB128; signed ones zigzag. In a row of differences a 0 is followed by how many more of it there are.

use super::samples::Samples;

const FORMAT: u8 = 1;
const XOR: u8 = 255;
const MAX_DECIMALS: usize = 9;
/// More were never written in one chunk; so a damaged count can't ask for all memory.
const MAX_SAMPLES: u64 = 1 << 20;
const POWERS: [f64; MAX_DECIMALS + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Up to here every whole number is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Packs samples.
pub(super) fn encode(samples: &Samples) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + samples.len() * 2);
    out.push(FORMAT);
    put(&mut out, u64::try_from(samples.len()).unwrap_or(u64::MAX));
    let mut differences = Differences::new(&mut out);
    let (mut before, mut step) = (0_i64, 0_i64);
    for time in &samples.times {
        let this = time.wrapping_sub(before);
        differences.put(this.wrapping_sub(step));
        (before, step) = (*time, this);
    }
    differences.end();
    let mut marks = samples.marks.as_slice();
    while let Some(mark) = marks.first() {
        let run = marks.iter().take_while(|other| *other == mark).count();
        out.push(*mark);
        put(&mut out, u64::try_from(run).unwrap_or(u64::MAX));
        marks = &marks[run..];
    }
    let values = || (0..samples.len()).filter(|at| samples.has_value(*at)).map(|at| samples.values[at]);
    if let Some((decimals, code)) = decimals_of(values) {
        out.push(code);
        let mut differences = Differences::new(&mut out);
        let mut before = 0;
        for value in values() {
            let this = whole(value, decimals);
            differences.put(this.wrapping_sub(before));
            before = this;
        }
        differences.end();
    } else {
        out.push(XOR);
        let mut bits = BitWriter::default();
        values().for_each(|value| bits.put_value(value.to_bits()));
        out.extend_from_slice(&bits.bytes);
    }
    out
}

/// Unpacks samples; none if the bytes are not what [`encode`] made.
pub(super) fn decode(bytes: &[u8]) -> Option<Samples> {
    let mut from = Bytes(bytes);
    if from.byte()? != FORMAT {
        return None;
    }
    let count = usize::try_from(from.number().filter(|count| *count <= MAX_SAMPLES)?).ok()?;
    let mut samples = Samples { times: Vec::with_capacity(count), values: Vec::new(), marks: Vec::new() };
    let (mut time, mut step, mut zeroes) = (0_i64, 0_i64, 0);
    for _ in 0..count {
        step = step.wrapping_add(from.difference(&mut zeroes)?);
        time = time.wrapping_add(step);
        samples.times.push(time);
    }
    samples.marks.reserve_exact(count);
    while samples.marks.len() < count {
        let (mark, run) = (from.byte()?, usize::try_from(from.number()?).ok()?);
        if run == 0 || run > count - samples.marks.len() {
            return None;
        }
        samples.marks.resize(samples.marks.len() + run, mark);
    }
    samples.values.reserve_exact(count);
    let code = from.byte()?;
    if code == XOR {
        let mut bits = BitReader::new(from.0);
        for at in 0..count {
            let value = if samples.has_value(at) { f64::from_bits(bits.value()?) } else { 0.0 };
            samples.values.push(value);
        }
    } else {
        let power = *POWERS.get(usize::from(code))?;
        let (mut this, mut zeroes) = (0_i64, 0);
        for at in 0..count {
            let value = if samples.has_value(at) {
                this = this.wrapping_add(from.difference(&mut zeroes)?);
                double(this) / power
            } else {
                0.0
            };
            samples.values.push(value);
        }
    }
    Some(samples)
}

/// The fewest decimals with which every value is a whole number of the last one, exactly; as a power and as its code.
fn decimals_of<I: Iterator<Item = f64>>(values: impl Fn() -> I) -> Option<(f64, u8)> {
    let mut decimals = 0;
    for value in values() {
        while !is_exact(value, POWERS[decimals]) {
            decimals += 1;
            if decimals > MAX_DECIMALS {
                return None;
            }
        }
    }
    let power = POWERS[decimals];
    values().all(|value| is_exact(value, power)).then_some((power, u8::try_from(decimals).ok()?))
}

fn is_exact(value: f64, power: f64) -> bool {
    (value * power).abs() < EXACT && (double(whole(value, power)) / power).to_bits() == value.to_bits()
}

#[expect(clippy::cast_possible_truncation, reason = "beyond the range the nearest end is taken, and is_exact says no")]
fn whole(value: f64, power: f64) -> i64 {
    (value * power).round_ties_even() as i64
}

#[expect(clippy::cast_precision_loss, reason = "below 2^53 it is exact; beyond, is_exact says no")]
fn double(whole: i64) -> f64 {
    whole as f64
}

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a number of either sign; small ones either side of 0 are short.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

/// Bytes taken from the front, never past the end.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift > 63 || (shift == 63 && part > 1) {
                return None;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next of a row of differences; `zeroes` are those still to come of a run.
    fn difference(&mut self, zeroes: &mut u64) -> Option<i64> {
        if *zeroes > 0 {
            *zeroes -= 1;
            return Some(0);
        }
        let difference = self.signed()?;
        if difference == 0 {
            *zeroes = self.number()?;
        }
        Some(difference)
    }
}

/// Writes a row of differences.
struct Differences<'a> {
    out: &'a mut Vec<u8>,
    zeroes: u64,
}

impl<'a> Differences<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, zeroes: 0 }
    }
    fn put(&mut self, difference: i64) {
        if difference == 0 {
            self.zeroes += 1;
        } else {
            self.end();
            put_signed(self.out, difference);
        }
    }
    fn end(&mut self) {
        if let Some(more) = self.zeroes.checked_sub(1) {
            put_signed(self.out, 0);
            put(self.out, more);
            self.zeroes = 0;
        }
    }
}

/// The XOR coding: a 0 for the same bits again; else a 1, then a 0 and the bits that lie within the last window, or a 1,
/// the window (6 bits of leading zeroes, 6 bits of length less one), and the bits in it.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    filled: u32,
    before: u64,
    window: Option<(u32, u32)>,
}

impl BitWriter {
    fn put_value(&mut self, value: u64) {
        let changed = value ^ self.before;
        self.before = value;
        if changed == 0 {
            self.put(0, 1);
            return;
        }
        let (leading, trailing) = (changed.leading_zeros(), changed.trailing_zeros());
        match self.window {
            Some((lead, trail)) if leading >= lead && trailing >= trail => {
                self.put(0b10, 2);
                self.put(changed >> trail, 64 - lead - trail);
            }
            Some(_) | None => {
                let length = 64 - leading - trailing;
                self.put(0b11, 2);
                self.put(u64::from(leading), 6);
                self.put(u64::from(length - 1), 6);
                self.put(changed >> trailing, length);
                self.window = Some((leading, trailing));
            }
        }
    }

    /// The lowest `count` bits, the highest of them first.
    fn put(&mut self, bits: u64, mut count: u32) {
        while count > 0 {
            let free = 8 - self.filled % 8;
            if free == 8 {
                self.bytes.push(0);
            }
            let now = free.min(count);
            count -= now;
            let part = (bits >> count).to_le_bytes()[0] & (0xff >> (8 - now));
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << (free - now);
            }
            self.filled += now;
        }
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    taken: usize,
    before: u64,
    window: Option<(u32, u32)>,
}

impl<'a> BitReader<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, taken: 0, before: 0, window: None }
    }

    fn value(&mut self) -> Option<u64> {
        if self.take(1)? == 1 {
            if self.take(1)? == 1 {
                let (lead, length) = (u32::try_from(self.take(6)?).ok()?, u32::try_from(self.take(6)?).ok()? + 1);
                self.window = Some((lead, 64_u32.checked_sub(lead)?.checked_sub(length)?));
            }
            let (lead, trail) = self.window?;
            self.before ^= self.take(64 - lead - trail)? << trail;
        }
        Some(self.before)
    }

    fn take(&mut self, mut count: u32) -> Option<u64> {
        let mut bits = 0;
        while count > 0 {
            let byte = *self.bytes.get(self.taken / 8)?;
            let left = 8 - u32::try_from(self.taken % 8).ok()?;
            let now = left.min(count);
            let part = byte >> (left - now) & (0xff >> (8 - now));
            bits = bits << now | u64::from(part);
            count -= now;
            self.taken += usize::try_from(now).ok()?;
        }
        Some(bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use watchfire_model::quality::Flag;
    use watchfire_model::time::Timestamp;

    use super::super::samples::Sample;
    use super::*;

    fn bits(samples: &Samples) -> Vec<(i64, u64, u8)> {
        (0..samples.len()).map(|at| (samples.times[at], samples.values[at].to_bits(), samples.marks[at])).collect()
    }

    fn any_value() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![
            4 => (-1_000_000..1_000_000_i32, 0..5_usize).prop_map(|(n, d)| Some(f64::from(n) / POWERS[d])),
            2 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Some),
            1 => prop::sample::select(vec![0.0, -0.0, 1e-308, f64::MAX, f64::MIN, EXACT, 0.1 + 0.2]).prop_map(Some),
            1 => Just(None),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_unpacks_to_the_bit(
            steps in prop::collection::vec((prop_oneof![Just(60_000_i64), 0..100_000_i64, any::<i64>()], any_value()), 0..300),
            decimal in any::<bool>(),
        ) {
            let flags = [Flag::Good, Flag::NotEvaluated, Flag::Suspect, Flag::Fail, Flag::Missing];
            let mut time = 1_700_000_000_000_i64;
            let samples: Samples = steps.iter().enumerate().map(|(n, (step, value))| {
                time = time.wrapping_add(*step);
                let value = value.map(|v| if decimal { (v.clamp(-1e6, 1e6) * 100.0).round() / 100.0 } else { v });
                Sample { at: Timestamp(time), value, flag: flags[n / 7 % 5] }
            }).collect();
            let packed = encode(&samples);
            prop_assert_eq!(decode(&packed).map(|s| bits(&s)), Some(bits(&samples)));
        }

        #[test]
        fn damaged_bytes_unpack_to_nothing_or_something_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_river_s_level_takes_less_than_two_bytes_a_sample() {
        let mut level = 4_512_i32;
        let samples: Samples = (0..720)
            .map(|n| {
                level += [0, 1, 0, -1, 2, 0, 0, -2, 3][n % 9] + i32::from(n % 50 == 0) * 40;
                let at = Timestamp(1_700_000_000_000 + i64::try_from(n).expect("small") * 300_000);
                Sample { at, value: Some(f64::from(level) / 1_000.0), flag: Flag::Good }
            })
            .collect();
        let bytes = encode(&samples).len();
        assert!(bytes < 720 * 2, "{bytes} bytes");
    }
}
