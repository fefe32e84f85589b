//! `watchfire config`: a full commented configuration that parses, options taken in or left out, and the schema of it.

use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::{Style, emit, new};

/// Options of `config`.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArgs {
    /// What to print or to write.
    #[command(subcommand)]
    pub what: ConfigWhat,
    /// How to answer.
    #[command(flatten)]
    pub style: Style,
}

/// What to print or to write.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigWhat {
    /// Writes a first configuration with its spreadsheets, its cases, and a recording to try it on.
    New(new::NewArgs),
    /// A full configuration with every option explained.
    Sample,
    /// JSON Schema (2020-12) of a configuration, of a pack or of a file of cases, for editors.
    Schema {
        /// Of what.
        #[arg(value_enum, default_value_t = SchemaOf::Site)]
        of: SchemaOf,
    },
}

/// What a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum SchemaOf {
    /// watchfire.toml, and the files that it names.
    Site,
    /// A pack: profiles of hazards, and rules on offer.
    Pack,
    /// Cases for `watchfire test`.
    Cases,
}

/// The sample.
pub const SAMPLE: &str = include_str!("sample.toml");

/// The schema. What the reader asks for and what stands here is the same; a test compares them.
pub const SCHEMA: &str = include_str!("schema.json");

/// The schema of a file of cases.
pub const CASES: &str = include_str!("sample/cases.json");

/// The schema of a pack: hazards and rules are written there as a site writes them.
fn pack() -> serde_json::Result<serde_json::Value> {
    let mut schema: serde_json::Value = serde_json::from_str(SCHEMA)?;
    let text = |what: &str| serde_json::json!({"type": "string", "description": what});
    let many = |what: &str| serde_json::json!({"type": "array", "items": {"$ref": format!("#/$defs/{what}")}});
    schema["$id"] = "urn:watchfire:pack".into();
    schema["title"] = "a pack".into();
    schema["description"] = "Profiles of hazards, rules that judge everywhere, and rules on offer.".into();
    schema["properties"] = serde_json::json!({
        "pack": {
            "title": "[pack]",
            "type": "object",
            "properties": {
                "name": text("Its name."),
                "summary": text("What it is for, in a line."),
                "sources": text("Where its numbers come from."),
            },
            "additionalProperties": false,
        },
        "hazard": many("hazard"),
        "rule": many("rule"),
        "offer": many("rule"),
    });
    Ok(schema)
}

/// Prints or writes what was asked for.
pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match &args.what {
        ConfigWhat::New(wanted) => return new::run(wanted, args.style.lang()),
        ConfigWhat::Sample => emit(SAMPLE),
        ConfigWhat::Schema { of: SchemaOf::Site } => emit(SCHEMA),
        ConfigWhat::Schema { of: SchemaOf::Pack } => emit(&format!("{:#}\n", pack()?)),
        ConfigWhat::Schema { of: SchemaOf::Cases } => emit(CASES),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod schema;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::SAMPLE;
    use crate::config;

    #[test]
    fn the_sample_is_sound_as_it_is() {
        let examined = config::examine_str("sample.toml", SAMPLE, Path::new("."));
        assert!(examined.problems.is_empty(), "{}", examined.problems);
    }

    /// A line behind a single `#` is an option; where a key is there twice, the later example takes the place of the first.
    pub(super) fn with_every_option() -> String {
        let mut lines: Vec<&str> = Vec::new();
        for line in SAMPLE.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with('#') => rest,
            Some(_) | None => line,
        }) {
            let key = |line: &str| line.split_once(" = ").map(|(key, _)| key.to_owned());
            let section = lines.iter().rposition(|line| line.starts_with('[')).unwrap_or(0);
            let plain = |line: &str| !line.starts_with([' ', '#']);
            let same =
                |at: &usize| plain(lines[*at]) && plain(line) && key(line).is_some() && key(lines[*at]) == key(line);
            if let Some(at) = (section..lines.len()).find(same) {
                lines[at] = "";
            }
            lines.push(line);
        }
        lines.join("\n")
    }

    #[test]
    fn every_option_of_the_sample_is_one() {
        let folder = with_all_it_names();
        let text = with_every_option();
        let examined = config::examine_str("sample.toml", &text, folder.path());
        assert!(!examined.problems.has_errors(), "{}", examined.problems);
        let settings = examined.settings.expect("no error was reported");
        assert_eq!((settings.channels.len(), settings.influx.len(), settings.modbus.len()), (4, 1, 1));
        assert!(settings.site().test.is_some() && settings.site().groups.len() == 1);
    }

    /// A folder with every file that the sample names.
    pub(super) fn with_all_it_names() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ring = "[[[111.0,25.0],[111.1,25.0],[111.1,25.1],[111.0,25.0]]]";
        let files = [
            ("areas.csv", "id,name,population\n430000000001,下青村,1200\n".to_owned()),
            ("stations.csv", "id,name,area\nshangqing,上青站,430000000000\n".to_owned()),
            (
                "points.csv",
                "station,id,quantity,unit,interval,yellow,source\nshangqing,stage,stage,m,5m,60,key:upper\n\
                 qingshi,rain,rain,mm,5m,,key:rain\n"
                    .to_owned(),
            ),
            ("stations/one.toml", String::new()),
            ("rules/one.toml", String::new()),
            ("area.geojson", format!("{{\"type\":\"Polygon\",\"coordinates\":{ring}}}")),
            ("secrets/mqtt", "secret\n".to_owned()),
            ("secrets/platform", "secret\n".to_owned()),
            ("secrets/webhook", "whsec_ZXhhbXBsZS1zZWNyZXQtbm90LWZvci11c2UtMDA=\n".to_owned()),
            ("secrets/influx", "secret\n".to_owned()),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it can be made");
            std::fs::write(path, text).expect("it can be written");
        }
        folder
    }
}
