//! The words of a bulletin in one language: the hazard's templates filled in, and the house's own sentences for what no
//! template knows (changes, lost evidence, endings). Chinese for `zh`, English for every other language.

use watchfire_model::{
    alarm::Alarm,
    bulletin::{MessageClass, Text},
    doubt::Because,
    grade::Grade,
    mode::ModeTag,
    rule::{Rule, Texts, Thresholds},
    site::Site,
    time::Timestamp,
};

use super::text::{clock, cut, fill, moment, number};

/// CAP's advice for a headline, in characters.
const HEADLINE_MOST: usize = 160;
/// Stations named before the rest are only counted.
const STATIONS_NAMED: usize = 5;

/// What a bulletin has to say, before any language.
pub(super) struct Facts<'d> {
    pub(super) site: &'d Site,
    pub(super) mode: ModeTag,
    pub(super) class: MessageClass,
    pub(super) grade: Grade,
    pub(super) area: &'d str,
    /// The alarms under it, highest first.
    pub(super) alarms: &'d [&'d Alarm],
    /// The leading alarm's rule.
    pub(super) rule: Option<&'d Rule>,
    pub(super) sent: Timestamp,
    pub(super) onset: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) lost: Option<Timestamp>,
    /// The conditions are over and only the public's ending is unsigned.
    pub(super) cleared: bool,
    /// The grade that stands now; what is stated may be higher until a lowering is signed, or lower until a raise is.
    pub(super) stands: Option<Grade>,
}

/// The words in one language.
pub(super) fn compose(facts: &Facts<'_>, language: &str, texts: &Texts) -> Text {
    let speech = Speech { facts, texts, chinese: language.split('-').next() == Some("zh") };
    let mark = speech.mark();
    Text {
        language: language.to_owned(),
        event: texts.event.clone(),
        headline: cut(&format!("{mark}{}", speech.headline()), HEADLINE_MOST),
        description: format!("{mark}{}", speech.description()),
        instruction: speech.instruction(),
    }
}

struct Speech<'a, 'd> {
    facts: &'a Facts<'d>,
    texts: &'a Texts,
    chinese: bool,
}

impl Speech<'_, '_> {
    fn say(&self, chinese: &str, english: &str) -> String {
        self.fill(if self.chinese { chinese } else { english })
    }

    fn fill(&self, template: &str) -> String {
        fill(template, |name| self.value(name))
    }

    /// Stands before every headline and description of what is not for real.
    fn mark(&self) -> String {
        let test = self.facts.site.test.as_ref().map(|test| test.mark.clone()).unwrap_or_default();
        let drill = match self.facts.mode {
            ModeTag::Exercise if self.chinese => "【演练】",
            ModeTag::Exercise => "【演练】Exercise: ",
            ModeTag::Live | ModeTag::Shadow => "",
        };
        let over = match self.said_in_calibration() {
            true if self.chinese => "【标校中超限】",
            true => "Over the limit while calibrating: ",
            false => "",
        };
        format!("{drill}{test}{over}")
    }

    /// Whether what leads was said in a calibration, which only those on duty hear.
    fn said_in_calibration(&self) -> bool {
        let leads = self.facts.alarms.first().and_then(|alarm| alarm.doubt);
        leads.is_some_and(|doubt| doubt.because == Because::Calibrating)
    }

    fn headline(&self) -> String {
        let mut line = self.headline_proper();
        if self.facts.lost.is_some() && !self.facts.class.ends() {
            let suffix = if self.chinese { "(监测中断,等级保持)" } else { " (held, evidence lost)" };
            let room = HEADLINE_MOST - self.mark().chars().count().min(60) - suffix.chars().count();
            line = cut(&line, room);
            line.push_str(suffix);
        }
        line
    }

    /// Whether the grade is a person's word and no measurement: then no template may speak of what was measured.
    fn by_word(&self) -> bool {
        match self.facts.class {
            MessageClass::AllClear => self.facts.alarms.iter().any(|alarm| alarm.judged.is_some()),
            // What was measured is what is being corrected.
            MessageClass::Correct => true,
            MessageClass::Issue
            | MessageClass::Upgrade
            | MessageClass::Downgrade
            | MessageClass::Continue
            | MessageClass::Extend
            | MessageClass::Cancel
            | MessageClass::Expire => self.facts.alarms.first().is_some_and(|alarm| alarm.standing() > alarm.judged),
        }
    }

    fn headline_proper(&self) -> String {
        let own = match self.facts.class {
            MessageClass::AllClear if self.by_word() => "",
            MessageClass::AllClear => &self.texts.all_clear,
            MessageClass::Cancel => &self.texts.cancelled,
            MessageClass::Expire => "",
            MessageClass::Issue => &self.texts.headline,
            // A template that says 发布 would call a change a first word.
            MessageClass::Upgrade
            | MessageClass::Downgrade
            | MessageClass::Continue
            | MessageClass::Extend
            | MessageClass::Correct => {
                if self.texts.headline.contains("{act}") {
                    &self.texts.headline
                } else {
                    ""
                }
            }
        };
        let own = self.fill(own);
        if !own.trim().is_empty() {
            return own;
        }
        if self.facts.class == MessageClass::Expire {
            return self.say(
                "{issuer}发布的{hazard}{grade}色预警[{numeral}级/{weight}]到期",
                "{issuer}: {grade} {hazard} warning [{numeral}, {weight}] has expired",
            );
        }
        self.say(
            "{issuer}{act}{hazard}{grade}色预警[{numeral}级/{weight}]",
            "{issuer} {act} {grade} {hazard} warning [{numeral}, {weight}]",
        )
    }

    fn description(&self) -> String {
        let facts = self.facts;
        let own = match facts.class {
            MessageClass::AllClear if self.by_word() => self.say(
                "经值班人员研判,{area}{hazard}预警解除。",
                "On the judgement of the officer on duty, the {hazard} warning for {area} is over.",
            ),
            MessageClass::AllClear => self.fill(&self.texts.all_clear),
            MessageClass::Cancel => self.fill(&self.texts.cancelled),
            MessageClass::Expire => self.say(
                "{area}{hazard}{grade}色预警已到期,未再延长。",
                "The {grade} {hazard} warning for {area} has run out and was not extended.",
            ),
            MessageClass::Issue
            | MessageClass::Upgrade
            | MessageClass::Downgrade
            | MessageClass::Continue
            | MessageClass::Extend
            | MessageClass::Correct => self.state(),
        };
        let mut said = if own.trim().is_empty() && facts.class.ends() { self.headline_proper() } else { own };
        if facts.class == MessageClass::Correct {
            self.append(
                &mut said,
                "此前发布的预警等级所依据的监测数据无效,特此更正。",
                "The readings on which the earlier grade rested were no measurement; this corrects it.",
            );
        }
        if facts.class == MessageClass::Extend {
            let until = clock(facts.expires, facts.sent, &facts.site.zone, self.chinese);
            self.append(&mut said, &format!("预警有效期延长至{until}。"), &format!("Extended until {until}."));
        }
        if facts.lost.is_some() && !facts.class.ends() {
            let sentence = self.say(
                "监测中断,等级保持:自{lost_since}起无有效监测数据。",
                "Grade held, evidence lost since {lost_since}: no valid measurements since then.",
            );
            self.append(&mut said, &sentence, &sentence);
        }
        said
    }

    /// How things stand, in no word beyond what is known.
    fn state(&self) -> String {
        if self.facts.cleared {
            self.say(
                "{area}各测点已退出{hazard}预警条件,等待签发解除;解除之前,公众预警继续有效。",
                "Conditions for the {hazard} warning in {area} are over; its public all-clear awaits release and the public warning stands until then.",
            )
        } else if self.by_word() {
            self.say(
                "经值班人员研判,{area}{hazard}预警等级定为{grade}色。{consequence}",
                "On the judgement of the officer on duty, the {hazard} warning for {area} stands at {grade}. {consequence}",
            )
        } else if self.facts.stands < Some(self.facts.grade) {
            self.say(
                "{area}{hazard}{grade}色预警继续有效,等级调整须经签发。",
                "The {grade} {hazard} warning for {area} stands until a lower grade is released.",
            )
        } else {
            self.fill(&self.texts.description)
        }
    }

    /// The threshold of the grade that is stated, where the leading alarm has gone beyond it.
    fn threshold(&self) -> Option<f64> {
        let leading = self.facts.alarms.first()?;
        let written = match self.facts.rule.map(|rule| &rule.thresholds) {
            Some(Thresholds::Inline(thresholds)) => *thresholds.get(self.facts.grade),
            Some(Thresholds::Station) | None => None,
        };
        let same = self.facts.alarms.iter().find(|alarm| alarm.judged == Some(self.facts.grade));
        if leading.judged == Some(self.facts.grade) {
            leading.threshold
        } else {
            written.or(same.and_then(|alarm| alarm.threshold)).or(leading.threshold)
        }
    }

    fn append(&self, said: &mut String, chinese: &str, english: &str) {
        if self.chinese {
            said.push_str(chinese);
        } else {
            if !said.is_empty() {
                said.push(' ');
            }
            said.push_str(english);
        }
    }

    /// What to do. An ending never repeats what the warning asked for.
    fn instruction(&self) -> String {
        match self.facts.class {
            MessageClass::AllClear => self.say(
                "预警已解除,可恢复正常秩序,请继续留意后续信息。",
                "The danger is over; normal activity may resume. Keep listening for further information.",
            ),
            MessageClass::Cancel => self.say(
                "原预警系误发,其所列措施不再执行。",
                "The warning was issued in error; its instructions no longer apply.",
            ),
            MessageClass::Expire => self.say(
                "预警已到期而未延长,情况请向{issuer}询问。",
                "The warning has run out without being extended; ask {issuer} how things stand.",
            ),
            MessageClass::Issue
            | MessageClass::Upgrade
            | MessageClass::Downgrade
            | MessageClass::Continue
            | MessageClass::Extend
            | MessageClass::Correct => self.fill(self.texts.instruction.get(self.facts.grade)),
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let facts = self.facts;
        let zone = &facts.site.zone;
        let leading = facts.alarms.first();
        let measured = |value: Option<f64>| {
            value.map_or_else(|| if self.chinese { "无数据" } else { "no data" }.to_owned(), number)
        };
        Some(match name {
            "area" => facts.area.to_owned(),
            "station" => leading.map(|alarm| alarm.name.clone()).unwrap_or_default(),
            "stations" => self.stations(),
            "value" => measured(leading.and_then(|alarm| alarm.value)),
            "threshold" => measured(self.threshold()),
            "unit" => leading.map(|alarm| alarm.unit.clone()).unwrap_or_default(),
            "grade" => if self.chinese { facts.grade.han() } else { facts.grade.word() }.to_owned(),
            "numeral" => facts.grade.numeral().to_owned(),
            "weight" => {
                if self.chinese {
                    facts.grade.weight().to_owned()
                } else {
                    facts.grade.severity().to_lowercase()
                }
            }
            "hazard" => self.texts.event.clone(),
            "issuer" => facts.site.issuer.clone(),
            "time" => moment(facts.sent, zone, self.chinese),
            "onset" => moment(facts.onset, zone, self.chinese),
            "response" => facts.rule.map(|rule| rule.response.clone()).unwrap_or_default(),
            "consequence" => facts.rule.map(|rule| rule.consequence.clone()).unwrap_or_default(),
            "lost_since" => facts.lost.map(|since| clock(since, facts.sent, zone, self.chinese)).unwrap_or_default(),
            "act" => self.act().to_owned(),
            _ => return None,
        })
    }

    fn stations(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for alarm in self.facts.alarms {
            if !names.contains(&alarm.name.as_str()) {
                names.push(&alarm.name);
            }
        }
        let more = names.len().saturating_sub(STATIONS_NAMED);
        names.truncate(STATIONS_NAMED);
        let mut listed = names.join(if self.chinese { "、" } else { ", " });
        if more > 0 {
            let all = names.len() + more;
            listed.push_str(&if self.chinese { format!("等{all}处") } else { format!(" and {more} more") });
        }
        listed
    }

    const fn act(&self) -> &'static str {
        match (self.facts.class, self.chinese) {
            (MessageClass::Issue, true) => "发布",
            (MessageClass::Upgrade | MessageClass::Downgrade, true) => "变更发布",
            (MessageClass::Continue | MessageClass::Extend, true) => "继续发布",
            (MessageClass::Correct, true) => "更正发布",
            (MessageClass::Cancel, true) => "撤销",
            (MessageClass::AllClear, true) => "解除",
            (MessageClass::Expire, true) => "到期",
            (MessageClass::Issue, false) => "issues",
            (MessageClass::Upgrade, false) => "upgrades to",
            (MessageClass::Downgrade, false) => "lowers to",
            (MessageClass::Continue, false) => "continues",
            (MessageClass::Extend, false) => "extends",
            (MessageClass::Correct, false) => "corrects",
            (MessageClass::Cancel, false) => "withdraws",
            (MessageClass::AllClear, false) => "ends",
            (MessageClass::Expire, false) => "no longer extends",
        }
    }
}

#[cfg(test)]
mod tests {
    use watchfire_model::grade::PerGrade;

    use super::super::text::PLACEHOLDERS;
    use super::*;

    #[test]
    fn every_placeholder_has_a_value_in_both_languages() {
        let site = crate::desk::story::site();
        let facts = Facts {
            site: &site,
            mode: ModeTag::Live,
            class: MessageClass::Issue,
            grade: Grade::Red,
            area: "青石镇",
            alarms: &[],
            rule: None,
            sent: Timestamp(0),
            onset: Timestamp(0),
            expires: Timestamp(0),
            lost: None,
            cleared: false,
            stands: None,
        };
        let texts = Texts { instruction: PerGrade::all(String::new()), ..Texts::default() };
        for chinese in [true, false] {
            let speech = Speech { facts: &facts, texts: &texts, chinese };
            assert_eq!(PLACEHOLDERS.iter().find(|name| speech.value(name).is_none()), None);
        }
    }
}
