//! Makes bulletins: every field of one from the warning as it stands, its texts, and the check without which none leaves
//! (the seven contents of DOMAIN §1.1, and the rules of CAP that no schema checks, DOMAIN §2.4).

use watchfire_model::{
    alarm::Alarm,
    bulletin::{Bulletin, BulletinArea, Incomplete, Measured, MessageClass, Status, Text},
    grade::Grade,
    id::{BulletinId, WarningId},
    mode::{Mode, ModeTag},
    rule::Hazard,
    site::{Audience, Site},
    time::{Span, Steady},
};

use super::{
    Step,
    event::Event,
    wording::{self, Facts},
};

/// Alarms listed in one bulletin; a warning may stand on thousands.
pub(super) const MEASURED_MOST: usize = 20;

/// CAP 1.2, 3.2.2 category.
const CATEGORIES: [&str; 12] =
    ["Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"];
/// CAP 1.2, 3.2.2 responseType.
const RESPONSES: [&str; 9] =
    ["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"];

/// A bulletin that is complete, with its times by the steady clock.
pub(super) struct Prepared {
    bulletin: Bulletin,
    cleared: bool,
    renew_at: Steady,
    until: Steady,
}

/// A bulletin that is not, and whose.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) warning: WarningId,
    pub(super) why: Incomplete,
}

impl<M: Mode> Step<'_, M> {
    /// Makes the next bulletin of a chain, complete or not at all.
    pub(super) fn prepare(
        &self,
        id: &WarningId,
        to: Audience,
        class: MessageClass,
        grade: Grade,
        cleared: bool,
    ) -> Result<Prepared, Refused> {
        let refuse = |why| Refused { warning: id.clone(), why };
        let lacks = |what: &str| Incomplete { id: BulletinId::from(id.as_str()), missing: vec![what.to_owned()] };
        let case = self.desk.cases.get(id).ok_or_else(|| refuse(lacks("the warning")))?;
        let hazard = self.hazard_of(id).ok_or_else(|| refuse(lacks("the hazard's profile")))?;
        let site = &*self.desk.site;
        let chain = case.chain(to);
        let sent = chain.stamp(self.now.wall);
        let lasting = whole_seconds((*hazard.expires_after.get(grade)).max(Span::minutes(1)));
        let alarms = self.leading(id, to);
        let area = self.area_of(id);
        let lost = case.warning.evidence_lost.filter(|_| !class.ends() && !cleared);
        let corrects = |alarm: &Alarm| class == MessageClass::Correct && alarm.override_by.is_some();
        let facts = Facts {
            site,
            mode: M::TAG,
            class,
            grade,
            area: &area.name,
            alarms: &alarms,
            rule: alarms
                .first()
                .and_then(|alarm| self.desk.directory.rule(site, &super::upkeep::judged_by(&alarm.key.rule))),
            sent,
            onset: if class.ends() {
                case.warning.onset
            } else {
                alarms.first().map_or(case.warning.onset, |a| a.onset)
            },
            expires: sent + lasting,
            lost,
            cleared,
            stands: case.warning.grade,
        };
        let letter = match to {
            Audience::Internal => 'i',
            Audience::Public => 'p',
        };
        let bulletin = Bulletin {
            id: BulletinId::from(format!("{}-{id}-{letter}{}", token(&site.sender), chain.count + 1)),
            sender: site.sender.clone(),
            warning: id.clone(),
            version: case.warning.version,
            class,
            mode: M::TAG,
            status: status(site, M::TAG),
            audience: to,
            grade,
            hazard: hazard.id.clone(),
            sent,
            effective: sent,
            onset: facts.onset,
            expires: facts.expires,
            references: chain.references(sent),
            note: note(site, &facts),
            evidence_lost: lost,
            event_code: hazard.event_code.clone(),
            categories: hazard.categories.clone(),
            response_type: response_type(hazard, class, grade).to_owned(),
            urgency: urgency(class, grade).to_owned(),
            certainty: if lost.is_some() { "Likely" } else { "Observed" }.to_owned(),
            issuer: site.issuer.clone(),
            contact: site.contact.clone(),
            offset_seconds: site.zone.offset_at(sent),
            texts: texts(&facts, hazard),
            area,
            // Of an alarm on which a person's word was put in a correction, what was heard is no measurement.
            measured: alarms.iter().filter(|it| !corrects(it)).map(|alarm| measured(alarm)).collect(),
        };
        let missing = missing(&bulletin);
        if !missing.is_empty() {
            return Err(refuse(Incomplete { id: bulletin.id, missing }));
        }
        let until = self.now.steady + lasting;
        Ok(Prepared { bulletin, cleared, renew_at: until - Span(lasting.0 / 10), until })
    }

    /// Records a bulletin and puts it on its way.
    pub(super) fn send(&mut self, prepared: Prepared) {
        let Prepared { bulletin, cleared, renew_at, until } = prepared;
        self.emit(Event::Spoken { bulletin: Box::new(bulletin.clone()), cleared, renew_at, until });
        self.dispatch(&bulletin);
    }

    /// The alarms that a bulletin lists: the graded ones that are not kept from its audience, highest first; where all are,
    /// those; once none is graded, those that were.
    fn leading(&self, id: &WarningId, to: Audience) -> Vec<&Alarm> {
        let Some(case) = self.desk.cases.get(id) else { return Vec::new() };
        let place = case.place();
        let heard = |alarm: &&Alarm| match to {
            Audience::Internal => !alarm.is_quieted(),
            Audience::Public => !alarm.is_withheld() && alarm.sure().is_some(),
        };
        let all = || self.desk.register.graded(&place);
        let mut graded: Vec<&Alarm> = all().filter(heard).take(MEASURED_MOST).collect();
        if graded.is_empty() {
            graded = all().take(MEASURED_MOST).collect();
        }
        if !graded.is_empty() {
            return graded;
        }
        let past = case.warning.alarms.iter().filter_map(|key| self.desk.register.get(key));
        past.map(|filed| &*filed.alarm).take(MEASURED_MOST).collect()
    }

    fn area_of(&self, id: &WarningId) -> BulletinArea {
        let area = self.desk.warning(id).map(|warning| &warning.area);
        let known = area.and_then(|area| self.desk.directory.area(&self.desk.site, area));
        match (known, area) {
            (Some(area), _) => {
                BulletinArea { id: area.id.clone(), name: area.name.clone(), polygons: area.polygons.clone() }
            }
            // An area that left the site while it was warned: its code still says where.
            (None, Some(code)) => BulletinArea { id: code.clone(), name: code.to_string(), polygons: Vec::new() },
            (None, None) => BulletinArea { id: "".into(), name: String::new(), polygons: Vec::new() },
        }
    }
}

/// The texts in the site's languages, in its order.
fn texts(facts: &Facts<'_>, hazard: &Hazard) -> Vec<Text> {
    let tongue = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
    let spoken = |language: &String| {
        let exact = hazard.texts.iter().find(|(tag, _)| tag == language);
        let near = || hazard.texts.iter().find(|(tag, _)| tongue(tag) == tongue(language));
        exact.or_else(near).map(|(_, texts)| wording::compose(facts, language, texts))
    };
    facts.site.languages.iter().filter_map(spoken).collect()
}

fn status(site: &Site, mode: ModeTag) -> Status {
    match (&site.test, mode) {
        (Some(_), _) => Status::Test,
        (None, ModeTag::Exercise) => Status::Exercise,
        (None, ModeTag::Live | ModeTag::Shadow) => Status::Actual,
    }
}

fn note(site: &Site, facts: &Facts<'_>) -> Option<String> {
    let test = site.test.as_ref().map(|test| test.note.as_str());
    let drill = (facts.mode == ModeTag::Exercise).then_some("exercise / 演练");
    let error = (facts.class == MessageClass::Cancel).then_some("issued in error / 误发撤销");
    let over = (facts.class == MessageClass::Expire).then_some("expired / 到期");
    let cleared = facts.cleared.then_some("conditions over, public all-clear awaits release / 条件已解除,待签发");
    let held = (facts.lost.is_some()).then_some("held, evidence lost / 监测中断,等级保持");
    let said: Vec<&str> =
        [test, drill, error, over, cleared, held].into_iter().flatten().filter(|note| !note.is_empty()).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

fn response_type(hazard: &Hazard, class: MessageClass, grade: Grade) -> &str {
    match class {
        MessageClass::AllClear => "AllClear",
        MessageClass::Cancel | MessageClass::Expire => "None",
        MessageClass::Issue
        | MessageClass::Upgrade
        | MessageClass::Downgrade
        | MessageClass::Continue
        | MessageClass::Extend
        | MessageClass::Correct => hazard.response_type.get(grade),
    }
}

/// CAP 1.2, 3.2.2 urgency: act now, within the hour, or be ready.
const fn urgency(class: MessageClass, grade: Grade) -> &'static str {
    if class.ends() {
        return "Past";
    }
    match grade {
        Grade::Red | Grade::Orange => "Immediate",
        Grade::Yellow => "Expected",
        Grade::Blue => "Future",
    }
}

fn measured(alarm: &Alarm) -> Measured {
    Measured {
        rule: alarm.key.rule.clone(),
        subject: alarm.key.subject.clone(),
        name: alarm.name.clone(),
        grade: alarm.standing(),
        value: alarm.value,
        threshold: alarm.threshold,
        unit: alarm.unit.clone(),
        at: alarm.at,
    }
}

const fn whole_seconds(span: Span) -> Span {
    Span(span.0 / 1_000 * 1_000)
}

/// A sender's name as part of an identifier: letters, digits and `._-@:`; anything else becomes `-`.
fn token(sender: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ':');
    sender.chars().map(|c| if fine(c) { c } else { '-' }).collect()
}

/// What a bulletin lacks, or breaks. Start and grade can't be absent: they are of types that have no "none".
fn missing(bulletin: &Bulletin) -> Vec<String> {
    let mut missing = Vec::new();
    let mut lacks = |so: bool, what: &str| {
        if so {
            missing.push(what.to_owned());
        }
    };
    // CAP 1.2, 3.2.1: no spaces, commas, `<`, `&` in names.
    let barred =
        |name: &str| name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&'));
    lacks(barred(bulletin.id.as_str()), "an identifier without spaces, commas, < and &");
    lacks(barred(&bulletin.sender), "a sender without spaces, commas, < and &");
    lacks(bulletin.texts.is_empty(), "a text in any of the site's languages");
    for text in &bulletin.texts {
        for (what, words) in [
            ("the hazard's name (类别)", &text.event),
            ("a headline with the grade (级别)", &text.headline),
            ("what to watch (警示事项)", &text.description),
            ("what to do (应采取的措施)", &text.instruction),
        ] {
            lacks(words.trim().is_empty(), &format!("{what} in {}", text.language));
        }
        let clean = |words: &str| !words.contains(|c: char| c.is_control() && c != '\n');
        let all = [&text.event, &text.headline, &text.description, &text.instruction];
        lacks(
            !all.iter().all(|words| clean(words)),
            &format!("a text without control characters in {}", text.language),
        );
    }
    lacks(bulletin.area.name.trim().is_empty(), "the area (可能影响范围)");
    lacks(bulletin.issuer.trim().is_empty(), "the issuer (发布单位)");
    lacks(bulletin.expires <= bulletin.effective, "an expiry after the start");
    lacks(bulletin.event_code.trim().is_empty(), "an event code (GB/T 35561)");
    let known = |category: &String| CATEGORIES.contains(&category.as_str());
    lacks(bulletin.categories.is_empty() || !bulletin.categories.iter().all(known), "categories of CAP 1.2");
    lacks(!RESPONSES.contains(&bulletin.response_type.as_str()), "a responseType of CAP 1.2");
    let refers = matches!(bulletin.class.cap(), "Update" | "Cancel");
    lacks(refers && bulletin.references.is_empty(), "a reference to what it updates or cancels");
    lacks(bulletin.references.iter().any(|earlier| earlier.id == bulletin.id), "references that are not itself");
    for ring in &bulletin.area.polygons {
        let closed = ring.len() >= 4 && ring.first() == ring.last();
        let on_earth = ring.iter().all(|(lat, lon)| (-90.0..=90.0).contains(lat) && (-180.0..=180.0).contains(lon));
        lacks(!closed, "closed polygons of at least four pairs");
        lacks(!on_earth, "polygons within ±90° and ±180°");
    }
    missing
}
