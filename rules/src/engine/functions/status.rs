//! Status words: numbers whose bits are what a device says of itself.

use super::written::number;
use super::{Example, Function, Gives, Of, Outcome, Trouble, Work};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "bit",
        of: Of::Nothing,
        arguments: &[number("word", "status word"), number("n", "from 0")],
        gives: "true or false",
        does: "whether bit n of a status word is set, the lowest being 0",
        source: "SL 651-2014 status and alarm word: 1 battery low, 6 level gauge fault, 7 box open (DOMAIN §8.4)",
        example: Example {
            hears: &[("status", "5m", "66")],
            measure: "if bit(status, 6) { 1 } else { 0 }",
            gives: Gives::Number(1.0),
        },
        work: Work::Whether(bit),
    },
    Function {
        name: "bits",
        of: Of::Nothing,
        arguments: &[number("word", "status word"), number("low", "from 0"), number("count", "bits")],
        gives: "whole number",
        does: "the number that `count` bits from bit `low` on make",
        source: "Modbus status registers, several states in one word (DOMAIN §8.1)",
        example: Example {
            hears: &[("status", "5m", "180")],
            measure: "bits(status, 4, 3)",
            gives: Gives::Number(3.0),
        },
        work: Work::Three(bits),
    },
];

/// 2^53: above this a double holds no single bits.
const MOST: f64 = 9_007_199_254_740_992.0;

fn whole(word: f64) -> Outcome {
    if (0.0..MOST).contains(&word) && word.fract() == 0.0 {
        Ok(word)
    } else {
        Err(Trouble::Wrong("a status word is a whole number that is not negative"))
    }
}

fn place(n: f64) -> Outcome {
    if (0.0..=52.0).contains(&n) && n.fract() == 0.0 {
        Ok(n)
    } else {
        Err(Trouble::Wrong("bits are counted from 0 to 52"))
    }
}

/// Whether bit `n` of `word` is set.
fn bit(word: f64, n: f64) -> Result<bool, Trouble> {
    Ok(bits(word, n, 1.0)? == 1.0)
}

/// The number that `count` bits of `word` make from bit `low` on.
fn bits(word: f64, low: f64, count: f64) -> Outcome {
    // Powers of two only move the point: all of this is exact.
    let shifted = (whole(word)? / place(low)?.exp2()).floor();
    Ok(shifted % place(count)?.exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_taken_apart() {
        assert_eq!(bits(f64::from(0b1011_0100), 4.0, 4.0), Ok(11.0));
        assert_eq!((bit(66.0, 1.0), bit(66.0, 2.0), bit(66.0, 6.0)), (Ok(true), Ok(false), Ok(true)));
        assert_eq!(bits(MOST - 1.0, 0.0, 52.0), Ok((MOST - 1.0) / 2.0 - 0.5));
        for (word, n) in [(-1.0, 0.0), (1.5, 0.0), (MOST, 0.0), (1.0, -1.0), (1.0, 0.5), (1.0, 53.0)] {
            assert!(bit(word, n).is_err(), "{word} {n}");
        }
    }
}
