//! The part of a report that says who did what, person by person.

use watchfire_model::access::Role;
use watchfire_rules::figures::{Person, Spread};

use super::markdown::{LISTED, Page, rounded};

impl Page<'_> {
    /// People who signed in, and under them those for whom a program acted.
    pub(super) fn people(&mut self, people: &[Person], beyond: u64) {
        if people.is_empty() {
            return;
        }
        self.section("Who did what", "人员分工");
        let by_themselves = people.iter().filter(|person| person.through.is_none());
        self.acts(by_themselves.collect(), &[("who", "何人")], |person| vec![person.who.to_string()]);
        let by_programs: Vec<&Person> = people.iter().filter(|person| person.through.is_some()).collect();
        if !by_programs.is_empty() {
            let note = self.lang.pick(
                "\nThrough programs; who the people were, these alone know:\n",
                "\n经由程序(人员身份由该程序负责):\n",
            );
            self.line(note);
            let columns = [("program", "程序"), ("for", "代何人")];
            let names = |person: &Person| {
                let program = person.through.as_ref().map_or_else(String::new, ToString::to_string);
                vec![program, person.who.to_string()]
            };
            self.acts(by_programs, &columns, names);
        }
        if beyond > 0 {
            let what = self.lang.pick("acts are of further people.", "次操作属于其余人员。");
            self.line(&format!("\n{beyond} {what}"));
        }
    }

    fn acts(&mut self, people: Vec<&Person>, names: &[(&str, &str)], named: impl Fn(&Person) -> Vec<String>) {
        if people.is_empty() {
            return;
        }
        let columns = [
            ("role", "角色"),
            ("taken note of", "确认"),
            ("median", "中位"),
            ("longest", "最长"),
            ("signed", "签发"),
            ("median", "中位"),
            ("longest", "最长"),
            ("put aside", "搁置停用"),
            ("reports", "人工上报"),
            ("other acts", "其他"),
            ("refused", "被拒"),
        ];
        self.table(&[names, &columns].concat());
        for person in people.iter().take(LISTED) {
            let role = person.role.map_or("–", Role::word).to_owned();
            let counts = [person.put_aside, person.reported, person.other, person.refused];
            let cells: Vec<String> = (named(person).into_iter().chain([role]))
                .chain(times(&person.acknowledged))
                .chain(times(&person.signed))
                .chain(counts.map(|count| count.to_string()))
                .collect();
            self.row(&cells);
        }
        self.more(people.len());
    }
}

/// How often, and how soon: half the time and at the latest.
fn times(spread: &Spread) -> [String; 3] {
    let told = |span| if spread.count == 0 { "–".to_owned() } else { rounded(span).to_string() };
    [spread.count.to_string(), told(spread.p50), told(spread.most)]
}
