use proptest::prelude::{any, proptest};
use watchfire_model::id::{PointIx, SourceName};
use watchfire_model::quantity::Bad;
use watchfire_model::reading::PointState;
use watchfire_model::time::{Timestamp, Zone};

use super::{CODECS, Decoder};
use crate::config::{Codec, MqttBinding, MqttConfig, Subscription};
use crate::payload::scan::Scan;
use crate::payload::{Decoded, MAX_READINGS, Message, Refusal, time};

const RECEIVED: Timestamp = Timestamp(1_785_565_927_000);

fn binding(point: u32) -> MqttBinding {
    MqttBinding {
        point: PointIx(point),
        topic: None,
        pointer: None,
        state_pointer: None,
        key: None,
        scale: 1.0,
        offset: 0.0,
        sentinels: Vec::new(),
    }
}

fn decoder(subscriptions: Vec<(&str, Codec)>, bindings: Vec<MqttBinding>) -> Decoder {
    let subscriptions = subscriptions
        .into_iter()
        .map(|(filter, codec)| Subscription { filter: filter.to_owned(), qos: 1, codec })
        .collect();
    let config = MqttConfig {
        name: SourceName::from("test"),
        host: String::new(),
        port: 0,
        tls: None,
        client_id: String::new(),
        username: None,
        password: None,
        keep_alive: std::time::Duration::ZERO,
        max_packet_bytes: 0,
        subscriptions,
        bindings: bindings.into(),
    };
    Decoder::new(&config, Zone { name: "Asia/Shanghai".to_owned(), offsets: vec![(Timestamp(0), 28_800)] })
}

/// `sensors/#` named; `rtu/+` and `rtu/nested` JSON; `plain/+` scalar.
fn house() -> Decoder {
    let named = Codec::Named {
        id: "/id".to_owned(),
        value: "/v".to_owned(),
        time: Some("/ts".to_owned()),
        state: Some("/state".to_owned()),
    };
    decoder(
        vec![("sensors/#", named), ("rtu/+", Codec::Json { time: Some("/ts".to_owned()) }), ("plain/+", Codec::Scalar)],
        vec![
            MqttBinding { key: Some("s000042".into()), ..binding(42) },
            MqttBinding { key: Some("7".into()), ..binding(7) },
            MqttBinding { key: Some("own".into()), topic: Some("sensors/own".into()), ..binding(8) },
            MqttBinding { topic: Some("rtu/+".into()), pointer: Some("/level".into()), ..binding(1) },
            MqttBinding {
                topic: Some("rtu/nested".into()),
                pointer: Some("/values/pore~1pressure/0".into()),
                state_pointer: Some("/values/state".into()),
                ..binding(2)
            },
            MqttBinding {
                topic: Some("plain/a".into()),
                scale: 0.1,
                offset: 2.0,
                sentinels: vec![-9_999.0, 32_767.0],
                ..binding(3)
            },
        ],
    )
}

fn decode(topic: &str, payload: &[u8]) -> Decoded {
    let mut out = Decoded::default();
    house().decode(&Message { topic, payload, received_at: RECEIVED, retained: false }, &mut out);
    out
}

/// Readings as `point=value@ms`, then complaints.
fn shown(decoded: &Decoded) -> String {
    let mut words: Vec<String> = decoded
        .readings
        .iter()
        .map(|reading| {
            let value = match reading.value {
                Ok(value) => value.get().to_string(),
                Err(bad) => bad.word().to_owned(),
            };
            let at =
                if reading.observed_at == RECEIVED { String::new() } else { format!("@{}", reading.observed_at.0) };
            let state =
                if reading.state == PointState::Normal { String::new() } else { format!("!{:?}", reading.state) };
            format!("{}={value}{state}{at}", reading.point.0)
        })
        .collect();
    words.extend(decoded.complaints.iter().map(|doubt| format!("{:?}", doubt.why)));
    words.join(" ")
}

#[test]
fn payloads_become_readings_and_complaints() {
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    for (topic, payload, expected) in [
        ("sensors/s000042", r#"{"id":"s000042","v":23.4,"ts":1732400000123}"#, "42=23.4@1732400000123"),
        (
            "sensors/x",
            r#" { "x" : [ {}, "\u00e9\n" ], "id" : 7, "v" : "1.5e1", "ts" : "2024-11-24 06:13:20" } "#,
            "7=15@1732400000000",
        ),
        (
            "sensors/all",
            r#"[{"id":"s000042","v":1,"ts":1732400000000},{"id":"7","v":2,"ts":1732400000},{"id":"who","v":3}]"#,
            "42=1@1732400000000 7=2@1732400000000 UnknownKey",
        ),
        ("sensors/x", r#"{"id":"7","v":null,"ts":1732400000}"#, "7=absent@1732400000000"),
        ("sensors/x", r#"{"id":"7","ts":1732400000}"#, "7=absent@1732400000000"),
        ("sensors/x", r#"{"id":"7","ts":1732400000,"state":4}"#, "7=device_fault!BrokenLine@1732400000000"),
        ("sensors/x", r#"{"id":"7","v":4,"ts":1732400000,"state":5}"#, "7=4!OverRange@1732400000000"),
        ("sensors/x", r#"{"id":"7","v":4,"ts":1732400000,"state":77}"#, "7=4!SensorFault@1732400000000 State"),
        ("sensors/x", r#"{"id":"7","v":4}"#, "7=4 Time"),
        ("sensors/x", r#"{"id":"7","v":4,"ts":"soon"}"#, "7=4 Time"),
        ("sensors/x", r#"{"v":4}"#, "NoKey"),
        ("sensors/own", r#"{"id":"own","v":4,"ts":0}"#, "8=4@0"),
        ("sensors/other", r#"{"id":"own","v":4,"ts":0}"#, "ForeignTopic"),
        ("sensors/x", r#"{"id":"7","v":1,"v":2,"ts":0}"#, "RepeatedKey"),
        ("sensors/x", r#"[{"id":"7","v":1,"ts":0},{"id":"7","v":2"#, "NotJson"),
        ("sensors/x", r#"{"id":"7","v":1,"ts":0} x"#, "NotJson"),
        ("sensors/x", r#"{"id":"7","v":01,"ts":0}"#, "NotJson"),
        ("sensors/x", r#"{"id":"7","v":1,}"#, "NotJson"),
        ("sensors/x", "", "NotJson"),
        ("sensors/x", &deep, "TooDeep"),
        ("sensors/x", "[]", ""),
        ("rtu/a", r#"{"level":3.21,"ts":1767225600000}"#, "1=3.21@1767225600000"),
        (
            "rtu/a",
            r#"[{"ts":1767225600,"level":1},{"ts":1767225660,"level":2}]"#,
            "1=1@1767225600000 1=2@1767225660000",
        ),
        ("rtu/a", r#"{"rain":3.21,"ts":1767225600000}"#, "NothingBound"),
        (
            "rtu/nested",
            r#"{"ts":0,"level":5,"values":{"pore/pressure":[7.5,9],"state":8}}"#,
            "2=7.5!Calibrating@0 1=5@0",
        ),
        ("rtu/nested", r#"{"ts":0,"level":5}"#, "1=5@0 NothingBound"),
        ("plain/a", "12.5", "3=3.25"),
        ("plain/a", " \"12.5\"\n", "3=3.25"),
        ("plain/a", "-9999", "3=sentinel"),
        ("plain/a", "", "3=absent"),
        ("plain/a", "dry", "3=wrong_type"),
        ("plain/b", "1", "UnknownTopic"),
        ("elsewhere", "1", "UnknownTopic"),
    ] {
        assert_eq!(shown(&decode(topic, payload.as_bytes())), expected, "{topic} {payload}");
    }
    assert_eq!(shown(&decode("plain/a", &[0xff, 0xfe])), "NotUtf8");
}

/// The corpus of RELIABILITY F10: what is no number is known to have been sent, and is never a number.
#[test]
fn what_is_no_number_stays_none() {
    for (written, expected) in [
        ("NaN", Err(Bad::NotANumber)),
        ("\"NaN\"", Err(Bad::NotANumber)),
        ("\"nan\"", Err(Bad::NotANumber)),
        ("Infinity", Err(Bad::Infinite)),
        ("-Infinity", Err(Bad::Infinite)),
        ("\"inf\"", Err(Bad::Infinite)),
        ("\"-infinity\"", Err(Bad::Infinite)),
        ("1e999", Err(Bad::Overflow)),
        ("-1e999", Err(Bad::Overflow)),
        ("\"1e999\"", Err(Bad::Overflow)),
        ("null", Err(Bad::Absent)),
        ("\"\"", Err(Bad::Absent)),
        ("\"--\"", Err(Bad::WrongType)),
        ("true", Err(Bad::WrongType)),
        ("{}", Err(Bad::WrongType)),
        ("[1]", Err(Bad::WrongType)),
        ("1e308", Ok(1e308)),
        ("-0", Ok(0.0)),
        ("-0.0", Ok(0.0)),
        ("5e-324", Ok(5e-324)),
        ("9223372036854775807", Ok(9_223_372_036_854_775_807.0)),
        ("18446744073709551615", Ok(18_446_744_073_709_551_615.0)),
        ("-9223372036854775808", Ok(-9_223_372_036_854_775_808.0)),
        ("\" 3.5 \"", Ok(3.5)),
    ] {
        let payload = format!(r#"{{"id":"7","v":{written},"ts":1732400000}}"#);
        let decoded = decode("sensors/x", payload.as_bytes());
        assert_eq!(decoded.readings.len(), 1, "{written}");
        let value = decoded.readings[0].value.map(|value| value.get().to_bits());
        assert_eq!(value, expected.map(f64::to_bits), "{written}");
    }
}

#[test]
fn one_message_is_bounded() {
    let element = r#"{"id":"7","v":1,"ts":0}"#;
    let whole = format!("[{}]", vec![element; MAX_READINGS].join(","));
    assert_eq!(decode("sensors/x", whole.as_bytes()).readings.len(), MAX_READINGS);
    let more = format!("[{}]", vec![element; MAX_READINGS + 1].join(","));
    assert_eq!(shown(&decode("sensors/x", more.as_bytes())), "TooMany");
    let unknown = format!("[{}]", vec![r#"{"id":"who"}"#; 10_000].join(","));
    let decoded = decode("sensors/x", unknown.as_bytes());
    assert_eq!((decoded.complained, decoded.complaints.len()), (10_000, 4));
    assert!(decoded.complaints.iter().all(|doubt| doubt.why == Refusal::UnknownKey));
}

#[test]
fn every_codec_reads_its_example() {
    for codec in CODECS {
        let (subscribed, bound) = match codec.name {
            "scalar" => (Codec::Scalar, binding(0)),
            "json" => (
                Codec::Json { time: Some("/ts".to_owned()) },
                MqttBinding { pointer: Some("/values/level".into()), ..binding(0) },
            ),
            "named" => (
                Codec::Named {
                    id: "/id".to_owned(),
                    value: "/v".to_owned(),
                    time: Some("/ts".to_owned()),
                    state: None,
                },
                MqttBinding { key: Some("s000042".into()), ..binding(0) },
            ),
            other => panic!("the codec {other} has no example here"),
        };
        let bound = MqttBinding { topic: Some("any".into()), ..bound };
        let mut out = Decoded::default();
        let message =
            Message { topic: "any", payload: codec.example.as_bytes(), received_at: RECEIVED, retained: true };
        decoder(vec![("any", subscribed)], vec![bound]).decode(&message, &mut out);
        assert_eq!((out.readings.len(), out.complained), (1, 0), "{}", codec.name);
        assert!(out.readings[0].value.is_ok() && out.readings[0].retained, "{}", codec.name);
    }
}

/// Whether the scanner reads the whole of a text as one JSON value.
fn is_json(text: &str) -> bool {
    let mut scan = Scan::new(text);
    let Ok(token) = scan.value() else { return false };
    scan.skip(&token).is_ok() && scan.end().is_ok()
}

proptest! {
    #[test]
    fn no_bytes_do_harm(topic in "(sensors|rtu|plain)/(a|nested|x)", payload in any::<Vec<u8>>()) {
        decode(&topic, &payload);
    }

    #[test]
    fn almost_json_does_no_harm(payload in "[\\[\\]{}:,\"\\\\a-f0-9.eE+tnul -]{0,60}") {
        let decoded = decode("sensors/x", payload.as_bytes());
        proptest::prop_assert!(decoded.readings.iter().all(|r| r.value.is_err() || r.value.is_ok_and(|v| v.get().is_finite())));
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&payload).is_ok();
        proptest::prop_assert_eq!(is_json(&payload), theirs);
    }

    #[test]
    fn every_json_text_is_walked(value in json()) {
        let text = value.to_string();
        proptest::prop_assert!(is_json(&text));
        proptest::prop_assert!(is_json(&serde_json::to_string_pretty(&value).expect("it is JSON")));
        if let Some(end) = (1..text.len()).rev().find(|end| text.is_char_boundary(*end)) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text[..end]).is_ok();
            proptest::prop_assert_eq!(is_json(&text[..end]), theirs);
        }
    }

    #[test]
    fn what_was_encoded_is_decoded(value in any::<f64>(), ms in 100_000_000_000_i64..99_999_999_999_999, text in any::<String>()) {
        // A strange key, and none of those that are read.
        let strange = format!("x{text}");
        let payload = serde_json::json!({ "note": text, "id": "s000042", "v": value, "ts": ms, strange.as_str(): 1 });
        let decoded = decode("sensors/x", payload.to_string().as_bytes());
        proptest::prop_assert_eq!(decoded.readings.len(), 1);
        let reading = decoded.readings[0];
        if value.is_finite() {
            proptest::prop_assert_eq!(reading.value.map(|v| v.get().to_bits()), Ok((value + 0.0).to_bits()));
        } else {
            proptest::prop_assert_eq!(reading.value, Err(Bad::Absent));
        }
        proptest::prop_assert_eq!(reading.observed_at, Timestamp(ms));
    }

    #[test]
    fn any_text_is_a_time_or_none(text in any::<String>(), digits in "[0-9:TZ+. /-]{0,40}") {
        for text in [text, digits] {
            time::from_number(&text);
            time::from_text(&text, &Zone::default());
        }
    }
}

fn json() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::{Just, Strategy, prop_oneof};
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
