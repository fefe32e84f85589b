//! The console in a real browser: signing in, acting as oneself, and leaving nothing behind.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use watchfire::config::settings::AccessConfig;
use watchfire_model::access::Role;

use crate::who::{House, PASSWORD};

/// Chromium, driven by WebDriver (W3C), on a profile that is thrown away.
struct Browser {
    driver: Child,
    client: reqwest::Client,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    async fn open() -> Self {
        let mut driver = Command::new("chromedriver");
        driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = driver.spawn().expect("chromedriver is installed (package chromium-driver)");
        let mut lines = BufReader::new(driver.stdout.take().expect("it was asked for")).lines();
        let port = lines.find_map(|line| {
            let line = line.expect("it speaks");
            line.split_once("successfully on port ").map(|(_, port)| port.trim_end_matches('.').to_owned())
        });
        let port = port.expect("it starts");
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--lang=en",
            "--window-size=1280,900",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let at = format!("http://127.0.0.1:{port}/session");
        let answer = client.post(&at).json(&wanted).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {answer}"));
        Self { driver, session: format!("{at}/{id}"), client }
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.client.post(format!("{}{path}", self.session)).json(body).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{path} {body}: {answer}");
        answer["value"].clone()
    }
    async fn goes_to(&self, url: &str) {
        self.ask("/url", &json!({"url": url})).await;
    }
    async fn says(&self, script: &str) -> Value {
        self.ask("/execute/sync", &json!({"script": script, "args": []})).await
    }
    /// Waits until the page shows something that fits a selector.
    async fn element(&self, css: &str) -> String {
        let there = format!("return document.querySelector({}) !== null", json!(css));
        self.until(css, &there).await;
        let found = self.ask("/element", &json!({"using": "css selector", "value": css})).await;
        let id = found.as_object().and_then(|found| found.values().next()?.as_str().map(str::to_owned));
        id.expect("an element has an id")
    }
    async fn until(&self, what: &str, script: &str) {
        let holds = async { while self.says(script).await != true {} };
        if tokio::time::timeout(Duration::from_secs(30), holds).await.is_err() {
            panic!("never {what}: {}", self.says("return document.body.innerText").await);
        }
    }
    async fn types(&self, css: &str, text: &str) {
        let path = format!("/element/{}/value", self.element(css).await);
        self.ask(&path, &json!({ "text": text })).await;
    }
    async fn clicks(&self, css: &str) {
        let path = format!("/element/{}/click", self.element(css).await);
        self.ask(&path, &json!({})).await;
    }
    async fn closes(self) {
        let _ = self.client.delete(&self.session).send().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_signs_in_acts_as_themselves_and_leaves_nothing_behind() {
    let house = House::open(AccessConfig::default()).await;
    house.person("zhang", Role::Officer, &["river_flood"], &["*"]).await;
    let browser = Browser::open().await;
    browser.goes_to(&format!("{}/?lang=en", house.url)).await;
    browser.types("input[autocomplete=username]", "zhang").await;
    assert_eq!(browser.says("return document.body.innerText.includes('青石站')").await, false, "nothing is told");
    browser.types("input[type=password]", "not the password").await;
    browser.clicks(".door button[type=submit]").await;
    browser.element(".door .trouble").await;
    browser.types("input[type=password]", PASSWORD).await;
    browser.clicks(".door button[type=submit]").await;
    browser.until("the warnings are shown", "return document.body.innerText.includes('青石站')").await;
    browser
        .until("their name", "return document.querySelector('.who').innerText.startsWith('zhang duty officer')")
        .await;
    assert_eq!(browser.says("return document.cookie").await, "", "no script can read the key");

    browser.clicks(".act-buttons .ack").await;
    assert_eq!(
        browser.says("return document.querySelectorAll('.act-form input').length").await,
        1,
        "a reason and no name"
    );
    browser.types(".act-form input", "seen").await;
    browser.clicks(".act-form button[type=submit]").await;
    browser
        .until("it is recorded", "return (document.querySelector('.done')?.innerText ?? '').includes('zhang')")
        .await;

    // The gas is another's: there is nothing to press.
    let gas = "const card = [...document.querySelectorAll('.card')].find((card) => card.innerText.includes('七矿'));
               card.click(); return true";
    browser.says(gas).await;
    let no_buttons = "return document.querySelector('.detail').innerText.includes('W-20260801-0002') \
                      && document.querySelectorAll('.act-buttons button').length === 0";
    browser.until("no act is offered", no_buttons).await;

    browser.clicks(".who button").await;
    browser.element(".door input[type=password]").await;
    assert_eq!(browser.says("return document.body.innerText.includes('青石站')").await, false, "nothing is left");
    browser.closes().await;
}
