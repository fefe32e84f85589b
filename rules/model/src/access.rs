//! Who may do what, and where: roles, what each may, and the hazards and areas an account is for. One pure question,
//! [`may`]. How somebody proves to be who they say is not here.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command::Act;
use crate::id::{AreaId, HazardId, PersonId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$of])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// Its word, as written everywhere.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|known| known.word() == text).ok_or_else(|| {
                    let all: Vec<&str> = Self::ALL.iter().map(|known| known.word()).collect();
                    format!("\"{text}\" is not one of {}", all.join(", "))
                })
            }
        }
    };
}

words! {
    /// What an account is for. Whoever writes the rules does not release by them, whoever keeps the accounts does
    /// neither, and whoever looks over all of it changes nothing.
    Role {
        /// Looks (观察员).
        Viewer = "viewer",
        /// On duty (值班员): takes note, releases, cancels.
        Officer = "officer",
        /// Signs (审批): releases and cancels, and is not on duty.
        Approver = "approver",
        /// Writes stations and rules (规则员).
        Engineer = "engineer",
        /// Keeps the accounts (系统管理员).
        Admin = "admin",
        /// Looks over everything (审计员), accounts included.
        Auditor = "auditor",
    }
}

words! {
    /// What may be asked.
    Right {
        /// Sees warnings, stations, readings, health.
        Look = "look",
        /// Takes note of a warning.
        Acknowledge = "acknowledge",
        /// Signs what waits, so that the public hears.
        Release = "release",
        /// Withdraws a warning issued in error.
        Cancel = "cancel",
        /// Sets a grade against the judged one, or from what somebody reports.
        SetGrade = "set_grade",
        /// Puts an alarm aside for a time, or out of service.
        Suppress = "suppress",
        /// Looks after sensors: calibrates them, answers for it, takes new ones over.
        Maintain = "maintain",
        /// Changes what is judged: stations, rules, a reload.
        Configure = "configure",
        /// Sees who has an account.
        ListPeople = "list_people",
        /// Adds, changes and removes accounts.
        ManagePeople = "manage_people",
    }
}

impl Right {
    /// Whether it is an act that is a person's alone: on a warning, or on what its sensors are believed.
    pub const fn is_a_persons(self) -> bool {
        match self {
            Self::Acknowledge | Self::Release | Self::Cancel | Self::SetGrade | Self::Suppress | Self::Maintain => true,
            Self::Look | Self::Configure | Self::ListPeople | Self::ManagePeople => false,
        }
    }
}

impl From<&Act> for Right {
    fn from(act: &Act) -> Self {
        match act {
            Act::Acknowledge { .. }
            | Act::AcknowledgeAlarm { .. }
            | Act::AcknowledgeIncident { .. }
            | Act::Unacknowledge { .. }
            | Act::Confirm { .. }
            | Act::Reset { .. }
            | Act::Assign { .. }
            | Act::Comment { .. } => Self::Acknowledge,
            Act::Shelve { .. } | Act::Unshelve { .. } | Act::TakeOut { .. } | Act::PutBack { .. } => Self::Suppress,
            Act::Calibrate { .. }
            | Act::GiveBack { .. }
            | Act::AcceptCalibration { .. }
            | Act::Commission { .. }
            | Act::Invalidate { .. } => Self::Maintain,
            Act::Release { .. } => Self::Release,
            Act::Cancel { .. } | Act::Correct { .. } => Self::Cancel,
            Act::SetGrade { .. } | Act::AcceptFall { .. } | Act::Report(_) => Self::SetGrade,
        }
    }
}

impl Role {
    /// What a role may: the whole table.
    pub const fn has(self, right: Right) -> bool {
        match self {
            Self::Viewer => matches!(right, Right::Look),
            Self::Officer => {
                matches!(
                    right,
                    Right::Look
                        | Right::Acknowledge
                        | Right::Release
                        | Right::Cancel
                        | Right::SetGrade
                        | Right::Suppress
                        | Right::Maintain
                )
            }
            Self::Approver => matches!(right, Right::Look | Right::Release | Right::Cancel),
            Self::Engineer => matches!(right, Right::Look | Right::Maintain | Right::Configure),
            Self::Admin => matches!(right, Right::Look | Right::ListPeople | Right::ManagePeople),
            Self::Auditor => matches!(right, Right::Look | Right::ListPeople),
        }
    }
}

/// All, or only some. Written as a list, `["*"]` for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Extent(Option<BTreeSet<String>>);

impl Extent {
    /// All of them.
    pub const ALL: Self = Self(None);

    /// Whether nothing is left out.
    pub const fn is_all(&self) -> bool {
        self.0.is_none()
    }
    /// Whether one of those named fits.
    fn has(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.0.as_ref().is_none_or(|named| named.iter().any(|name| fits(name)))
    }
    /// Those named; nothing where it is all.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }
}

impl TryFrom<Vec<String>> for Extent {
    type Error = String;
    fn try_from(names: Vec<String>) -> Result<Self, String> {
        match names.as_slice() {
            [] => Err("an empty list is nowhere; write \"*\" for all".to_owned()),
            [all] if all == "*" => Ok(Self::ALL),
            names if names.iter().any(|name| name.trim().is_empty() || name == "*") => {
                Err("\"*\" stands alone, and no name is empty".to_owned())
            }
            _ => Ok(Self(Some(names.into_iter().collect()))),
        }
    }
}

impl From<Extent> for Vec<String> {
    fn from(extent: Extent) -> Self {
        extent.0.map_or_else(|| vec!["*".to_owned()], |named| named.into_iter().collect())
    }
}

/// The hazards and areas that an account is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Hazards by id.
    pub hazards: Extent,
    /// Areas by id; one covers all under it.
    pub areas: Extent,
}

impl Scope {
    /// The whole site.
    pub const ALL: Self = Self { hazards: Extent::ALL, areas: Extent::ALL };

    /// Whether nothing is left out.
    pub const fn is_all(&self) -> bool {
        self.hazards.is_all() && self.areas.is_all()
    }
    /// Whether an area is within it.
    pub fn has_area(&self, area: &AreaId) -> bool {
        self.areas.has(|named| covers(named, area.as_str()))
    }
    /// Whether a hazard is within it.
    pub fn has_hazard(&self, hazard: &HazardId) -> bool {
        self.hazards.has(|named| named == hazard.as_str())
    }
}

/// Where the levels of a division code end (GB/T 2260, GB/T 10114): province, city, county, town, village.
const LEVELS: [usize; 5] = [2, 4, 6, 9, 12];

/// Whether `area` is `named` or lies under it. Division codes tell by their beginning (430000000000 covers 431124101000);
/// a site's own codes are equal or they are not.
fn covers(named: &str, area: &str) -> bool {
    let is_code = |text: &str| LEVELS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_code(named) || !is_code(area) {
        return named == area;
    }
    let written = named.trim_end_matches('0').len();
    let level = LEVELS.iter().copied().find(|level| *level >= written).unwrap_or(named.len());
    let stem = named.get(..level).unwrap_or(named);
    written > 0 && area.starts_with(stem)
}

/// Whether an account is a person or a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Kind {
    /// A person, by a password.
    Person,
    /// A program, by a token.
    Machine {
        /// Whether it is trusted to say for which person it acts.
        #[serde(default)]
        acts_for: bool,
    },
}

/// A person or a machine known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// By which it signs in and stands in the ledger.
    pub name: PersonId,
    /// For people to read; may be empty.
    pub display: String,
    /// Person or program.
    #[serde(flatten)]
    pub kind: Kind,
    /// What it may.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// What a right is asked for.
#[derive(Clone, Copy, Debug)]
pub enum On<'a> {
    /// The site as a whole.
    Site,
    /// What concerns one hazard in one area.
    Place {
        /// The hazard.
        hazard: &'a HazardId,
        /// The area.
        area: &'a AreaId,
    },
}

/// Why not. Says what is missing and nothing of what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "denied")]
pub enum Denied {
    /// The role has no such right.
    #[error("the role {role} has no right to {right}")]
    Role {
        /// The role.
        role: Role,
        /// The right.
        right: Right,
    },
    /// The hazard or the area is somebody else's.
    #[error("that hazard or area is outside the scope of this account")]
    Scope,
    /// A program that may not speak for a person asks for a person's act.
    #[error("such an act is a person's: this token does not act for people")]
    Nobody,
}

/// Whether `account` may do `right` there.
pub fn may(account: &Account, right: Right, on: On<'_>) -> Result<(), Denied> {
    if !account.role.has(right) {
        return Err(Denied::Role { role: account.role, right });
    }
    if right.is_a_persons() && account.kind == (Kind::Machine { acts_for: false }) {
        return Err(Denied::Nobody);
    }
    match on {
        On::Site => Ok(()),
        On::Place { hazard, area } if account.scope.has_hazard(hazard) && account.scope.has_area(area) => Ok(()),
        On::Place { .. } => Err(Denied::Scope),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(role: Role, kind: Kind, hazards: &[&str], areas: &[&str]) -> Account {
        let extent = |names: &[&str]| {
            Extent::try_from(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("a sound extent")
        };
        let scope = Scope { hazards: extent(hazards), areas: extent(areas) };
        Account { name: "a".into(), display: String::new(), kind, role, scope }
    }

    #[test]
    fn every_role_has_its_rights_and_no_other() {
        let columns = [
            Right::Look,
            Right::Acknowledge,
            Right::Release,
            Right::Cancel,
            Right::SetGrade,
            Right::Suppress,
            Right::Maintain,
            Right::Configure,
            Right::ListPeople,
            Right::ManagePeople,
        ];
        assert_eq!(columns, Right::ALL, "a right that this table does not have");
        let table = [
            //              look  ack  rel  can  set  sup  main conf list manage
            (Role::Viewer, "yes   -    -    -    -    -    -    -    -    -"),
            (Role::Officer, "yes  yes  yes  yes  yes  yes  yes  -    -    -"),
            (Role::Approver, "yes -    yes  yes  -    -    -    -    -    -"),
            (Role::Engineer, "yes -    -    -    -    -    yes  yes  -    -"),
            (Role::Admin, "yes    -    -    -    -    -    -    -    yes  yes"),
            (Role::Auditor, "yes  -    -    -    -    -    -    -    yes  -"),
        ];
        assert_eq!(table.map(|(role, _)| role), Role::ALL, "a role that this table does not have");
        for (role, row) in table {
            let cells: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(cells.len(), columns.len(), "{role}");
            for (right, cell) in columns.into_iter().zip(cells) {
                let asked = may(&account(role, Kind::Person, &["*"], &["*"]), right, On::Site);
                let due = if cell == "yes" { Ok(()) } else { Err(Denied::Role { role, right }) };
                assert_eq!(asked, due, "{role} {right}");
            }
        }
    }

    #[test]
    fn an_account_acts_only_within_its_hazards_and_areas() {
        let (flood, gas) = (HazardId::from("river_flood"), HazardId::from("mine_gas"));
        let county = account(Role::Officer, Kind::Person, &["river_flood"], &["431124000000", "pit-7"]);
        let asked = |hazard, area: &str| may(&county, Right::Release, On::Place { hazard, area: &AreaId::from(area) });
        assert_eq!(asked(&flood, "431124000000"), Ok(()));
        assert_eq!(asked(&flood, "431124101003"), Ok(()), "a village under the county");
        assert_eq!(asked(&flood, "pit-7"), Ok(()));
        for (hazard, area) in [(&gas, "431124000000"), (&flood, "431125000000"), (&flood, "pit-70"), (&gas, "pit-7")] {
            assert_eq!(asked(hazard, area), Err(Denied::Scope), "{hazard} {area}");
        }
    }

    #[test]
    fn a_division_code_covers_what_is_under_it_and_nothing_beside_it() {
        for (named, area, due) in [
            ("430000000000", "431124101000", true),
            ("431100000000", "431124101000", true),
            ("431124000000", "431124101000", true),
            ("431124101000", "431124101000", true),
            ("431124101000", "431124101003", true),
            ("431124101003", "431124101000", false),
            ("431124000000", "431125000000", false),
            ("431120000000", "431124000000", false),
            ("431124", "431124101000", true),
            ("431124", "431125101000", false),
            ("430000000000", "43-own-code", false),
            ("000000000000", "431124101000", false),
            ("43000000000", "431124101000", false),
            ("青石", "青石", true),
        ] {
            assert_eq!(covers(named, area), due, "{named} {area}");
        }
    }

    #[test]
    fn a_program_acts_on_warnings_only_for_a_person() {
        for right in Right::ALL.iter().copied().filter(|right| right.is_a_persons()) {
            let of = |acts_for| account(Role::Officer, Kind::Machine { acts_for }, &["*"], &["*"]);
            assert_eq!(may(&of(false), right, On::Site), Err(Denied::Nobody), "{right}");
            assert_eq!(may(&of(true), right, On::Site), Ok(()), "{right}");
        }
        let looker = account(Role::Viewer, Kind::Machine { acts_for: false }, &["*"], &["*"]);
        assert_eq!(may(&looker, Right::Look, On::Site), Ok(()));
    }

    #[test]
    fn an_extent_is_all_or_some_and_never_nothing() {
        let read = |names: &[&str]| Extent::try_from(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["*"]), Ok(Extent::ALL));
        assert!(read(&["a", "b"]).is_ok_and(|some| !some.is_all() && some.named().eq(["a", "b"])));
        for bad in [&[][..], &["*", "a"], &[""]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
