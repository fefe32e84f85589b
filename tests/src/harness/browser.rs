//! A real Chromium, driven over WebDriver (W3C): what a person would see and press.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{self, Answer};
use super::process::{Process, command, free_port};
use super::wait;

/// Chromium's switches: no sandbox (tests run as root), and nothing that asks the world outside.
const SWITCHES: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// How long a page may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser with one window.
#[derive(Debug)]
pub struct Browser {
    driver: Process,
    session: String,
    _folder: TempDir,
}

impl Browser {
    /// A fresh profile, an empty window.
    ///
    /// # Panics
    /// If there is no Chromium or it does not come up.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let mut chromedriver = command("chromedriver");
        chromedriver.arg(format!("--port={port}"));
        let mut driver = Process::start("chromedriver", chromedriver, &folder.path().join("chromedriver.log"));
        driver.listening(port);
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let switches: Vec<&str> = SWITCHES.into_iter().chain([profile.as_str()]).collect();
        let options = json!({ "args": switches });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let made = answered(http::post_json(&format!("http://127.0.0.1:{port}/session"), "session", &wanted));
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("no session in {made}"));
        Self { driver, session: format!("http://127.0.0.1:{port}/session/{id}"), _folder: folder }
    }

    /// Opens a page.
    ///
    /// # Panics
    /// If the browser refuses.
    pub fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// What the page says, as a person reads it.
    ///
    /// # Panics
    /// If the browser refuses.
    pub fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// The value of a script run in the page.
    ///
    /// # Panics
    /// If the script fails.
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until the page says all of these.
    ///
    /// # Panics
    /// If it never does; says what it says instead.
    pub fn says(&self, words: &[&str]) -> String {
        let shown = || Some(self.text()).filter(|text| words.iter().all(|word| text.contains(word)));
        wait::attempt(PATIENCE, shown).unwrap_or_else(|| panic!("the page never says {words:?}:\n{}", self.text()))
    }

    /// Presses the first element that fits a CSS selector, once it is there.
    ///
    /// # Panics
    /// If none ever is, or it cannot be pressed.
    pub fn press(&self, css: &str) {
        let element = wait::within(PATIENCE, &format!("an element {css}"), || self.find(css));
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    /// Types into the first element that fits a CSS selector, once it is there.
    ///
    /// # Panics
    /// If none ever is, or it takes no keys.
    pub fn fill(&self, css: &str, text: &str) {
        let element = wait::within(PATIENCE, &format!("an element {css}"), || self.find(css));
        self.post(&format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// What went wrong in the page by the browser's own log: failed scripts, refused loads.
    ///
    /// # Panics
    /// If the browser refuses.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" }));
        let lines = log.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| line["message"].to_string()).collect()
    }

    /// The window as a PNG, base64.
    ///
    /// # Panics
    /// If the browser refuses.
    pub fn picture(&self) -> String {
        let picture = answered(http::get(&format!("{}/screenshot", self.session)));
        picture.as_str().unwrap_or_default().to_owned()
    }

    fn find(&self, css: &str) -> Option<String> {
        let wanted = json!({ "using": "css selector", "value": css });
        let answer = http::post_json(&format!("{}/element", self.session), "find", &wanted).ok()?;
        let found = answer.json()["value"].as_object()?.values().next()?.as_str()?.to_owned();
        (answer.status == 200).then_some(found)
    }

    fn post(&self, what: &str, body: &Value) -> Value {
        answered(http::post_json(&format!("{}/{what}", self.session), "do", body))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes Chromium too; the driver alone would leave it.
        let _ = http::delete(&self.session);
        self.driver.kill();
    }
}

fn answered(answer: Result<Answer, reqwest::Error>) -> Value {
    let answer = answer.expect("the driver answers");
    let mut body = answer.json();
    assert!(answer.status == 200, "the browser refused: {body}");
    body["value"].take()
}
