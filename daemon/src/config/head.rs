//! `[site]`: who warns, where it is what time, in which languages.

use watchfire_model::site::TestMark;
use watchfire_model::time::Zone;

use crate::config::problem::{Place, Problem};
use crate::config::read::Table;
use crate::config::zone;

/// `[site]`.
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) authority: String,
    pub(crate) issuer: String,
    pub(crate) sender: String,
    pub(crate) contact: String,
    pub(crate) zone: Zone,
    pub(crate) languages: Vec<String>,
    pub(crate) test: Option<TestMark>,
    pub(crate) at: Place,
}

impl Head {
    pub(crate) fn read(root: &Table<'_>) -> Self {
        let cx = root.cx;
        let mut head = Self {
            name: String::new(),
            authority: "county".into(),
            issuer: String::new(),
            sender: String::new(),
            contact: String::new(),
            zone: Zone::default(),
            languages: vec!["zh-CN".into()],
            test: None,
            at: root.at,
        };
        let Some(table) = root.table("site", "[site]") else {
            if root.get("site").is_none() {
                root.missing("[site]", "every configuration says who warns: name, issuer, sender, zone");
            }
            return head;
        };
        head.at = table.at;
        let text = |key, why| table.required(key, why).map(|text| text.value).unwrap_or_default();
        head.name = text("name", "");
        head.issuer = text("issuer", "who warns, as it stands in every bulletin (发布单位)");
        if let Some(sender) = table.required("sender", "globally unique, such as your domain: warnings.example.org") {
            if sender.value.contains([' ', ',', '<', '&']) || sender.value.contains(char::is_whitespace) {
                let problem = Problem::error(sender.at, "CAP allows no spaces, commas, `<` or `&` in a sender");
                cx.report(problem.label("CAP 1.2, 3.2.1"));
            }
            head.sender = sender.value;
        }
        head.contact = table.text("contact").map(|contact| contact.value).unwrap_or_default();
        const LEVELS: &[(&str, &str)] =
            &[("county", "county"), ("city", "city"), ("province", "province"), ("nation", "nation")];
        if let Some(authority) = table.word("authority", LEVELS) {
            head.authority = authority.value.into();
        }
        if let Some(name) = table.required("zone", "an IANA name such as Asia/Shanghai") {
            match zone::zone(&name.value) {
                Some(zone) => head.zone = zone,
                None => {
                    let problem = Problem::error(name.at, format!("there is no time zone \"{}\"", name.value));
                    cx.report(problem.hint(
                        "an IANA name such as Asia/Shanghai (the system needs tzdata), or an offset such as +08:00",
                    ));
                }
            }
        }
        let languages = table.texts("languages");
        if !languages.is_empty() {
            head.languages = languages.into_iter().map(|language| language.value).collect();
        }
        if let Some(mark) = table.text("test_mark") {
            let note =
                table.text("test_note").map_or_else(|| "This system is not in service.".into(), |note| note.value);
            head.test = Some(TestMark { mark: mark.value, note });
        }
        table.finish();
        head
    }
}
