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
    config::load_str(SITE, Path::new(".")).unwrap_or_else(|problems| panic!("{problems}")).site().clone()
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
            "9: \"yesterday\" is not a time as %Y-%m-%d %H:%M (column datetime)",
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

/// As RTKLIB writes positions: a head of remarks, then the week, the seconds of it, and blanks between all.
#[test]
fn positions_by_gps_week_and_by_day_of_the_year() {
    let week = r#"
        file = { delimiter = "blanks", header = false, comment = "%" }
        columns = { week = 1, tow = 2, up = 5 }
        time = { column = ["week", "tow"], format = "gps_week" }
        [[value]]
        column = "up"
        station = "slope"
        point = "up"
    "#;
    let text = "% program   : RTKLIB ver.2.4.3\n%  GPST          e-baseline(m)  n-baseline(m)  u-baseline(m)   Q  ns\n\
        2147 86400.000        1.2345         -3.4567         0.0120   1  12\n\
        2147 86401.000        1.2346         -3.4567         0.0121   1  12\n\
        99 86402.000        1.2346         -3.4567         0.0121   1  12\n\
        2147 700000.0        1.2346         -3.4567         0.0121   1  12\n2147\n";
    assert_eq!(
        told(week, text),
        [
            "2021-02-28T23:59:42Z slope/up 0.012",
            "2021-02-28T23:59:43Z slope/up 0.0121",
            "5: \"99 86402.000\" is not a time as GPS week and seconds of the week (column week, tow)",
            "6: \"2147 700000.0\" is not a time as GPS week and seconds of the week (column week, tow)",
            "7: the line has 1 columns, and the header needs 2",
        ]
    );
    let by_calendar = week.replace("week = 1, tow = 2", "day = 1, clock = 2").replace(
        "column = [\"week\", \"tow\"], format = \"gps_week\"",
        "column = [\"day\", \"clock\"], format = \"%Y/%m/%d %H:%M:%S.%f\", scale = \"gps\"",
    );
    assert_eq!(
        told(&by_calendar, "2021/03/01 00:00:00.500  1.2  -3.4  0.012  1\n"),
        ["2021-02-28T23:59:42.500Z slope/up 0.012"]
    );
    let day_of_year = week.replace("week = 1, tow = 2", "year = 1, day = 2, second = 3").replace(
        "column = [\"week\", \"tow\"], format = \"gps_week\"",
        "column = [\"year\", \"day\"], format = \"%Y %j\"",
    );
    assert_eq!(
        told(&day_of_year, "2016 366 0 0 1.5\n2016 367 0 0 1.5\n"),
        ["2016-12-31T00:00:00Z slope/up 1.5", "2: \"2016 367\" is not a time as %Y %j (column year, day)"]
    );
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
        ("time = { column = \"t\", format = \"gps\" }\n", "gps_week (week and seconds), mjd"),
        ("time = { column = \"t\", format = \"gps_week\" }\n", "needs two columns"),
        ("time = { column = \"t\", weeks_more = 2048 }\n", "weeks_more"),
        ("time = { column = \"t\", format = \"unix\", scale = \"gps\" }\n", "since 1970 is UTC"),
        ("time = { column = \"t\", scale = \"tai\" }\n", "unknown variant"),
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

#[test]
fn json_lines_are_read_by_key_and_by_pointer() {
    let map = r#"
        file = { delimiter = "json" }
        time = { column = "/meta/ts", format = "unix_ms" }
        station_column = "device"
        stations = { "LF-7" = "creek" }
        no_data = ["-9999"]
        [[value]]
        column = "/data/flow"
        point = "discharge"
        scale = 0.001
        [[value]]
        column = "p/mm"
        point = "rain"
    "#;
    let text = r#"{"device":"LF-7","meta":{"ts":1785567600000},"data":{"flow":1500},"p/mm":"0.2"}
{"device":"LF-7","meta":{"ts":1785567660000.4},"data":{"flow":-9999}}
{"device":"LF-7","meta":{"ts":1785567720000},"data":{"flow":null}}
{"device":"LF-7","data":{"flow":1}}
{"device":"LF-7","meta":{"ts":"noon"},"data":{"flow":1}}
{"device":"LF-7",
"#;
    assert_eq!(
        told(map, text),
        [
            "2026-08-01T07:00:00Z creek/discharge 1.5",
            "2026-08-01T07:00:00Z creek/rain 0.2",
            "2026-08-01T07:01:00Z creek/discharge absent",
            "2026-08-01T07:02:00Z creek/discharge absent",
            "4: there is no \"/meta/ts\" in this document",
            "5: \"noon\" is not a time as milliseconds since 1970 (column /meta/ts)",
            "6: this is not a JSON document: EOF while parsing a value at line 1 column 17",
        ]
    );
}

/// The national geohazard platform keys rows by their time; others send an array. Either may stand deep in a document.
#[test]
fn a_document_may_hold_many_rows() {
    let gnss = r#"
        file = { delimiter = "json", each = "/L1_GP_1" }
        time = { column = "@key", format = "%Y-%m-%d %H:%M:%S", zone = "Asia/Shanghai" }
        station_column = "deviceId"
        [[value]]
        column = "gpsTotalX"
        point = "x"
        [[value]]
        column = "gpsTotalZ"
        point = "z"
    "#;
    let text = r#"{"deviceId":"slope","L1_GP_1":{"2026-08-01 08:00:00":{"gpsTotalX":1.5,"gpsTotalY":0,"gpsTotalZ":-2},"2026-08-01 09:00:00":{"gpsTotalX":1.75}}}"#;
    let rows =
        ["2026-08-01T00:00:00Z slope/x 1.5", "2026-08-01T00:00:00Z slope/z -2", "2026-08-01T01:00:00Z slope/x 1.75"];
    assert_eq!(told(gnss, text), rows);

    let array = r#"
        file = { delimiter = "json", each = "/data/rows" }
        time = { column = "t", format = "unix" }
        station_column = "station"
        [[value]]
        column = "v"
        point = "rain"
    "#;
    let text = "{\"station\":\"creek\",\"data\":{\"rows\":[{\"t\":60,\"v\":1},{\"t\":120.5,\"v\":2,\"station\":\"other\"}]}}\n\
        {\"station\":\"creek\",\"data\":{\"rows\":[{\"t\":60,\"v\":1},{\"v\":2}]}}\n{\"station\":\"creek\",\"data\":{}}\n";
    assert_eq!(
        told(array, text),
        [
            "1970-01-01T00:01:00Z creek/rain 1",
            "1970-01-01T00:02:00.500Z other/rain 2",
            "2: there is no \"t\" in this document",
            "3: there is no \"/data/rows\" in this document",
        ]
    );
}

#[test]
fn what_a_document_s_map_cannot_say_is_refused() {
    let refused = |file: &str, more: &str| {
        let map = format!(
            "file = {file}\ntime = {{ column = \"t\" }}\n{more}\n[[value]]\ncolumn = \"v\"\nstation = \"creek\"\npoint = \"rain\"\n"
        );
        Map::parse(&map).map(|_| ()).expect_err("it is refused")
    };
    for (file, more, why) in [
        ("{ each = \"/a\" }", "", "file.each: rows within a line need file.delimiter = \"json\""),
        ("{ delimiter = \"json\", header = false }", "columns = { t = 1 }", "[columns]: in a document"),
        ("{ delimiter = \"json\" }", "station_column = \"@key\"", "\"@key\": file.each must say"),
    ] {
        let told = refused(file, more);
        assert!(told.contains(why), "{told}");
    }
}
