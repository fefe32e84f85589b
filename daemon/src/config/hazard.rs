//! Hazard profiles: from packs, then from the site, which overrides single keys.

use std::collections::BTreeMap;

use watchfire_model::grade::{Grade, PerGrade};
use watchfire_model::id::HazardId;
use watchfire_model::rule::{Class, Hazard, Reach, Release, ReleasePolicy, Texts};
use watchfire_model::time::Span;
use watchfire_rules::desk::text::PLACEHOLDERS;

use crate::config::amount::{self, Graded};
use crate::config::attention::AttentionDraft;
use crate::config::judging::{CLASSES, Judging};
use crate::config::names::{self, Names};
use crate::config::problem::{Place, Problem};
use crate::config::read::{At, Context, Node, Table};

/// The packs that are part of the program.
pub(crate) const PACKS: &[(&str, &str)] = &[
    ("river", include_str!("../../../rules/packs/river/pack.toml")),
    ("rain", include_str!("../../../rules/packs/rain/pack.toml")),
    ("flash_flood", include_str!("../../../rules/packs/flash_flood/pack.toml")),
    ("mine_gas", include_str!("../../../rules/packs/mine_gas/pack.toml")),
    ("slope", include_str!("../../../rules/packs/slope/pack.toml")),
    ("tailings", include_str!("../../../rules/packs/tailings/pack.toml")),
    ("air", include_str!("../../../rules/packs/air/pack.toml")),
];

/// CAP 1.2, 3.2.2.
const CATEGORIES: &[(&str, &str)] = &[
    ("Geo", "Geo"),
    ("Met", "Met"),
    ("Safety", "Safety"),
    ("Security", "Security"),
    ("Rescue", "Rescue"),
    ("Fire", "Fire"),
    ("Health", "Health"),
    ("Env", "Env"),
    ("Transport", "Transport"),
    ("Infra", "Infra"),
    ("CBRNE", "CBRNE"),
    ("Other", "Other"),
];
/// CAP 1.2, 3.2.2; AllClear is an ending's own.
const RESPONSE_TYPES: &[(&str, &str)] = &[
    ("Shelter", "Shelter"),
    ("Evacuate", "Evacuate"),
    ("Prepare", "Prepare"),
    ("Execute", "Execute"),
    ("Avoid", "Avoid"),
    ("Monitor", "Monitor"),
    ("Assess", "Assess"),
    ("None", "None"),
];
const REACHES: &[(&str, Reach)] = &[("public", Reach::Public), ("internal", Reach::Internal)];
const RELEASES: &[(&str, Release)] = &[("auto", Release::Auto), ("one", Release::One), ("two", Release::Two)];

/// A hazard as far as it is written.
#[derive(Default)]
struct Draft {
    place: Option<Place>,
    event_code: Option<String>,
    categories: Vec<String>,
    response_type: Graded<At<&'static str>>,
    class: Option<Class>,
    reach: Option<Reach>,
    expires_after: Graded<At<Span>>,
    acknowledge_within: Graded<At<Span>>,
    hold_max: Graded<At<Span>>,
    watched_by: Option<u32>,
    attention: AttentionDraft,
    defaults: Judging,
    texts: BTreeMap<String, TextsDraft>,
}

#[derive(Default)]
struct TextsDraft {
    event: Option<String>,
    headline: Option<String>,
    description: Option<String>,
    instruction: Graded<At<String>>,
    all_clear: Option<String>,
    cancelled: Option<String>,
}

/// All hazards, and how their rules judge where a rule does not say.
pub(crate) struct Hazards {
    drafts: Vec<(String, Draft)>,
    pub(crate) names: Names,
}

/// What a pack of ours says above a rule that it offers, line by line: its numbers with their sources. `origin` is where
/// the rule is written; nothing where that is no pack of ours.
pub(crate) fn remarks(origin: &str) -> Vec<&'static str> {
    let place = origin.strip_prefix("pack ").and_then(|place| place.rsplit_once(':'));
    let known = place.and_then(|(pack, line)| {
        let (_, text) = PACKS.iter().find(|(known, _)| *known == pack)?;
        Some((text, line.parse::<usize>().ok()?))
    });
    let Some((text, line)) = known else { return Vec::new() };
    let before: Vec<&str> = text.lines().take(line).collect();
    let above = before.iter().rposition(|line| line.starts_with("[[")).unwrap_or_default();
    let remark = |line: &&'static str| line.strip_prefix('#').map(str::trim);
    let mut remarks: Vec<&str> = before[..above].iter().rev().map_while(remark).collect();
    remarks.reverse();
    remarks
}

/// The hazards as the site has them.
pub(crate) struct Profiles {
    pub(crate) list: Vec<Hazard>,
    pub(crate) defaults: Vec<Judging>,
}

impl Hazards {
    pub(crate) fn new() -> Self {
        Self { drafts: Vec::new(), names: Names::new("hazard") }
    }

    /// Reads one `[[hazard]]`; keys already known from a pack are overridden.
    pub(crate) fn read(&mut self, table: Table<'_>) {
        let cx = table.cx;
        let Some(id) = table.required("id", "") else { return };
        if !names::identifier(cx, &id, "a hazard's id") {
            return;
        }
        let ix = self.names.get(&id.value).unwrap_or_else(|| {
            self.names.add(cx, &id, self.drafts.len());
            self.drafts.push((id.value.clone(), Draft { place: Some(id.at), ..Draft::default() }));
            self.drafts.len() - 1
        });
        if let Some((_, draft)) = self.drafts.get_mut(ix) {
            draft.apply(&table);
        }
        table.finish();
    }

    /// Fills in what nobody wrote and checks that the rest is there, for hazards in `used`.
    pub(crate) fn settle(self, cx: &Context<'_>, languages: &[String], used: &dyn Fn(&str) -> bool) -> Profiles {
        let mut profiles = Profiles { list: Vec::new(), defaults: Vec::new() };
        for (id, draft) in self.drafts {
            let complete = used(&id);
            let (hazard, defaults) = draft.settle(cx, &id, languages, complete);
            profiles.list.push(hazard);
            profiles.defaults.push(defaults);
        }
        profiles
    }
}

impl Draft {
    fn apply(&mut self, table: &Table<'_>) {
        let cx = table.cx;
        if let Some(code) = table.text("event_code") {
            if is_event_code(&code.value) {
                self.event_code = Some(code.value);
            } else {
                let problem = Problem::error(code.at, format!("\"{}\" is not an event code", code.value));
                cx.report(problem.hint("two digits, a capital letter, two digits, such as 11A01 (GB/T 35561-2017)"));
            }
        }
        let categories = table.list("categories");
        if !categories.is_empty() {
            self.categories =
                categories.iter().filter_map(|node| node.word(CATEGORIES)).map(|word| word.value.to_owned()).collect();
        }
        let replace = |old: &mut Graded<At<Span>>, node: Option<Node<'_>>, what| {
            if let Some(node) = node {
                old.overlay(amount::graded(&node, what, amount::span));
            }
        };
        replace(&mut self.expires_after, table.get("expires_after"), "`expires_after`");
        replace(&mut self.acknowledge_within, table.get("acknowledge_within"), "`acknowledge_within`");
        replace(&mut self.hold_max, table.get("hold_max"), "`hold_max`");
        self.watched_by = table.whole("watched_by", 1, 1_000).map(|sensors| sensors.value).or(self.watched_by);
        self.attention.apply(table);
        if let Some(node) = table.get("response_type") {
            self.response_type.overlay(amount::graded(&node, "`response_type`", |node| node.word(RESPONSE_TYPES)));
        }
        self.class = table.word("class", CLASSES).map(|class| class.value).or(self.class);
        self.reach = table.word("reach", REACHES).map(|reach| reach.value).or(self.reach);
        if let Some(defaults) = table.table("defaults", "[hazard.defaults]") {
            self.defaults.overlay(Judging::read(&defaults));
            defaults.finish();
        }
        if let Some(texts) = table.table("texts", "[hazard.texts]") {
            for (language, node) in texts.entries() {
                if let Some(words) = node.table("[hazard.texts.…]") {
                    self.texts.entry(language.value).or_default().apply(words);
                }
            }
        }
    }

    fn settle(self, cx: &Context<'_>, id: &str, languages: &[String], complete: bool) -> (Hazard, Judging) {
        let place = self.place.unwrap_or(Place { file: 0, start: 0, end: 0 });
        let lacks = |what: &str, hint: &str| {
            if complete {
                cx.report(Problem::error(place, format!("hazard \"{id}\" has no {what}")).hint(hint));
            }
        };
        if self.event_code.is_none() {
            lacks("`event_code`", "GB/T 35561-2017, such as 11A01 for a flood");
        }
        if self.categories.is_empty() {
            lacks("`categories`", "CAP 1.2, such as [\"Met\"]");
        }
        let mut texts = Vec::new();
        for language in languages {
            match spoken(&self.texts, language) {
                Some(words) => texts.push((language.clone(), words.settle(cx, id, language, place, complete))),
                None => lacks(
                    &format!("texts in \"{language}\""),
                    &format!("write [hazard.texts.{language}], or take the language out of site.languages"),
                ),
            }
        }
        let seconds = |graded: &Graded<At<Span>>, usual: fn(Grade) -> Span| {
            PerGrade::from_fn(|grade| graded.get(grade).map_or_else(|| usual(grade), |span| span.value))
        };
        let hazard = Hazard {
            id: HazardId::from(id),
            event_code: self.event_code.unwrap_or_default(),
            categories: self.categories,
            response_type: PerGrade::from_fn(|grade| {
                self.response_type.get(grade).map_or("Prepare", |word| word.value).to_owned()
            }),
            class: self.class.unwrap_or_default(),
            reach: self.reach.unwrap_or_default(),
            release: ReleasePolicy::default(),
            expires_after: seconds(&self.expires_after, |_| Span::hours(24)),
            acknowledge_within: seconds(&self.acknowledge_within, usual_acknowledgement),
            hold_max: PerGrade::from_fn(|grade| match grade {
                // Red never lapses by itself.
                Grade::Red => None,
                Grade::Blue | Grade::Yellow | Grade::Orange => {
                    Some(self.hold_max.get(grade).map_or_else(|| usual_hold(grade), |span| span.value))
                }
            }),
            watched_by: self.watched_by.unwrap_or(1),
            attention: self.attention.settle(),
            texts,
        };
        (hazard, self.defaults)
    }
}

/// DOMAIN §10: red 3 min, orange 5, yellow 10, blue 30.
fn usual_acknowledgement(grade: Grade) -> Span {
    match grade {
        Grade::Red => Span::minutes(3),
        Grade::Orange => Span::minutes(5),
        Grade::Yellow => Span::minutes(10),
        Grade::Blue => Span::minutes(30),
    }
}

/// SEMANTICS §5: orange 24 h, yellow 12 h, blue 6 h; then a person is asked, nothing is cleared.
fn usual_hold(grade: Grade) -> Span {
    match grade {
        Grade::Red | Grade::Orange => Span::hours(24),
        Grade::Yellow => Span::hours(12),
        Grade::Blue => Span::hours(6),
    }
}

/// `^[0-9]{2}[A-Z][0-9]{2}$` (GB/T 35561-2017).
fn is_event_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 5
        && bytes.iter().enumerate().all(|(at, b)| if at == 2 { b.is_ascii_uppercase() } else { b.is_ascii_digit() })
}

/// The texts for a language: its own, else those of the same tongue (`en` for `en-US`).
fn spoken<'t>(texts: &'t BTreeMap<String, TextsDraft>, language: &str) -> Option<&'t TextsDraft> {
    let tongue = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    texts
        .get(language)
        .or_else(|| texts.iter().find(|(known, _)| tongue(known) == tongue(language)).map(|(_, words)| words))
}

impl TextsDraft {
    fn apply(&mut self, table: Table<'_>) {
        let template = |key| {
            let text = table.get(key).and_then(|node| node.raw_text())?;
            sound(table.cx, &text);
            Some(text.value)
        };
        self.event = template("event").or(self.event.take());
        self.headline = template("headline").or(self.headline.take());
        self.description = template("description").or(self.description.take());
        self.all_clear = template("all_clear").or(self.all_clear.take());
        self.cancelled = template("cancelled").or(self.cancelled.take());
        if let Some(node) = table.get("instruction") {
            self.instruction.overlay(amount::graded(&node, "`instruction`", |node| {
                let text = node.raw_text()?;
                sound(node.cx, &text);
                Some(text)
            }));
        }
        table.finish();
    }

    fn settle(&self, cx: &Context<'_>, hazard: &str, language: &str, place: Place, complete: bool) -> Texts {
        let take = |text: &Option<String>, what: &str| {
            let text = text.clone().unwrap_or_default();
            if text.trim().is_empty() && complete {
                cx.report(Problem::error(place, format!("hazard \"{hazard}\" has no `{what}` in \"{language}\"")));
            }
            text
        };
        let instruction = PerGrade::from_fn(|grade| {
            let text = self.instruction.get(grade).map(|text| text.value.clone()).unwrap_or_default();
            if text.trim().is_empty() && complete {
                let message = format!("hazard \"{hazard}\" has no `instruction` for `{grade}` in \"{language}\"");
                cx.report(
                    Problem::error(place, message).hint("a warning without what to do must not go out (DOMAIN §1.1)"),
                );
            }
            text
        });
        Texts {
            event: take(&self.event, "event"),
            headline: take(&self.headline, "headline"),
            description: take(&self.description, "description"),
            instruction,
            all_clear: take(&self.all_clear, "all_clear"),
            cancelled: take(&self.cancelled, "cancelled"),
        }
    }
}

/// Reports braces that nothing fills.
fn sound(cx: &Context<'_>, text: &At<String>) {
    let mut rest = text.value.as_str();
    while let Some(open) = rest.find('{') {
        let after = &rest[open + 1..];
        let Some(close) = after.find('}') else {
            cx.report(Problem::error(text.at, "a `{` is never closed in this text"));
            return;
        };
        let name = &after[..close];
        if !PLACEHOLDERS.contains(&name) {
            let problem = Problem::error(text.at, format!("nothing fills `{{{name}}}` in this text"));
            let hint = crate::config::nearest::nearest(name, PLACEHOLDERS.iter().copied()).map_or_else(
                || format!("known: {}", PLACEHOLDERS.join(", ")),
                |near| format!("did you mean `{{{near}}}`?"),
            );
            cx.report(problem.hint(hint));
        }
        rest = &after[close + 1..];
    }
}

/// Reads `[release]`: per hazard, who signs; `one` for everything that is not written.
pub(crate) fn release(table: Option<Table<'_>>, names: &Names, hazards: &mut [Hazard], test: bool) {
    let Some(table) = table else { return };
    let cx = table.cx;
    for (hazard, node) in table.entries() {
        let Some(ix) = names.find(cx, &hazard) else { continue };
        let Some(slot) = hazards.get_mut(ix) else { continue };
        let Some(acts) = node.table("[release.…]") else { continue };
        let policy = |key| graded_release(acts.get(key));
        let (raise, lower, end) = (policy("raise"), policy("lower"), policy("end"));
        let fill = |graded: &Graded<At<Release>>| {
            PerGrade::from_fn(|grade| graded.get(grade).map_or(Release::One, |release| release.value))
        };
        slot.release = ReleasePolicy { raise: fill(&raise), lower: fill(&lower), end: fill(&end) };
        for grade in [Grade::Orange, Grade::Red] {
            if let Some(auto) = end.get(grade).filter(|release| release.value == Release::Auto && !test) {
                let problem = Problem::error(auto.at, format!("ending `{grade}` always needs a person"));
                cx.report(problem.hint("write end = { default = \"one\", blue = \"auto\", yellow = \"auto\" }"));
                break;
            }
        }
        if slot.reach == Reach::Internal {
            let problem = Problem::warning(hazard.at, format!("\"{}\" never goes to the public", hazard.value));
            cx.report(problem.label("its reach is internal, so nobody has to sign"));
        }
        acts.finish();
    }
}

fn graded_release(node: Option<Node<'_>>) -> Graded<At<Release>> {
    amount::graded_or_none(node, "who signs", |node| node.word(RELEASES))
}
