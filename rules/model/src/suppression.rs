//! Why an alarm is not announced. A set beside the grade, never instead of it: what is suppressed is judged, recorded and
//! shown all the same, and what was published of it ends as if it were not (SEMANTICS §7).

use serde::{Deserialize, Serialize};

use crate::alarm::{Alarm, AlarmKey};
use crate::grade::Grade;
use crate::id::PersonId;
use crate::time::{Span, Steady, Timestamp};

/// One reason why an alarm is not announced; an alarm has at most one of each kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Suppression {
    /// Put aside by a person, for a time. It ends by itself, with the grade that rises above it, or by a person.
    Shelved {
        /// Since when, by the steady clock: the limit counts from here.
        from: Steady,
        /// Until when.
        until: Steady,
        /// Until when, for the reader.
        ends: Timestamp,
        /// The highest grade that it keeps quiet.
        upto: Grade,
        /// It ends with the next return to normal.
        one_shot: bool,
        /// Who.
        by: PersonId,
        /// Why.
        why: String,
    },
    /// Taken out of service by a person, for a time. Nothing of it goes to the public; those on duty hear of orange and red.
    OutOfService {
        /// Until when.
        until: Steady,
        /// Until when, for the reader.
        ends: Timestamp,
        /// Who.
        by: PersonId,
        /// Who agreed, where one was not enough.
        with: Option<PersonId>,
        /// Why.
        why: String,
    },
    /// Superfluous while another alarm stands.
    Inhibited {
        /// That alarm.
        by: AlarmKey,
        /// Its grade, the highest that it keeps quiet.
        upto: Grade,
    },
    /// Its first word waits a moment to see whether an inhibitor speaks.
    Deferred {
        /// Until when.
        until: Steady,
    },
    /// Expected at this season or hour.
    ByDesign {
        /// What the site calls it.
        name: String,
        /// The highest grade that is kept quiet.
        upto: Grade,
    },
    /// It wakes nobody at this hour.
    Muted {
        /// What the site calls the window.
        window: String,
        /// The highest grade that is kept quiet.
        upto: Grade,
    },
}

/// Kinds of suppression, for counting and choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Shelved,
    OutOfService,
    Inhibited,
    Deferred,
    ByDesign,
    Muted,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Shelved, Self::OutOfService, Self::Inhibited, Self::Deferred, Self::ByDesign, Self::Muted];

    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shelved => "shelved",
            Self::OutOfService => "out_of_service",
            Self::Inhibited => "inhibited",
            Self::Deferred => "deferred",
            Self::ByDesign => "by_design",
            Self::Muted => "muted",
        }
    }

    /// Whether the site itself says so, not a person.
    pub const fn is_of_the_site(self) -> bool {
        match self {
            Self::Shelved | Self::OutOfService => false,
            Self::Inhibited | Self::Deferred | Self::ByDesign | Self::Muted => true,
        }
    }
}

impl Suppression {
    /// What kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Shelved { .. } => Kind::Shelved,
            Self::OutOfService { .. } => Kind::OutOfService,
            Self::Inhibited { .. } => Kind::Inhibited,
            Self::Deferred { .. } => Kind::Deferred,
            Self::ByDesign { .. } => Kind::ByDesign,
            Self::Muted { .. } => Kind::Muted,
        }
    }

    /// Whether it keeps a grade from being announced to those on duty.
    pub fn quiets(&self, grade: Grade) -> bool {
        match self {
            Self::Shelved { upto, .. }
            | Self::Inhibited { upto, .. }
            | Self::ByDesign { upto, .. }
            | Self::Muted { upto, .. } => grade <= *upto,
            Self::OutOfService { .. } | Self::Deferred { .. } => grade <= Grade::Yellow,
        }
    }

    /// Whether it keeps a grade from being laid before those who release it to the public.
    pub fn withholds(&self, grade: Grade) -> bool {
        match self {
            Self::Shelved { .. } | Self::Inhibited { .. } | Self::Deferred { .. } | Self::ByDesign { .. } => {
                self.quiets(grade)
            }
            Self::OutOfService { .. } => true,
            // The officer sleeps; the public is told as ever.
            Self::Muted { .. } => false,
        }
    }

    /// When it ends by itself.
    pub const fn until(&self) -> Option<Steady> {
        match self {
            Self::Shelved { until, .. } | Self::OutOfService { until, .. } | Self::Deferred { until } => Some(*until),
            Self::Inhibited { .. } | Self::ByDesign { .. } | Self::Muted { .. } => None,
        }
    }
}

/// A person asked for an alarm to be taken out of service, and a second one must agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedOut {
    /// Who.
    pub by: PersonId,
    /// For how long.
    pub lasting: Span,
    /// Until when a second person may agree.
    pub until: Steady,
}

impl Alarm {
    /// Whether its standing grade is kept from being announced to those on duty.
    pub fn is_quieted(&self) -> bool {
        self.standing().is_some_and(|grade| self.suppressed.iter().any(|it| it.quiets(grade)))
    }
    /// Whether its standing grade is kept from being laid before those who release it.
    pub fn is_withheld(&self) -> bool {
        self.standing().is_some_and(|grade| self.suppressed.iter().any(|it| it.withholds(grade)))
    }
    /// Its suppression of a kind.
    pub fn suppression(&self, kind: Kind) -> Option<&Suppression> {
        self.suppressed.iter().find(|it| it.kind() == kind)
    }
    /// Whether a person took it out of service.
    pub fn is_out_of_service(&self) -> bool {
        self.suppression(Kind::OutOfService).is_some()
    }
    /// The first moment at which something of it falls due, a person's word on the grade apart.
    pub fn due(&self) -> Option<Steady> {
        let suppressed = self.suppressed.iter().filter_map(Suppression::until);
        suppressed
            .chain(self.realarm_at)
            .chain(self.doubted_until)
            .chain(self.chatters_until)
            .chain(self.asked_out.as_ref().map(|asked| asked.until))
            .min()
    }
}
