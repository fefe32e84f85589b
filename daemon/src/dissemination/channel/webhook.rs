//! JSON to a webhook, signed as Standard Webhooks 1.0 says: `webhook-id` is the key, the time is the attempt's, and
//! every key in force signs, so that a receiver can change its own at leisure.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use watchfire_connectors::config::Secret;
use watchfire_connectors::intake::WallClock;
use watchfire_model::id::ChannelName;

use super::{Channel, Delivery, Kind, OpenError, Parcel};
use crate::config::settings::{ChannelConfig, ChannelKind};
use crate::dissemination::format::json;
use crate::dissemination::http::{Endpoint, key_header};

pub(super) const KIND: Kind = Kind {
    word: "webhook",
    example: r#"
[[channel]]
name = "dispatch-room"
kind = "webhook"
url = "https://dispatch.example.org/hooks/watchfire"
secret_file = "dispatch-room.secret"
audience = "internal"
from_grade = "yellow"
timeout = "10s"
"#,
    open: |config, clock| match &config.kind {
        ChannelKind::Webhook { url, secrets } => Some(open(config, url, secrets, clock)),
        ChannelKind::CapHttp { .. } | ChannelKind::Spool { .. } => None,
    },
};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

#[derive(Debug)]
struct Webhook {
    name: ChannelName,
    endpoint: Endpoint,
    keys: Vec<Key>,
}

/// One HMAC-SHA256 key; never shown.
struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Key {
    /// Reads `whsec_` and base64; `None` for anything else, and for an empty key.
    fn read(secret: &Secret) -> Option<Self> {
        let bytes = STANDARD.decode(secret.reveal().trim().strip_prefix("whsec_")?).ok()?;
        if bytes.is_empty() {
            return None;
        }
        Some(Self(Hmac::new_from_slice(&bytes).expect("an HMAC takes a key of any length")))
    }

    /// `v1,` and the base64 of the HMAC over `id.timestamp.body`.
    fn sign(&self, id: &[u8], seconds: &str, body: &str) -> String {
        let mut mac = self.0.clone();
        for part in [id, b".", seconds.as_bytes(), b".", body.as_bytes()] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

fn open(
    config: &ChannelConfig,
    url: &str,
    secrets: &[Secret],
    clock: &WallClock,
) -> Result<Arc<dyn Channel>, OpenError> {
    let unusable = || OpenError::Unusable {
        channel: config.name.clone(),
        what: "secret",
        reason: "`whsec_` and base64 are needed, at least one",
    };
    let keys: Vec<Key> = secrets.iter().map(|s| Key::read(s).ok_or_else(unusable)).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(unusable());
    }
    let endpoint = Endpoint::new(&config.name, url, config.timeout, clock, secrets.to_vec())?;
    Ok(Arc::new(Webhook { name: config.name.clone(), endpoint, keys }))
}

impl Channel for Webhook {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a> {
        Box::pin(async move {
            let body = json::json(parcel.bulletin());
            let id = key_header(parcel.key());
            let seconds = self.endpoint.now().0.div_euclid(1_000).to_string();
            let sign = |key: &Key| key.sign(id.as_bytes(), &seconds, &body);
            let signatures = self.keys.iter().map(sign).collect::<Vec<_>>().join(" ");
            let ascii = |text: &str| HeaderValue::from_str(text).expect("digits and base64 are a header's value");
            let headers = HeaderMap::from_iter([
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (TIMESTAMP, ascii(&seconds)),
                (SIGNATURE, ascii(&signatures)),
                (ID, id),
            ]);
            self.endpoint.post(parcel.key(), headers, body).await
        })
    }
}
