//! The webhook as a receiver sees it: signed by Standard Webhooks 1.0, checked here with an HMAC written out by hand.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use watchfire::config::settings::ChannelKind;
use watchfire::dissemination::channel;
use watchfire_connectors::config::Secret;
use watchfire_model::grade::Grade;
use watchfire_model::receipt::Outcome;

use crate::stage::{AtWork, NOW, clock, config, listener, notice};

/// RFC 2104, for keys of at most one block.
fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64);
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).unwrap_or(&0) ^ with).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

#[test]
fn the_oracle_knows_its_hmac() {
    // RFC 4231, test case 2.
    let mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(&mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
}

type Seen = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that answers each request with the next status of its list, then with 204.
async fn receiver(answers: Vec<u16>) -> (String, Seen) {
    let seen = Seen::default();
    let hear = |State((seen, answers)): State<(Seen, Arc<Vec<u16>>)>, headers: HeaderMap, body: Bytes| async move {
        let mut seen = seen.lock().expect("not poisoned");
        let answer = answers.get(seen.len()).copied().unwrap_or(204);
        seen.push((headers, body));
        StatusCode::from_u16(answer).expect("a status")
    };
    let listener = listener().await;
    let url = format!("http://{}/hook?key=1", listener.local_addr().expect("bound"));
    let app = Router::new().route("/hook", post(hear)).with_state((Arc::clone(&seen), Arc::new(answers)));
    tokio::spawn(axum::serve(listener, app).into_future());
    (url, seen)
}

fn courier(url: String, keys: &[&[u8]]) -> AtWork {
    let secret = |key: &&[u8]| Secret::new(format!("whsec_{}", STANDARD.encode(key)));
    let config = config(ChannelKind::Webhook { url, secrets: keys.iter().map(secret).collect() });
    AtWork::start(&channel::open(&config, &clock()).expect("opens"))
}

#[tokio::test]
async fn every_attempt_is_signed_by_every_key_and_bears_the_same_id_and_body() {
    let keys: [&[u8]; 2] = [b"the key in force, 24+ bytes long", b"the key before it, now leaving"];
    let (url, seen) = receiver(vec![500, 429]).await;
    let mut courier = courier(url, &keys);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    assert_eq!(courier.delivered().await.2, 3);
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(seen.len(), 3);
    for (headers, body) in seen.iter() {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("webhook-id"), "W-1-1@platform");
        assert_eq!(header("webhook-timestamp"), (NOW.0 / 1_000).to_string());
        assert_eq!(header("content-type"), "application/json");
        let text = [b"W-1-1@platform.", header("webhook-timestamp").as_bytes(), b".", body].concat();
        let expected: Vec<_> =
            keys.iter().map(|key| format!("v1,{}", STANDARD.encode(hmac_sha256(key, &text)))).collect();
        assert_eq!(header("webhook-signature"), expected.join(" "));
        assert_eq!(body, &seen[0].1);
    }
    let body: serde_json::Value = serde_json::from_slice(&seen[0].1).expect("JSON");
    assert_eq!(body["type"], "warning.raised");
    assert_eq!(body["timestamp"], "2026-08-01T06:32:07Z");
    let data = &body["data"];
    for (pointer, expected) in [
        ("/warning", "W-1"),
        ("/bulletin", "W-1-1"),
        ("/grade", "red"),
        ("/numeral", "Ⅰ"),
        ("/hazard", "river_flood"),
        ("/status", "Test"),
        ("/area/name", "青石县城关镇"),
        ("/texts/0/language", "zh-CN"),
        ("/texts/1/event", "Flood"),
        ("/measured/0/subject", "qingshi"),
    ] {
        assert_eq!(data.pointer(pointer).and_then(|value| value.as_str()), Some(expected), "{pointer}");
    }
    assert_eq!(data["measured"][0]["value"], 53.62);
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_is_told_to_a_person() {
    let (url, seen) = receiver(vec![410]).await;
    let mut courier = courier(url, &[b"a key"]);
    courier.send(notice("W-1", 1, Grade::Red)).await;
    let refused = courier.receipt().await;
    assert_eq!(refused.outcome, Outcome::Refused { reason: "it answered 410 Gone".to_owned() });
    assert_eq!(seen.lock().expect("not poisoned").len(), 1);
}
