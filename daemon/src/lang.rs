//! Which language the terminal is spoken to in. Bulletins have their own languages (`site.languages`).

use std::ffi::OsStr;

/// A language of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 中文.
    Zh,
}

impl Lang {
    /// From `LC_ALL`, `LC_MESSAGES` or `LANG`, whichever is set first; English where none says Chinese.
    pub fn from_env() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| {
            let value = std::env::var_os(name)?;
            (!value.is_empty()).then_some(value)
        });
        Self::of(set.as_deref())
    }

    fn of(locale: Option<&OsStr>) -> Self {
        match locale.and_then(OsStr::to_str) {
            Some(locale) if locale.starts_with("zh") => Self::Zh,
            Some(_) | None => Self::En,
        }
    }

    /// The text of this language.
    pub const fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides() {
        assert_eq!(Lang::of(Some(OsStr::new("zh_CN.UTF-8"))), Lang::Zh);
        assert_eq!(Lang::of(Some(OsStr::new("C"))), Lang::En);
        assert_eq!(Lang::of(None), Lang::En);
    }
}
