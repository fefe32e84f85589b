//! What was turned away, for the ledger: acts refused at the door one by one as long as they are few, failed tries to
//! sign in only ever taken together, so that nobody can fill the ledger by trying.

use std::net::IpAddr;

use watchfire_model::deed::{Deed, Done};
use watchfire_model::id::PersonId;
use watchfire_model::time::{Span, Steady};

/// Names and addresses that one record lists.
const LISTED: usize = 8;
/// Refused acts written down one by one in a row, and how soon there is room for one more.
const ACTS_IN_A_ROW: u32 = 30;
const ACT_EVERY: Span = Span::seconds(10);
/// Failed tries are taken together over at least this long.
const TOGETHER: Span = Span::minutes(1);

/// What has been turned away since it was last written down.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sign_ins: u64,
    acts: u64,
    accounts: Vec<PersonId>,
    addresses: Vec<String>,
    /// When failed tries were last written down.
    written: Option<Steady>,
    /// Refused acts written down one by one of late, and when there was last room for one more.
    in_a_row: u32,
    room_at: Steady,
}

impl Tally {
    /// A try to sign in was turned away; `account` where there is one of that name.
    pub(super) fn sign_in(&mut self, account: Option<PersonId>, address: IpAddr) {
        self.sign_ins += 1;
        self.list(account, &address.to_string());
    }

    /// An act was refused at the door. Whether it is to be written down by itself.
    pub(super) fn act(&mut self, account: &PersonId, address: &str, now: Steady) -> bool {
        let rooms = u32::try_from((now - self.room_at).0.max(0) / ACT_EVERY.0).unwrap_or(u32::MAX);
        if rooms > 0 {
            self.in_a_row = self.in_a_row.saturating_sub(rooms);
            self.room_at = now;
        }
        if self.in_a_row < ACTS_IN_A_ROW {
            self.in_a_row += 1;
            return true;
        }
        self.acts += 1;
        self.list(Some(account.clone()), address);
        false
    }

    fn list(&mut self, account: Option<PersonId>, address: &str) {
        if let Some(account) = account
            && self.accounts.len() < LISTED
            && !self.accounts.contains(&account)
        {
            self.accounts.push(account);
        }
        if self.addresses.len() < LISTED && !self.addresses.iter().any(|known| known == address) {
            self.addresses.push(address.to_owned());
        }
    }

    /// What is to be written down now, if anything is and it is time.
    pub(super) fn due(&mut self, now: Steady) -> Option<Deed> {
        let nothing = self.sign_ins == 0 && self.acts == 0;
        if nothing || self.written.is_some_and(|written| now - written < TOGETHER) {
            return None;
        }
        self.written = Some(now);
        let what = Done::TurnedAway {
            sign_ins: std::mem::take(&mut self.sign_ins),
            acts: std::mem::take(&mut self.acts),
            accounts: std::mem::take(&mut self.accounts),
            addresses: std::mem::take(&mut self.addresses),
        };
        let (who, why) = ("watchfire".into(), "turned away at the door".to_owned());
        Some(Deed { who, why, from: "watchfire".to_owned(), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_failures_are_two_records_that_count_them_all() {
        let mut tally = Tally::default();
        let mut told = Vec::new();
        for n in 0..10_000_i64 {
            let from: IpAddr = format!("10.0.{}.{}", n / 250, n % 250).parse().expect("an address");
            tally.sign_in((n % 2 == 0).then(|| "zhang".into()), from);
            told.extend(tally.due(Steady(n)));
        }
        told.extend(tally.due(Steady(60_001)));
        let counted = told.iter().map(|deed| match &deed.what {
            Done::TurnedAway { sign_ins, accounts, addresses, .. } => {
                assert!(accounts.len() <= 1 && addresses.len() <= LISTED);
                *sign_ins
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(counted.collect::<Vec<_>>(), [1, 9_999]);
        assert_eq!(tally.due(Steady(999_999)), None, "nothing new");
    }

    #[test]
    fn refused_acts_are_written_one_by_one_while_they_are_few() {
        let mut tally = Tally::default();
        let written = (0..1_000).filter(|_| tally.act(&"wang".into(), "10.0.0.7", Steady(0))).count();
        assert_eq!(written, 30);
        assert!(tally.act(&"wang".into(), "10.0.0.7", Steady(10_000)), "there is room again");
        assert!(matches!(tally.due(Steady(10_000)), Some(Deed { what: Done::TurnedAway { acts: 970, .. }, .. })));
    }
}
