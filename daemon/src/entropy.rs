//! The only place that asks for randomness: jitter of retries, ids of commands made on a command line, and secrets.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that two runs do not share. Not for secrets.
#[derive(Clone)]
pub struct Entropy(Arc<Kind>);

enum Kind {
    /// The system's: each `RandomState` is keyed afresh by the standard library.
    System { keys: RandomState, drawn: AtomicU64 },
    /// A test's: the same seed gives the same numbers.
    Seeded { state: AtomicU64 },
}

impl Entropy {
    /// The system's.
    pub fn system() -> Self {
        Self(Arc::new(Kind::System { keys: RandomState::new(), drawn: AtomicU64::new(0) }))
    }

    /// The same for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Kind::Seeded { state: AtomicU64::new(seed) }))
    }

    /// 64 bits.
    pub fn bits(&self) -> u64 {
        match &*self.0 {
            Kind::System { keys, drawn } => {
                let mut hasher = keys.build_hasher();
                hasher.write_u64(drawn.fetch_add(1, Ordering::Relaxed));
                hasher.finish()
            }
            Kind::Seeded { state } => {
                // SplitMix64 (Steele, Lea, Flood 2014).
                let mut z =
                    state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^ (z >> 31)
            }
        }
    }

    /// A fraction in [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn fraction(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The fraction as a function to hand to those who only need jitter.
    pub fn jitter(&self) -> Arc<dyn Fn() -> f64 + Send + Sync> {
        let entropy = self.clone();
        Arc::new(move || entropy.fraction())
    }
}

/// The system gives no randomness; no secret can be made.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no randomness for a secret")]
pub struct NoEntropy;

/// 256 bits that nobody can guess, from the system by way of the TLS library.
pub fn secret() -> Result<[u8; 32], NoEntropy> {
    let mut bytes = [0; 32];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).map_err(|_| NoEntropy)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_fractions_and_seeds_repeat() {
        for entropy in [Entropy::system(), Entropy::seeded(7)] {
            assert!((0..1_000).all(|_| (0.0..1.0).contains(&entropy.fraction())));
        }
        let draw = |seed| {
            let e = Entropy::seeded(seed);
            [e.bits(), e.bits()]
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
