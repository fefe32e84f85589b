use std::io::Cursor;
use std::path::Path;

use super::*;
use crate::cli::backtest::recording::{Format, Line, Recording};
use crate::config;

const SITE: &str = "packs = [\"river\", \"rain\"]\n[site]\nname = \"s\"\nissuer = \"i\"\nsender = \"s.example\"\nzone = \"UTC\"\n\
    [[area]]\nid = \"a\"\nname = \"A\"\n\
    [[station]]\nid = \"creek\"\n[[station.point]]\nid = \"discharge\"\nquantity = \"discharge\"\nunit = \"m3/s\"\ninterval = \"1h\"\n\
    [[station.point]]\nid = \"rain\"\nquantity = \"rain\"\nunit = \"mm\"\nkind = \"increment\"\ninterval = \"1h\"\n\
    [[station]]\nid = \"other\"\n[[station.point]]\nid = \"rain\"\nquantity = \"rain\"\nunit = \"mm\"\nkind = \"increment\"\ninterval = \"1h\"\n";

fn site() -> Arc<Site> {
    config::load_str(SITE, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}")).site
}

/// What each line says: `time name value`, or `line: what is wrong with it`.
fn told(map: &str, text: &str) -> Vec<String> {
    let map = Arc::new(Map::parse(map).unwrap_or_else(|why| panic!("{why}")));
    let mapped = map.begin(site()).unwrap_or_else(|why| panic!("{why}"));
    let mut recording = Recording::sharing(Cursor::new(text.as_bytes()), Format::Mapped(Box::new(mapped)), 1);
    let (mut record, mut told) = (Record::new(), Vec::new());
    while let Some(line) = recording.next(&mut record).expect("memory can be read") {
        match line {
            Line::Nothing => {}
            Line::Bad(fault) => told.push(format!("{}: {fault}", recording.line())),
            Line::Reading => {
                let value = record.value.map_or_else(|bad| bad.word().to_owned(), |value| value.get().to_string());
                told.push(format!("{} {} {value}", record.at, String::from_utf8_lossy(&record.name)));
            }
        }
    }
    told
}

#[test]
fn an_rdb_file_of_the_usgs_is_read_as_it_is() {
    let map = r##"
        file = { delimiter = "tab", comment = "#", after_header = 1 }
        time = { column = "datetime", format = "%Y-%m-%d %H:%M", zone_column = "tz_cd" }
        zones = { EST = "-05:00", EDT = "-04:00" }
        no_data = ["Ice"]
        station_column = "site_no"
        stations = { "03567500" = "creek" }
        [[value]]
        column = "131417_00060"
        point = "discharge"
        unit = "ft3/s"
    "##;
    let text = "# ---- WARNING ----\n# retrieved: today\n\
        agency_cd\tsite_no\tdatetime\ttz_cd\t131417_00060\t131417_00060_cd\n5s\t15s\t20d\t6s\t14n\t10s\n\
        USGS\t03567500\t2014-05-01 01:00\tEDT\t1000\tA\nUSGS\t03567500\t2014-12-01 01:00\tEST\tIce\tP\n\
        USGS\t99\t2014-12-01 02:00\tEST\t1\tP\nUSGS\t99\t2014-12-01 02:00\tPST\t1\tP\nUSGS\t99\tyesterday\tEST\t1\tP\nUSGS\t99\n";
    assert_eq!(
        told(map, text),
        [
            "2014-05-01T05:00:00Z creek/discharge 28.316846592",
            "2014-12-01T06:00:00Z creek/discharge absent",
            "2014-12-01T07:00:00Z 99/discharge 1",
            "8: [zones] says nothing of \"PST\"",
            "9: \"yesterday\" is not a time as %Y-%m-%d %H:%M",
            "10: the line has 2 columns, and the header needs 3",
        ]
    );
}

#[test]
fn a_file_by_characters_is_read_with_hour_24() {
    let map = r#"
        file = { delimiter = "fixed", header = false }
        columns = { when = "3-12", rain = "13-15" }
        time = { column = "when", format = "%Y%m%d%H", zone = "-08:00" }
        [[value]]
        column = "rain"
        station = "creek"
        point = "rain"
        scale = 0.01
        unit = "in"
    "#;
    assert_eq!(
        told(map, "032010073124100\n032010080101000\n0320\n"),
        [
            "2010-08-01T08:00:00Z creek/rain 25.4",
            "2010-08-01T09:00:00Z creek/rain 0",
            "3: the line has 4 characters, and the map needs 12",
        ]
    );
}

#[test]
fn several_columns_and_quotes_and_blanks() {
    let quoted = r#"
        file = { delimiter = ";", decimal_comma = true, skip = 1 }
        time = { column = ["Date", "Time"], format = "%d/%m/%Y %H:%M:%S" }
        no_data = ["-200"]
        [[value]]
        column = "P"
        station = "creek"
        point = "rain"
        [[value]]
        column = "Q; total"
        station = "other"
        point = "rain"
    "#;
    assert_eq!(
        told(
            quoted,
            "a title\n\"Date\";Time;P;\"Q; total\"\r\n10/03/2004;18:00:00;\"2,6\";-200\r\n10/03/2004;\"19:00;1;1\n"
        ),
        [
            "2004-03-10T18:00:00Z creek/rain 2.6",
            "2004-03-10T18:00:00Z other/rain absent",
            "4: a quoted field does not end where it should",
        ]
    );
    let blanks = r#"
        file = { delimiter = "blanks", header = false }
        columns = { y = 1, m = 2, d = 3, h = 4, min = 5, rain = 6 }
        time = { column = ["y", "m", "d", "h", "min"], format = "%Y %m %d %H %M", zone = "America/Los_Angeles" }
        [[value]]
        column = "rain"
        station = "creek"
        point = "rain"
    "#;
    assert_eq!(told(blanks, "2015 \t 08 \t 17 \t 18 \t 15 \t 0.1\n"), ["2015-08-18T01:15:00Z creek/rain 0.1"]);
}

#[test]
fn rows_may_be_the_clock() {
    let map = r#"
        file = { header = false, skip_until = "@DATA" }
        columns = { rain = 2 }
        time = { every = "1m", from = "2000-01-01T00:00:00Z" }
        [[value]]
        column = "rain"
        station = "creek"
        point = "rain"
    "#;
    assert_eq!(
        told(map, "@ATTRIBUTE a real\n\n@DATA\n1,2\n3,4\n"),
        ["2000-01-01T00:00:00Z creek/rain 2", "2000-01-01T00:01:00Z creek/rain 4"]
    );
}

#[test]
fn a_map_that_makes_no_sense_says_why() {
    let value = "[[value]]\ncolumn = \"v\"\nstation = \"creek\"\npoint = \"rain\"\n";
    let refused = |map: &str| {
        let map = Map::parse(map).map(Arc::new).map_err(|why| why.to_string());
        map.and_then(|map| map.begin(site()).map(drop).map_err(|why| why.to_string())).expect_err("refused")
    };
    for (head, part) in [
        ("", "missing field `time`"),
        ("time = { colum = \"t\" }\n", "unknown field `colum`"),
        ("time = {}\n", "a column is missing"),
        ("time = { column = \"t\", every = \"1h\" }\n", "either a column"),
        ("time = { column = \"t\", format = \"%H\" }\n", "names no day"),
        ("time = { column = \"t\", zone = \"Asia/Shangai\" }\n", "no zone"),
        ("time = { column = \"t\", zone_column = \"z\" }\n", "[zones]"),
        ("file = { delimiter = \"abc\" }\ntime = { column = \"t\" }\n", "file.delimiter"),
        ("file = { delimiter = \"fixed\" }\ntime = { column = \"t\" }\n", "header = false"),
        ("file = { header = false }\ncolumns = { t = 0 }\ntime = { column = \"t\" }\n", "from 1"),
        ("file = { header = false }\ncolumns = { t = 1 }\ntime = { column = \"t\" }\n", "nothing of \"v\""),
        ("columns = { t = 1 }\ntime = { column = \"t\" }\n", "the header says"),
    ] {
        let why = refused(&format!("{head}{value}"));
        assert!(why.contains(part), "{head}\n{why}");
    }
    let why = refused(&format!("time = {{ column = \"t\" }}\n{value}unit = \"m3/s\"\n"));
    assert!(why.contains("v is in m3/s, and creek/rain in mm"), "{why}");
    let why = refused("time = { column = \"t\" }\n[[value]]\ncolumn = \"v\"\npoint = \"rain\"\n");
    assert!(why.contains("names no station"), "{why}");
}
