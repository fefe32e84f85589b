//! The four grades. A smaller numeral is a higher grade, so the order is the type's, never the digits'.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `Blue Ⅳ < Yellow Ⅲ < Orange Ⅱ < Red Ⅰ`. No grade (clear) is `None` of an `Option<Grade>`, which sorts below blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// 蓝 Ⅳ 一般, CAP severity Minor.
    Blue,
    /// 黄 Ⅲ 较重, CAP severity Moderate.
    Yellow,
    /// 橙 Ⅱ 严重, CAP severity Severe.
    Orange,
    /// 红 Ⅰ 特别严重, CAP severity Extreme.
    Red,
}

impl Grade {
    /// All four, rising.
    pub const ALL: [Self; 4] = [Self::Blue, Self::Yellow, Self::Orange, Self::Red];

    /// `blue`, `yellow`, `orange`, `red`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }
    /// `蓝`, `黄`, `橙`, `红`.
    pub const fn han(self) -> &'static str {
        match self {
            Self::Blue => "蓝",
            Self::Yellow => "黄",
            Self::Orange => "橙",
            Self::Red => "红",
        }
    }
    /// `Ⅳ`, `Ⅲ`, `Ⅱ`, `Ⅰ`.
    pub const fn numeral(self) -> &'static str {
        match self {
            Self::Blue => "Ⅳ",
            Self::Yellow => "Ⅲ",
            Self::Orange => "Ⅱ",
            Self::Red => "Ⅰ",
        }
    }
    /// The weight of a headline: 一般, 较重, 严重, 特别严重 (of the warning, not of the event).
    pub const fn weight(self) -> &'static str {
        match self {
            Self::Blue => "一般",
            Self::Yellow => "较重",
            Self::Orange => "严重",
            Self::Red => "特别严重",
        }
    }
    /// CAP 1.2 severity (3.2.2).
    pub const fn severity(self) -> &'static str {
        match self {
            Self::Blue => "Minor",
            Self::Yellow => "Moderate",
            Self::Orange => "Severe",
            Self::Red => "Extreme",
        }
    }
    /// 1 for blue to 4 for red, for the store and for arrays; clear is 0.
    pub const fn level(self) -> u8 {
        match self {
            Self::Blue => 1,
            Self::Yellow => 2,
            Self::Orange => 3,
            Self::Red => 4,
        }
    }
    /// The grade of a level 1 to 4.
    pub const fn from_level(level: u8) -> Option<Self> {
        match level {
            1 => Some(Self::Blue),
            2 => Some(Self::Yellow),
            3 => Some(Self::Orange),
            4 => Some(Self::Red),
            _ => None,
        }
    }
}

/// The word for a grade or for none: `clear`, `blue` … `red`.
pub const fn word(grade: Option<Grade>) -> &'static str {
    match grade {
        None => "clear",
        Some(grade) => grade.word(),
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a grade could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a grade; blue, yellow, orange and red are")]
pub struct GradeError(String);

impl FromStr for Grade {
    type Err = GradeError;
    fn from_str(text: &str) -> Result<Self, GradeError> {
        Self::ALL.into_iter().find(|grade| grade.word() == text).ok_or_else(|| GradeError(text.to_owned()))
    }
}

/// One value for each grade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerGrade<T> {
    /// For Ⅳ.
    pub blue: T,
    /// For Ⅲ.
    pub yellow: T,
    /// For Ⅱ.
    pub orange: T,
    /// For Ⅰ.
    pub red: T,
}

impl<T> PerGrade<T> {
    /// The value of `grade`.
    pub const fn get(&self, grade: Grade) -> &T {
        match grade {
            Grade::Blue => &self.blue,
            Grade::Yellow => &self.yellow,
            Grade::Orange => &self.orange,
            Grade::Red => &self.red,
        }
    }
    /// The value of `grade`, to change.
    pub const fn get_mut(&mut self, grade: Grade) -> &mut T {
        match grade {
            Grade::Blue => &mut self.blue,
            Grade::Yellow => &mut self.yellow,
            Grade::Orange => &mut self.orange,
            Grade::Red => &mut self.red,
        }
    }
    /// A value made for each grade.
    pub fn from_fn(mut make: impl FnMut(Grade) -> T) -> Self {
        Self {
            blue: make(Grade::Blue),
            yellow: make(Grade::Yellow),
            orange: make(Grade::Orange),
            red: make(Grade::Red),
        }
    }
}

impl<T: Clone> PerGrade<T> {
    /// The same value for every grade.
    pub fn all(value: T) -> Self {
        Self::from_fn(|_| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_is_the_highest_and_clear_is_below_blue() {
        assert!(Grade::ALL.is_sorted());
        assert!(None < Some(Grade::Blue));
        assert!(Some(Grade::Orange) < Some(Grade::Red));
        for grade in Grade::ALL {
            assert_eq!(Grade::from_level(grade.level()), Some(grade));
            assert_eq!(grade.word().parse(), Ok(grade));
        }
    }
}
