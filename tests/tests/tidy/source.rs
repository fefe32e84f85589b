//! Reads a Rust source as tidy does: comments and the insides of strings blanked, test-only items cut out, line numbers
//! kept. Not a parser: enough of the lexical grammar that a word in a comment or a string is never taken for code.

use std::path::{Path, PathBuf};

/// One file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the repository's root, with forward slashes.
    pub(crate) path: String,
    /// As written.
    pub(crate) text: String,
    /// Code alone: comments and strings blanked, line by line the same as `text`.
    pub(crate) code: String,
    /// `code` without what is under `#[cfg(test)]`.
    pub(crate) product: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let product = without_tests(&code);
        Self { path: path.to_owned(), text: text.to_owned(), code, product }
    }

    /// Whether the whole file is tests: of the tests crate, of a crate's `tests/` or `benches/`, or a `tests.rs`.
    pub(crate) fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        parts.iter().any(|part| matches!(*part, "tests" | "benches" | "examples"))
            || parts.last().is_some_and(|name| *name == "tests.rs" || name.ends_with("_tests.rs"))
    }

    /// Lines (from 1) on which `word` stands as a whole word in `code`.
    pub(crate) fn lines_with_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        code.lines().enumerate().filter(move |(_, line)| has_word(line, word)).map(|(at, _)| at + 1)
    }
}

/// Whether `word` stands in `line` with no letter, digit or underscore against it where it itself has one.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open = !word.starts_with(part) || before.is_none_or(|c| !part(c));
        let close = !word.ends_with(part) || after.is_none_or(|c| !part(c));
        open && close
    })
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests crate stands in the workspace").to_owned()
}

/// Every file that belongs to the repository, from the root, sorted. What builds and editors leave is not in it.
pub(crate) fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let listing = std::fs::read_dir(root().join(&folder)).expect("a folder of the repository can be read");
        for entry in listing {
            let entry = entry.expect("a folder of the repository can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = folder.join(&name);
            if entry.path().is_dir() {
                if !matches!(name.as_str(), ".git" | "target" | "node_modules" | "proptest-regressions") {
                    folders.push(path);
                }
            } else if name != ".git" {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file, read.
pub(crate) fn rust() -> Vec<Source> {
    files()
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| {
            let text = std::fs::read_to_string(root().join(&path)).expect("a source file is UTF-8");
            Source::new(&path, &text)
        })
        .collect()
}

/// Blanks comments and the insides of strings and character literals.
pub(crate) fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let keep = |c: char| if c == '\n' { '\n' } else { ' ' };
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let previous = at.checked_sub(1).and_then(|i| chars.get(i));
        let word_before = previous.is_some_and(|c| c.is_alphanumeric() || *c == '_');
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['r', '"' | '#', ..] if !word_before => raw_string(rest, 1).unwrap_or(0),
            ['b', 'r', '"' | '#', ..] if !word_before => raw_string(rest, 2).unwrap_or(0),
            ['"', ..] => string(rest),
            ['\'', '\\', ..] => rest.iter().skip(3).position(|c| *c == '\'').map_or(rest.len(), |end| end + 4),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if length == 0 {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(rest[..length].iter().map(|c| keep(*c)));
            at += length;
        }
    }
    out
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[char], prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return None;
    }
    let body = prefix + hashes + 1;
    let ends =
        |at: &usize| rest[*at] == '"' && rest[*at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    let end = (body..rest.len()).find(ends).unwrap_or(rest.len() - 1);
    Some((end + 1 + hashes).min(rest.len()))
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Blanks every item that stands under `#[cfg(test)]`, in text that [`blank`] has been over.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(test)]") {
        let start = from + found;
        let length = item_length(&out[start..]);
        let blanked: String = out[start..start + length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..start + length, &blanked);
        from = start;
    }
    out
}

/// Bytes from an attribute to the end of the item it stands on: to its `;`, or to the brace that closes it.
fn item_length(text: &str) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '{' => braces += 1,
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return at + 1;
                }
            }
            ';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_strings_are_not_code() {
    let text = "let a = \"rhai \\\" rhai\"; // rhai\n/* rhai /* rhai */ rhai */ let b = r#\"rhai \" rhai\"#;\nlet c = '\"'; rhai\n";
    let code = blank(text);
    assert_eq!(Source::lines_with_word(&code, "rhai").collect::<Vec<_>>(), [3]);
    assert_eq!(text.lines().count(), code.lines().count());
    assert_eq!(blank("fn f<'a>(x: &'a str) { '\\n' }"), "fn f<'a>(x: &'a str) {      }");
    assert_eq!(blank("for x in 'r'..'s' {}").trim_end().chars().last(), Some('}'));
}

#[test]
fn what_is_under_cfg_test_is_not_the_product() {
    let source = Source::new(
        "daemon/src/a.rs",
        "fn a() { one }\n#[cfg(test)]\nmod tests {\n    fn b() { two }\n}\nfn c() { three }\n#[cfg(test)]\nuse four;\nfn d() { five }\n",
    );
    let seen: Vec<&str> =
        ["one", "two", "three", "four", "five"].into_iter().filter(|word| has_word(&source.product, word)).collect();
    assert_eq!(seen, ["one", "three", "five"]);
}

#[test]
fn a_word_is_a_whole_word() {
    assert!(has_word("use rhai::Engine;", "rhai"));
    assert!(!has_word("use rhaiscript;", "rhai"));
    assert!(has_word("tokio::spawn(task)", "spawn("));
    assert!(!has_word("respawn(task)", "spawn("));
}
