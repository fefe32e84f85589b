//! The result as JUnit XML: a suite for each file, a failure for each case that was not as expected.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::report::{CaseResult, FileResult};

/// The whole document.
pub(super) fn document(files: &[FileResult]) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&CaseResult> = files.iter().flat_map(|file| &file.cases).collect();
    let [tests, failures, time] = sums(&all);
    writer
        .create_element("testsuites")
        .with_attributes([("tests", tests.as_str()), ("failures", failures.as_str()), ("time", time.as_str())])
        .write_inner_content(|writer| files.iter().try_for_each(|file| suite(writer, file)))?;
    let mut xml = writer.into_inner();
    xml.push(b'\n');
    Ok(xml)
}

fn suite(writer: &mut Writer<Vec<u8>>, file: &FileResult) -> std::io::Result<()> {
    let [tests, failures, time] = sums(&file.cases.iter().collect::<Vec<_>>());
    let attributes =
        [("name", file.name.as_str()), ("tests", &tests), ("failures", &failures), ("errors", "0"), ("time", &time)];
    writer
        .create_element("testsuite")
        .with_attributes(attributes)
        .write_inner_content(|writer| file.cases.iter().try_for_each(|it| case(writer, &file.name, it)))?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, file: &str, case: &CaseResult) -> std::io::Result<()> {
    let seconds = format!("{:.6}", case.seconds);
    let element = writer.create_element("testcase").with_attributes([
        ("classname", file),
        ("name", case.name.as_str()),
        ("time", &seconds),
    ]);
    match &case.failures {
        None => element.write_empty()?,
        Some((heads, shown)) => element.write_inner_content(|writer| {
            let failure = writer.create_element("failure").with_attributes([("message", heads.as_str())]);
            failure.write_text_content(BytesText::new(shown))?;
            Ok(())
        })?,
    };
    Ok(())
}

/// How many, how many of them failed, and how long they took.
fn sums(cases: &[&CaseResult]) -> [String; 3] {
    let failed = cases.iter().filter(|case| case.failures.is_some()).count();
    let seconds: f64 = cases.iter().map(|case| case.seconds).sum();
    [cases.len().to_string(), failed.to_string(), format!("{seconds:.6}")]
}
