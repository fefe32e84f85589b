//! What a run of cases says: a line for each file and a sum on stdout, failures on stderr; as JSON or CSV a line for each
//! case.

use watchfire_rules::trial::Verdict;

use crate::cli::{Format, Style, emit};
use crate::clock::Stopwatch;
use crate::config::problem::Problems;
use crate::lang::Lang;

use super::case::Written;
use super::file::{Site, Sites, TestFile};
use super::verdict;

/// What became of the cases so far.
pub(super) struct Report {
    style: Style,
    files: Vec<FileResult>,
}

/// What became of one file.
pub(super) struct FileResult {
    /// Its name.
    pub(super) name: String,
    /// Its cases that were told.
    pub(super) cases: Vec<CaseResult>,
}

/// What became of one case.
pub(super) struct CaseResult {
    /// Its name.
    pub(super) name: String,
    /// How long it took.
    pub(super) seconds: f64,
    /// What was not as expected, as it was shown, and the first line of each.
    pub(super) failures: Option<(String, String)>,
}

impl Report {
    pub(super) const fn new(style: Style) -> Self {
        Self { style, files: Vec::new() }
    }

    pub(super) fn files(&self) -> &[FileResult] {
        &self.files
    }

    /// How many cases were told.
    pub(super) fn cases(&self) -> usize {
        self.files.iter().map(|file| file.cases.len()).sum()
    }

    /// How many of them failed.
    pub(super) fn failed(&self) -> usize {
        self.files.iter().flat_map(|file| &file.cases).filter(|case| case.failures.is_some()).count()
    }

    /// Tells the cases of a file that fit, and says what became of them.
    pub(super) fn file(&mut self, file: &TestFile, sites: &Sites, filter: Option<&str>) {
        let Some(site) = sites.get(file.site) else { return };
        let cases: Vec<CaseResult> =
            file.cases.iter().filter(|case| fits(case, file, filter)).map(|case| self.case(file, case, site)).collect();
        if cases.is_empty() {
            return;
        }
        let (all, failed) = (cases.len(), cases.iter().filter(|case| case.failures.is_some()).count());
        if self.style.output == Format::Table {
            let mark = if failed == 0 { '✓' } else { '✗' };
            emit(&match (self.style.lang(), failed) {
                (Lang::En, 0) => format!("{mark} {}  {all} cases\n", file.name),
                (Lang::En, _) => format!("{mark} {}  {failed} of {all} cases failed\n", file.name),
                (Lang::Zh, 0) => format!("{mark} {}  {all} 个用例\n", file.name),
                (Lang::Zh, _) => format!("{mark} {}  {all} 个用例中 {failed} 个失败\n", file.name),
            });
        }
        self.files.push(FileResult { name: file.name.clone(), cases });
    }

    fn case(&self, file: &TestFile, case: &Written, site: &Site) -> CaseResult {
        let watch = Stopwatch::start();
        let verdicts = case.case.tell(&site.settings.rules);
        let seconds = watch.seconds();
        let problems = self.problems(file, case, &verdicts, site);
        let failures = (!problems.is_empty()).then(|| {
            let heads: Vec<&str> = problems.iter().map(|(problem, _)| problem.message.as_str()).collect();
            (heads.join("; "), problems.to_string())
        });
        match self.style.output {
            Format::Table if problems.is_empty() => {}
            Format::Table => eprintln!("{}", problems.display(self.style.lang(), self.style.colour())),
            Format::Json => emit(&format!("{}\n", json(file, case, &problems, seconds))),
            Format::Csv => {
                let header = if self.files.is_empty() && is_first(file, case) {
                    "file,case,passed,seconds,failures\n"
                } else {
                    ""
                };
                let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
                let heads = failures.as_ref().map_or("", |(heads, _)| heads);
                let passed = failures.is_none();
                let (name, case) = (quoted(&file.name), quoted(&case.name));
                emit(&format!("{header}{name},{case},{passed},{seconds:.6},{}\n", quoted(heads)));
            }
        }
        CaseResult { name: case.name.clone(), seconds, failures }
    }

    fn problems(&self, file: &TestFile, case: &Written, verdicts: &[Verdict], site: &Site) -> Problems {
        let mut problems = file.text.texts();
        for (place, verdict) in verdicts.iter().enumerate() {
            if let Some(problem) = verdict::problem(case, place, verdict, site, self.style.lang()) {
                problems.push(problem);
            }
        }
        problems.sort();
        problems
    }

    /// The sum.
    pub(super) fn summary(&self, seconds: f64) {
        if self.style.output != Format::Table {
            return;
        }
        let (files, cases, failed) = (self.files.len(), self.cases(), self.failed());
        emit(&match (self.style.lang(), failed) {
            (Lang::En, 0) => format!("{cases} cases in {files} files, all as expected ({seconds:.2} s)\n"),
            (Lang::En, _) => format!("{failed} of {cases} cases in {files} files failed ({seconds:.2} s)\n"),
            (Lang::Zh, 0) => format!("{files} 个文件 {cases} 个用例,全部符合预期({seconds:.2} 秒)\n"),
            (Lang::Zh, _) => format!("{files} 个文件 {cases} 个用例,{failed} 个失败({seconds:.2} 秒)\n"),
        });
    }
}

/// Whether a case is wanted: its name, its file or a rule that it is about holds the text.
pub(super) fn fits(case: &Written, file: &TestFile, filter: Option<&str>) -> bool {
    filter.is_none_or(|text| {
        let of_rule = case.case.expected.iter().any(|expected| expected.rule.as_str().contains(text));
        case.name.contains(text) || file.name.contains(text) || of_rule
    })
}

fn is_first(file: &TestFile, case: &Written) -> bool {
    file.cases.first().is_some_and(|first| first.at == case.at)
}

fn json(file: &TestFile, case: &Written, problems: &Problems, seconds: f64) -> serde_json::Value {
    let failures: Vec<serde_json::Value> = problems
        .iter()
        .map(|(problem, position)| {
            let (line, column) = position.map_or((0, 0), |at| (at.line, at.column));
            serde_json::json!({
                "line": line, "column": column, "message": problem.message, "detail": problem.detail,
            })
        })
        .collect();
    serde_json::json!({
        "file": file.name, "case": case.name, "passed": problems.is_empty(), "seconds": seconds, "failures": failures,
    })
}
