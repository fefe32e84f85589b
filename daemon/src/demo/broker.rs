//! The demo's own MQTT broker, on loopback: rumqttd on a thread of its own. Never for production: it keeps nothing.

use std::collections::HashMap;
use std::net::SocketAddr;

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Starts a broker at `listen`; it lives as long as the process.
pub(crate) fn start(listen: SocketAddr) -> std::io::Result<()> {
    let server = ServerSettings {
        name: "demo".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 5_000,
            max_payload_size: 1 << 20,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    let router = RouterConfig {
        max_connections: 16,
        max_outgoing_packet_count: 200,
        max_segment_size: 1 << 20,
        max_segment_count: 10,
        ..RouterConfig::default()
    };
    let config = Config { id: 0, router, v4: Some(HashMap::from([("demo".to_owned(), server)])), ..Config::default() };
    std::thread::Builder::new().name("demo-broker".to_owned()).spawn(move || {
        if let Err(error) = Broker::new(config).start() {
            tracing::error!(%error, "the demo's broker has ended");
        }
    })?;
    Ok(())
}
