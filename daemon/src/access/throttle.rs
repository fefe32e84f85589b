//! How long must whoever failed to sign in wait? Each failure beyond the first few doubles the wait, by address and by
//! account. An address from which somebody has signed in to an account before is not held up by what others try on it:
//! nobody can lock the officer out from elsewhere. Bounded: when a table is full, its oldest line goes.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

use watchfire_model::id::PersonId;
use watchfire_model::time::{Span, Steady};

/// Failures that cost nothing, and the longest wait after more.
const BY_ACCOUNT: Rule = Rule { free: 5, longest: Span::minutes(5) };
const BY_ADDRESS: Rule = Rule { free: 10, longest: Span::minutes(1) };
/// Lines in each table.
const LINES_MAX: usize = 4_096;
/// Failures older than this are forgotten.
const FORGET: Span = Span::hours(1);
/// Addresses remembered of one account.
const KNOWN_MAX: usize = 4;
/// Longest name that gets a line of its own.
const NAME_MAX: usize = 64;

struct Rule {
    free: u32,
    longest: Span,
}

impl Rule {
    fn wait(&self, failures: u32) -> Span {
        match failures.checked_sub(self.free) {
            None | Some(0) => Span::ZERO,
            Some(over) => Span::seconds(1_i64 << over.saturating_sub(1).min(16)).min(self.longest),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    failures: u32,
    last: Steady,
}

/// Failures by something, and until when it has to wait.
#[derive(Debug)]
struct Table<K>(BTreeMap<K, Line>);

impl<K: Ord + Clone> Table<K> {
    fn due(&self, key: &K, rule: &Rule, now: Steady) -> Span {
        let line = self.0.get(key).filter(|line| now - line.last < FORGET);
        line.map_or(Span::ZERO, |line| (line.last + rule.wait(line.failures) - now).max(Span::ZERO))
    }

    fn count(&mut self, key: &K, now: Steady) {
        if self.0.len() >= LINES_MAX && !self.0.contains_key(key) {
            let oldest = self.0.iter().min_by_key(|(_, line)| line.last).map(|(key, _)| key.clone());
            oldest.map(|key| self.0.remove(&key));
        }
        let line = self.0.entry(key.clone()).or_default();
        if now - line.last >= FORGET {
            line.failures = 0;
        }
        *line = Line { failures: line.failures.saturating_add(1), last: now };
    }

    fn take_back(&mut self, key: &K) {
        if let Some(line) = self.0.get_mut(key) {
            line.failures = line.failures.saturating_sub(1);
        }
    }
}

/// Who has failed how often.
#[derive(Debug)]
pub(super) struct Throttle {
    accounts: Table<String>,
    addresses: Table<IpAddr>,
    known: BTreeMap<PersonId, VecDeque<IpAddr>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { accounts: Table(BTreeMap::new()), addresses: Table(BTreeMap::new()), known: BTreeMap::new() }
    }
}

impl Throttle {
    /// Lets one try through, which counts as failed until [`succeeded`](Self::succeeded); or says how long to wait.
    pub(super) fn admit(&mut self, account: &str, address: IpAddr, now: Steady) -> Result<(), Span> {
        let (account, address) = (line_of(account), network(address));
        let known = self.known.get(account.as_str()).is_some_and(|known| known.contains(&address));
        let of_account = if known { Span::ZERO } else { self.accounts.due(&account, &BY_ACCOUNT, now) };
        let wait = of_account.max(self.addresses.due(&address, &BY_ADDRESS, now));
        if wait > Span::ZERO {
            return Err(wait);
        }
        if !known {
            self.accounts.count(&account, now);
        }
        self.addresses.count(&address, now);
        Ok(())
    }

    /// The try was right: what was counted against it is forgotten, and its address is known from now on.
    pub(super) fn succeeded(&mut self, account: &PersonId, address: IpAddr) {
        let address = network(address);
        self.accounts.0.remove(&line_of(account.as_str()));
        self.addresses.0.remove(&address);
        let known = self.known.entry(account.clone()).or_default();
        known.retain(|before| *before != address);
        known.push_back(address);
        if known.len() > KNOWN_MAX {
            known.pop_front();
        }
    }

    /// The try was not looked at.
    pub(super) fn take_back(&mut self, account: &str, address: IpAddr) {
        self.accounts.take_back(&line_of(account));
        self.addresses.take_back(&network(address));
    }

    /// An account is no more.
    pub(super) fn forget(&mut self, account: &PersonId) {
        self.known.remove(account);
    }
}

fn line_of(account: &str) -> String {
    account.chars().take(NAME_MAX).collect::<String>().to_lowercase()
}

/// Who has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            if v6.is_loopback() { IpAddr::V6(v6) } else { IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)) }
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn failures_wait_longer_and_longer_and_a_success_forgets_them() {
        let mut throttle = Throttle::default();
        let (here, mut now) = (address("10.0.0.7"), Steady(0));
        let mut waits = Vec::new();
        for _ in 0..9 {
            while let Err(wait) = throttle.admit("zhang", here, now) {
                waits.push(wait.0 / 1_000);
                now = now + wait;
            }
        }
        assert_eq!(waits, [1, 2, 4], "five are free, then it doubles");
        throttle.succeeded(&"zhang".into(), here);
        assert!((0..10).all(|_| throttle.admit("zhang", here, now).is_ok()), "the address is known, and has ten free");
        assert!(throttle.admit("zhang", here, now).is_ok_and(|()| throttle.admit("zhang", here, now).is_err()));
    }

    #[test]
    fn nobody_locks_another_out_from_elsewhere() {
        let mut throttle = Throttle::default();
        let (desk, now) = (address("10.0.0.7"), Steady(0));
        throttle.admit("zhang", desk, now).expect("the first try");
        throttle.succeeded(&"zhang".into(), desk);
        for n in 0..200_u8 {
            let _ = throttle.admit("ZHANG", address(&format!("192.0.2.{n}")), now);
        }
        assert!(throttle.admit("zhang", address("198.51.100.1"), now).is_err(), "a stranger waits");
        assert_eq!(throttle.admit("zhang", desk, now), Ok(()), "the duty desk does not");
    }

    #[test]
    fn the_tables_stay_bounded_whatever_is_tried() {
        let mut throttle = Throttle::default();
        for n in 0..20_000_i64 {
            let from = address(&format!("2001:db8:{:x}::1", n % 60_000));
            let _ = throttle.admit(&format!("{n}{}", "x".repeat(10_000)), from, Steady(n));
        }
        assert!(throttle.accounts.0.len() <= LINES_MAX && throttle.addresses.0.len() <= LINES_MAX);
        assert!(throttle.accounts.0.keys().all(|name| name.len() <= NAME_MAX));
        let same_network = throttle.admit("a", address("2001:db8:1::2"), Steady(20_000));
        assert_eq!(same_network, Ok(()));
        assert_eq!(network(address("2001:db8:1::2")), network(address("2001:db8:1::3")));
        assert_eq!(network(address("::ffff:10.0.0.7")), address("10.0.0.7"));
    }
}
