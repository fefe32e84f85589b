//! Tokens, keys and passwords stay on the wire: no log line, receipt or error shows one, even where a receiver echoes it.

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tracing_subscriber::fmt::MakeWriter;
use watchfire::config::settings::ChannelKind;
use watchfire::dissemination::channel;
use watchfire_connectors::config::Secret;
use watchfire_model::grade::Grade;
use watchfire_model::receipt::Outcome;

use crate::stage::{AtWork, clock, config, listener, notice};

/// All that is logged.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_secret_is_seen_by_its_receiver_alone() {
    let page = Page::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(page.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = listener().await;
    let address = listener.local_addr().expect("bound");
    let ears = Arc::clone(&heard);
    let echo = move |headers: HeaderMap| async move {
        let authorization = headers.get("authorization").and_then(|a| a.to_str().ok()).unwrap_or_default().to_owned();
        ears.lock().expect("not poisoned").push(authorization.clone());
        (StatusCode::UNPROCESSABLE_ENTITY, format!("you said {authorization}"))
    };
    let serving =
        tokio::spawn(axum::serve(listener, Router::new().route("/in/hunter2-path", post(echo))).into_future());

    let url = format!("http://{address}/in/hunter2-path?key=hunter2-key");
    let config = config(ChannelKind::CapHttp { url, token: Some(Secret::new("hunter2-token".to_owned())) });
    let mut courier = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    courier.send(notice("W-1", 1, Grade::Red)).await;
    let refused = courier.receipt().await;
    let words = "it answered 422 Unprocessable Entity: you said Bearer (secret)".to_owned();
    assert_eq!(refused.outcome, Outcome::Refused { reason: words });
    assert_eq!(*heard.lock().expect("not poisoned"), ["Bearer hunter2-token"]);

    // And where nobody answers at all.
    serving.abort();
    let _ = serving.await;
    let nobody = self::listener().await;
    let url = format!("http://user:hunter2-pass@{}/hunter2-path", nobody.local_addr().expect("bound"));
    drop(nobody);
    let config = crate::stage::config(ChannelKind::CapHttp { url, token: None });
    let mut courier = AtWork::start(&channel::open(&config, &clock()).expect("opens"));
    courier.send(notice("W-2", 1, Grade::Red)).await;
    let failing = courier.receipt().await;
    assert!(!format!("{failing:?}").contains("hunter2"), "{failing:?}");

    let log = String::from_utf8(page.0.lock().expect("not poisoned").clone()).expect("UTF-8");
    assert!(log.contains("notice refused") && log.contains("notice not delivered yet"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}
