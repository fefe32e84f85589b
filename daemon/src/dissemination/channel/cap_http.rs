//! CAP 1.2 by HTTP POST: the body is the message, the key stands in `Idempotency-Key`.

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use watchfire_connectors::config::Secret;
use watchfire_connectors::intake::WallClock;
use watchfire_model::id::ChannelName;

use super::{Channel, Delivery, Kind, OpenError, Parcel};
use crate::config::settings::{ChannelConfig, ChannelKind};
use crate::dissemination::format::cap;
use crate::dissemination::http::{Endpoint, key_header};

pub(super) const KIND: Kind = Kind {
    word: "cap_http",
    example: r#"
[[channel]]
name = "county-platform"
kind = "cap_http"
url = "https://warnings.example.org/cap"
token_file = "county-platform.token"
audience = "public"
from_grade = "blue"
timeout = "10s"
"#,
    open: |config, clock| match &config.kind {
        ChannelKind::CapHttp { url, token } => Some(open(config, url, token.as_ref(), clock)),
        ChannelKind::Webhook { .. } | ChannelKind::Spool { .. } => None,
    },
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[derive(Debug)]
struct CapHttp {
    name: ChannelName,
    endpoint: Endpoint,
    /// Marked sensitive: its `Debug` shows nothing.
    bearer: Option<HeaderValue>,
}

fn open(
    config: &ChannelConfig,
    url: &str,
    token: Option<&Secret>,
    clock: &WallClock,
) -> Result<Arc<dyn Channel>, OpenError> {
    let unusable = || OpenError::Unusable {
        channel: config.name.clone(),
        what: "token",
        reason: "visible ASCII characters on one line are needed",
    };
    let bearer = token
        .map(|token| {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", token.reveal().trim())).map_err(|_| unusable())?;
            value.set_sensitive(true);
            Ok(value)
        })
        .transpose()?;
    let hidden = token.cloned().into_iter().collect();
    let endpoint = Endpoint::new(&config.name, url, config.timeout, clock, hidden)?;
    Ok(Arc::new(CapHttp { name: config.name.clone(), endpoint, bearer }))
}

impl Channel for CapHttp {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    fn deliver<'a>(&'a self, parcel: Parcel<'a>) -> Delivery<'a> {
        Box::pin(async move {
            let mut headers = HeaderMap::with_capacity(3);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(cap::MEDIA_TYPE));
            headers.insert(IDEMPOTENCY_KEY, key_header(parcel.key()));
            if let Some(bearer) = &self.bearer {
                headers.insert(AUTHORIZATION, bearer.clone());
            }
            self.endpoint.post(parcel.key(), headers, cap::cap(parcel.bulletin())).await
        })
    }
}
