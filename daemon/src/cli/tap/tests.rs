use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use watchfire_connectors::source::SOURCES;

use super::{Ended, Printer, Tap, TapArgs, Wish};
use crate::cli::{ConfigPath, Format, Style};
use crate::clock::Clock;
use crate::config;
use crate::config::settings::Settings;
use crate::entropy::Entropy;

const HOUSE: &str = r#"
[site]
name = "tap"
authority = "county"
issuer = "某县"
sender = "tap.example.org"
zone = "Asia/Shanghai"

[[area]]
id = "430000000000"
name = "某县"

[[station]]
id = "qingshi"
name = "青石"
area = "430000000000"
lat = 25.2
lon = 111.6
[[station.point]]
id = "stage"
quantity = "stage"
unit = "m"
interval = "5m"
range = ["0 m", "60 m"]
[[station.point]]
id = "rain"
quantity = "rain"
unit = "mm"
interval = "5m"
"#;

/// What was printed.
#[derive(Clone, Default)]
struct Sheet(Rc<RefCell<Vec<u8>>>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.borrow_mut(), bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn settings(connectors: &str) -> Settings {
    let folder = Path::new(".");
    match config::load_str(&format!("{HOUSE}\n{connectors}"), folder) {
        Ok(settings) => settings,
        Err(problems) => panic!("{problems}"),
    }
}

/// Taps once; gives how it ended and what was printed.
async fn tapped(settings: &Settings, glob: Option<&str>, output: Format) -> (Vec<Ended>, String) {
    let args = TapArgs {
        glob: glob.map(str::to_owned),
        once: true,
        config: ConfigPath::default(),
        style: Style { output, lang: None },
    };
    let sheet = Sheet::default();
    let printer = RefCell::new(Printer::new(settings, output, Box::new(sheet.clone())));
    let tap = Tap { settings, args: &args, clock: Clock::system(None), entropy: Entropy::seeded(1), printer };
    let wish = Wish::new(glob, settings);
    let mut ended = Vec::new();
    let all = async {
        for broker in settings.mqtt.iter().filter(|broker| wish.opens_broker(broker)) {
            ended.push(tap.broker(broker, &wish).await.expect("a sound configuration"));
        }
        for devices in &settings.modbus {
            let fields: Vec<_> = wish.fields(devices).collect();
            if !fields.is_empty() {
                ended.push(tap.devices(devices, fields).await.expect("a sound configuration"));
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("once is once");
    let printed = String::from_utf8(sheet.0.borrow().clone()).expect("what is printed is text");
    (ended, printed)
}

/// A broker that takes one client and sends these packets; hears that the session is clean and the id not the daemon's.
async fn broker(packets: Vec<(&'static str, &'static str)>) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.expect("CONNECT");
        let mut connect = vec![0; usize::from(head[1])];
        stream.read_exact(&mut connect).await.expect("CONNECT");
        assert_eq!(connect[7] & 2, 2, "a clean session");
        let id = String::from_utf8_lossy(&connect[12..]).into_owned();
        assert!(id.starts_with("watchfire-tap-"), "{id}");
        stream.write_all(&[0x20, 2, 0, 0]).await.expect("the client listens");
        stream.read_exact(&mut head).await.expect("SUBSCRIBE");
        let mut subscribe = vec![0; usize::from(head[1])];
        stream.read_exact(&mut subscribe).await.expect("SUBSCRIBE");
        stream.write_all(&[0x90, 3, subscribe[0], subscribe[1], 1]).await.expect("the client listens");
        for (topic, payload) in packets {
            let length = u8::try_from(2 + topic.len() + payload.len()).expect("a short message");
            let mut packet = vec![0x30, length, 0, u8::try_from(topic.len()).expect("a short topic")];
            packet.extend_from_slice(topic.as_bytes());
            packet.extend_from_slice(payload.as_bytes());
            stream.write_all(&packet).await.expect("the client listens");
        }
        // Until the client has gone.
        while stream.read(&mut head).await.is_ok_and(|bytes| bytes > 0) {}
    });
    (port, serving)
}

fn county(port: u16) -> Settings {
    settings(&format!(
        "[[connectors.mqtt]]\nname = \"county\"\nclient_id = \"the-daemons\"\nservers = [\"tcp://127.0.0.1:{port}\"]\n\
         topics = [{{ topic = \"rtu/#\", codec = \"named\" }}]\n"
    ))
}

#[tokio::test]
async fn what_comes_is_shown_raw_decoded_and_judged() {
    let (port, serving) = broker(vec![
        ("rtu/b", r#"{"id":"who","v":1}"#),
        ("rtu/a", r#"[{"id":"qingshi/stage","v":99},{"id":"qingshi/rain","v":null},{"id":"who"}]"#),
    ])
    .await;
    let (ended, printed) = tapped(&county(port), Some("rtu/a"), Format::Table).await;
    assert_eq!(ended, [Ended::Heard]);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].contains("county rtu/a [{\"id\":\"qingshi/stage\",\"v\":99}"), "{printed}");
    assert!(lines[1].starts_with("    qingshi/stage = 99 m  [fail, range"), "{printed}");
    assert!(lines[2].starts_with("    qingshi/rain = absent  [missing"), "{printed}");
    assert_eq!(lines[3], "    refused: no point is bound to this name");
    serving.await.expect("the broker had no complaint");
}

#[tokio::test]
async fn one_json_object_a_line() {
    let (port, serving) = broker(vec![("rtu/a", r#"{"id":"qingshi/stage","v":3.5}"#)]).await;
    let (_, printed) = tapped(&county(port), Some("*/stage"), Format::Json).await;
    let line: serde_json::Value = serde_json::from_str(&printed).expect("one JSON object");
    assert_eq!(line["readings"][0]["point"], "qingshi/stage");
    assert_eq!(line["readings"][0]["value"], 3.5);
    assert_eq!(line["readings"][0]["flag"], "not_evaluated");
    assert_eq!(line["raw"], r#"{"id":"qingshi/stage","v":3.5}"#);
    serving.await.expect("the broker had no complaint");
}

#[tokio::test]
async fn who_is_not_there_is_unreachable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let (ended, printed) = tapped(&county(port), None, Format::Csv).await;
    assert_eq!((ended, printed.as_str()), (vec![Ended::Unreachable], ""));
}

#[tokio::test]
async fn a_device_is_shown_with_its_registers() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let mut asked = [0; 12];
        while stream.read_exact(&mut asked).await.is_ok() {
            let answer = [&asked[..5], &[7, asked[6], 3, 4, 0x40, 0x60, 0, 0][..]].concat();
            stream.write_all(&answer).await.expect("the client listens");
        }
    });
    let site = settings(&format!(
        "[[connectors.modbus]]\nname = \"pumps\"\ncontroller = \"tcp://127.0.0.1:{port}\"\n\
         fields = [{{ point = \"qingshi/stage\", register = \"holding\", address = 4, type = \"FLOAT32\" }}]\n"
    ));
    let (ended, printed) = tapped(&site, Some("pumps"), Format::Table).await;
    assert_eq!(ended, [Ended::Heard]);
    assert!(printed.contains("pumps unit 1 holding 4 4060 0000\n    qingshi/stage = 3.5 m"), "{printed}");
    serving.await.expect("the device had no complaint");
}

#[test]
fn the_example_of_every_source_is_a_sound_configuration() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("mqtt.password"), "secret\n").expect("it can be written");
    std::fs::write(folder.path().join("ca.pem"), "").expect("it can be written");
    for source in SOURCES {
        let house = HOUSE.replace("qingshi", "pump-house").replace("\"stage\"\nquantity", "\"level\"\nquantity");
        let text = format!("{house}\n{}", source.example);
        let examined = config::examine_str("example.toml", &text, folder.path());
        assert!(!examined.problems.has_errors(), "{}: {}", source.name, examined.problems);
    }
}
