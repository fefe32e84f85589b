//! Passwords: argon2id, off the async threads and only so many at a time, so that neither memory nor the machines' time
//! can be taken by whoever tries a lot of them.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::entropy::{self, NoEntropy};

/// 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet, argon2id).
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
/// Beyond these a file is not ours: nobody may make us spend a gigabyte by writing one.
const MEMORY_KIB_MAX: u32 = 256 * 1_024;
const PASSES_MAX: u32 = 16;
/// Hashed at a time; each takes its memory and one core.
const AT_ONCE: usize = 2;
/// Waiting for that; the next one is told to come again.
const WAITING: usize = 32;
/// Longest wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// Fewest characters of a new password, and most bytes of any.
pub const SHORTEST: usize = 10;
/// Most bytes of a password.
pub const LONGEST: usize = 256;

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    salt: Vec<u8>,
    hash: [u8; 32],
}

impl PasswordHash {
    fn of(password: &str, room: &mut Room) -> Result<Self, Failed> {
        let salt = entropy::secret()?[..16].to_vec();
        let mut hash = Self { memory_kib: MEMORY_KIB, passes: PASSES, salt, hash: [0; 32] };
        hash.hash = hash.compute(password, room)?;
        Ok(hash)
    }

    /// For who has no account or no password: as slow as any other, and never right.
    fn nobodys() -> Self {
        Self { memory_kib: MEMORY_KIB, passes: PASSES, salt: vec![0; 16], hash: [0; 32] }
    }

    fn compute(&self, password: &str, room: &mut Room) -> Result<[u8; 32], Failed> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|_| Failed::Foreign)?;
        let mut out = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        room.resize(argon2.params().block_count(), Block::new());
        let done =
            argon2.hash_password_into_with_memory(password.as_bytes(), &self.salt, &mut out, room.as_mut_slice());
        done.map_err(|_| Failed::Foreign)?;
        Ok(out)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(password hash)")
    }
}

/// As the PHC string format has it, which other programs read too.
impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(self.hash));
        write!(f, "$argon2id$v=19$m={},t={},p=1${salt}${hash}", self.memory_kib, self.passes)
    }
}

impl FromStr for PasswordHash {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let rest = text.strip_prefix("$argon2id$v=19$m=")?;
            let (memory, rest) = rest.split_once(",t=")?;
            let (passes, rest) = rest.split_once(",p=1$")?;
            let (salt, hash) = rest.split_once('$')?;
            let (memory_kib, passes) = (memory.parse().ok()?, passes.parse().ok()?);
            let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len()))?;
            let hash = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
            (memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX).then_some(Self { memory_kib, passes, salt, hash })
        };
        read().ok_or_else(|| "its password hash is not one of this program's".to_owned())
    }
}

/// Why there is no answer about a password.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Too many are asking.
    #[error("too many passwords are being looked at; try again in a moment")]
    Busy,
    /// The kept hash is not ours.
    #[error("the kept password cannot be used; an admin must set a new one")]
    Foreign,
    /// The system gives no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// What one hash works in. Kept for the next one: an allocator keeps what it is given back, once for each thread.
type Room = Vec<Block>;

/// Where passwords are hashed and looked at.
pub struct Passwords {
    at_once: Semaphore,
    waiting: Semaphore,
    /// At most [`AT_ONCE`] of them.
    rooms: Arc<Mutex<Vec<Room>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { at_once: Semaphore::new(AT_ONCE), waiting: Semaphore::new(WAITING), rooms: Arc::default() }
    }
}

impl Passwords {
    /// What to keep of a new password.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, Failed> {
        self.in_turn(move |room| PasswordHash::of(&password, room)).await
    }

    /// Whether a password is the one kept; takes as long where there is none.
    pub async fn fits(&self, password: String, kept: Option<PasswordHash>) -> Result<bool, Failed> {
        let look = move |room: &mut Room| {
            let against = kept.clone().unwrap_or_else(PasswordHash::nobodys);
            let same: bool = against.compute(&password, room)?.ct_eq(&against.hash).into();
            Ok(same && kept.is_some())
        };
        self.in_turn(look).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Room) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        let _waits = self.waiting.try_acquire().map_err(|_| Failed::Busy)?;
        let turn = timeout(PATIENCE, self.at_once.acquire()).await;
        let _turn = turn.map_err(|_| Failed::Busy)?.map_err(|_| Failed::Busy)?;
        let rooms = Arc::clone(&self.rooms);
        let in_room = move || {
            let mut room = rooms.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let done = work(&mut room);
            let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
            // One whose asker has given up may still have been at work beside two others.
            if rooms.len() < AT_ONCE {
                rooms.push(room);
            }
            drop(rooms);
            done
        };
        // An error: the work has panicked, or the runtime is going down.
        tokio::task::spawn_blocking(in_room).await.map_err(|_| Failed::Busy)?
    }
}

/// What is wrong with a new password, in words.
pub fn fault(password: &str, name: &str) -> Option<String> {
    if password.chars().count() < SHORTEST {
        return Some(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return Some(format!("a password has at most {LONGEST} bytes"));
    }
    let plain = password.to_lowercase();
    let first = plain.chars().next();
    let same = first.is_some_and(|first| plain.chars().all(|c| c == first));
    let of_name = name.chars().count() > 3 && plain.contains(&name.to_lowercase());
    let common = ["password", "1234567890", "qwertyuiop", "watchfire"].iter().any(|word| plain.contains(word));
    (same || of_name || common).then(|| "that password is among the first to be tried; take another".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_and_no_other() {
        let passwords = Passwords::default();
        let kept = passwords.hash("河水涨到五十四米".to_owned()).await.expect("hashed");
        let again: PasswordHash = kept.to_string().parse().expect("read as it was written");
        assert_eq!(again, kept);
        let fits = async |password: &str, kept| passwords.fits(password.to_owned(), kept).await.expect("looked at");
        assert!(fits("河水涨到五十四米", Some(kept.clone())).await);
        assert!(!fits("河水涨到五十三米", Some(kept.clone())).await);
        assert!(!fits("河水涨到五十四米", None).await, "nobody's password is never right");
        let other = passwords.hash("河水涨到五十四米".to_owned()).await.expect("hashed");
        assert_ne!(other, kept, "the same password twice has two salts");
    }

    #[test]
    fn a_hash_that_is_not_ours_is_refused() {
        for text in
            ["", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$aGFzaA"]
        {
            assert!(text.parse::<PasswordHash>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_poor_password_is_told_so() {
        for (password, poor) in [
            ("short", true),
            ("aaaaaaaaaaaa", true),
            ("Password-2026", true),
            ("zhangsan-2026", true),
            ("河水涨到五十四米呀", true),
            ("河水涨到五十四米了没有", false),
            ("tide-lantern-96", false),
            (&"x".repeat(300), true),
        ] {
            assert_eq!(fault(password, "zhangsan").is_some(), poor, "{password}");
        }
    }
}
