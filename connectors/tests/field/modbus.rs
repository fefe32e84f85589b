//! RELIABILITY B30–B35: devices that answer late, wrong, short, long, with exceptions, or not at all. No wrong value is
//! ever taken for right.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use watchfire_connectors::config::{ByteOrder, ModbusConfig, ModbusField, NumberType, Register};
use watchfire_connectors::link::GRACE;
use watchfire_connectors::source::modbus::poller;
use watchfire_model::id::{PointIx, SourceName};
use watchfire_model::quantity::Bad;
use watchfire_model::reading::PointState;
use watchfire_model::row::Row;

use crate::journal::{Journal, Running, surroundings, until, within};

/// One request, as the device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    tid: u16,
    unit: u8,
    function: u8,
    address: u16,
    count: u16,
}

/// What the device sends back; `None` keeps it silent.
type Answer = Arc<dyn Fn(Asked) -> Option<Vec<u8>> + Send + Sync>;

impl Asked {
    /// A frame: header as it should be, then `pdu`.
    fn frame(self, pdu: &[u8]) -> Vec<u8> {
        let length = u16::try_from(pdu.len() + 1).expect("a short answer");
        let mut frame = self.tid.to_be_bytes().to_vec();
        frame.extend_from_slice(&[0, 0]);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.push(self.unit);
        frame.extend_from_slice(pdu);
        frame
    }

    /// The right answer with these registers.
    fn registers(self, words: &[u16]) -> Vec<u8> {
        let mut pdu = vec![self.function, u8::try_from(2 * words.len()).expect("few registers")];
        words.iter().for_each(|word| pdu.extend_from_slice(&word.to_be_bytes()));
        self.frame(&pdu)
    }

    fn exception(self, code: u8) -> Vec<u8> {
        self.frame(&[self.function | 0x80, code])
    }
}

/// A device on a port of its own.
struct Device {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicU32>,
    _tasks: JoinSet<()>,
}

impl Device {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (asked, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU32::new(0)));
        let mut tasks = JoinSet::new();
        let (log, counted) = (Arc::clone(&asked), Arc::clone(&connections));
        tasks.spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                serving.spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { port, asked, connections, _tasks: tasks }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics here").clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, log: Arc<Mutex<Vec<Asked>>>) {
    let mut frame = [0; 12];
    while stream.read_exact(&mut frame).await.is_ok() {
        let word = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let asked = Asked { tid: word(0), unit: frame[6], function: frame[7], address: word(8), count: word(10) };
        log.lock().expect("no test panics here").push(asked);
        if let Some(bytes) = answer(asked)
            && stream.write_all(&bytes).await.is_err()
        {
            return;
        }
    }
}

fn field(point: u32, unit: u8, address: u16, kind: NumberType) -> ModbusField {
    ModbusField {
        point: PointIx(point),
        slave_id: unit,
        register: Register::Holding,
        address,
        kind,
        byte_order: ByteOrder::Abcd,
        scale: 1.0,
        offset: 0.0,
        sentinels: Vec::new(),
        state_address: None,
    }
}

fn house(port: u16, fields: Vec<ModbusField>) -> ModbusConfig {
    ModbusConfig {
        name: SourceName::from("pump-house"),
        host: "127.0.0.1".to_owned(),
        port,
        interval: Duration::from_millis(50),
        timeout: Duration::from_millis(150),
        max_gap: 8,
        pause_after_connect: Duration::ZERO,
        pause_between_requests: Duration::ZERO,
        fields: fields.into(),
    }
}

fn run(config: ModbusConfig) -> (Running, Journal) {
    let (around, journal) = surroundings("pump-house", "modbus", 64);
    let polled = poller(config, around.clone()).expect("a plan");
    (Running::one(&around, polled.run()), journal)
}

/// 1.25 and nothing else is right here.
const RIGHT: [u16; 2] = [0x3FA0, 0x0000];
/// What a wrong answer carries: a number that would be taken if anything wrong were.
const WRONG: [u16; 2] = [0x42C8, 0x0000];

/// B32, B33: each way of answering wrong, twice, before the right answer.
#[tokio::test]
async fn no_wrong_answer_is_taken_for_right() {
    type Reply = fn(Asked) -> Option<Vec<u8>>;
    let modes: [(&str, Reply); 18] = [
        ("silence", |_| None),
        ("another transaction", |asked| Some(Asked { tid: asked.tid.wrapping_add(1), ..asked }.registers(&WRONG))),
        ("the transaction before", |asked| Some(Asked { tid: asked.tid.wrapping_sub(1), ..asked }.registers(&WRONG))),
        ("another unit", |asked| Some(Asked { unit: asked.unit + 1, ..asked }.registers(&WRONG))),
        ("another function", |asked| Some(Asked { function: 4, ..asked }.registers(&WRONG))),
        ("too few registers", |asked| Some(asked.registers(&WRONG[..1]))),
        ("too many registers", |asked| Some(asked.registers(&[WRONG[0], WRONG[1], WRONG[0], WRONG[1]]))),
        ("no registers", |asked| Some(asked.registers(&[]))),
        ("a byte count too small", |asked| Some(asked.frame(&[3, 2, 0x42, 0xC8, 0, 0]))),
        ("a byte count too large", |asked| Some(asked.frame(&[3, 8, 0x42, 0xC8, 0, 0]))),
        ("an odd byte count", |asked| Some(asked.frame(&[3, 3, 0x42, 0xC8, 0]))),
        ("another protocol", |asked| {
            let mut frame = asked.registers(&WRONG);
            frame[3] = 1;
            Some(frame)
        }),
        ("cut short", |asked| Some(asked.registers(&WRONG)[..10].to_vec())),
        ("a length of 65535", |asked| {
            let mut frame = asked.registers(&WRONG);
            (frame[4], frame[5]) = (0xFF, 0xFF);
            Some(frame)
        }),
        ("a length of 0", |asked| {
            let mut frame = asked.registers(&WRONG);
            (frame[4], frame[5]) = (0, 0);
            Some(frame)
        }),
        ("rubbish before the frame", |asked| Some([&[0xAA; 5][..], &asked.registers(&WRONG)].concat())),
        ("two frames, the first one foreign", |asked| {
            let foreign = Asked { tid: asked.tid.wrapping_add(9), ..asked }.registers(&WRONG);
            Some([foreign, asked.registers(&WRONG)].concat())
        }),
        ("a write's answer", |asked| Some(asked.frame(&[6, 0, 0, 0x42, 0xC8]))),
    ];
    for (mode, reply) in modes {
        let answers = Arc::new(AtomicU32::new(0));
        let given = Arc::clone(&answers);
        let device = Device::start(Arc::new(move |asked| {
            if given.fetch_add(1, Ordering::Relaxed) < 2 { reply(asked) } else { Some(asked.registers(&RIGHT)) }
        }))
        .await;
        let (source, mut journal) = run(house(device.port, vec![field(0, 7, 100, NumberType::Float32)]));
        let reading = journal.reading().await;
        assert_eq!(reading.value.map(f64::from), Ok(1.25), "{mode}");
        assert_eq!(journal.reading().await.value.map(f64::from), Ok(1.25), "{mode}");
        assert_eq!(device.connections.load(Ordering::Relaxed), 3, "{mode}: each wrong answer costs its connection");
        source.stop().await;
    }
}

/// D7: an answer that comes after its time is nobody's answer.
#[tokio::test]
async fn a_late_answer_is_not_the_answer_to_the_next_question() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let (source, mut journal) = run(house(port, vec![field(0, 1, 0, NumberType::Float32)]));
    let mut frame = [0; 12];
    let (mut first, _) = within("a connection", listener.accept()).await.expect("a connection");
    within("a request", first.read_exact(&mut frame)).await.expect("a request");
    let late = Asked { tid: u16::from_be_bytes([frame[0], frame[1]]), unit: 1, function: 3, address: 0, count: 2 };
    // The source gives up and comes again; only then does the first answer go out, on both connections.
    let (mut second, _) = within("another connection", listener.accept()).await.expect("a connection");
    within("a request", second.read_exact(&mut frame)).await.expect("a request");
    drop(first.write_all(&late.registers(&WRONG)).await);
    let asked = Asked { tid: u16::from_be_bytes([frame[0], frame[1]]), ..late };
    second.write_all(&asked.registers(&RIGHT)).await.expect("the source listens");
    assert_eq!(journal.reading().await.value.map(f64::from), Ok(1.25));
    source.stop().await;
}

/// B30: an exception is the point's fault, told as such; the connection stays.
#[tokio::test]
async fn an_exception_is_the_points_fault() {
    let code = Arc::new(AtomicU32::new(0));
    let now = Arc::clone(&code);
    let device = Device::start(Arc::new(move |asked| {
        let code = u8::try_from(now.load(Ordering::Relaxed)).unwrap_or(0);
        Some(if code == 0 { asked.registers(&RIGHT) } else { asked.exception(code) })
    }))
    .await;
    let (source, mut journal) = run(house(device.port, vec![field(0, 1, 0, NumberType::Float32)]));
    assert_eq!(journal.reading().await.value.map(f64::from), Ok(1.25));
    for exception in [1, 2, 3, 4, 5, 6, 8, 10, 11, 77] {
        code.store(exception, Ordering::Relaxed);
        while journal.reading().await.value != Err(Bad::Refused) {}
        code.store(0, Ordering::Relaxed);
        while journal.reading().await.value.map(f64::from) != Ok(1.25) {}
    }
    assert_eq!(device.connections.load(Ordering::Relaxed), 1);
    source.stop().await;
}

/// DOMAIN §8.1: neighbours in one request; a block that is refused is read point by point from then on.
#[tokio::test]
async fn a_refused_block_is_read_apart_and_that_is_remembered() {
    let device = Device::start(Arc::new(|asked| {
        let refuses = asked.count > 2 || asked.address == 6;
        let words = vec![asked.address; usize::from(asked.count)];
        Some(if refuses { asked.exception(2) } else { asked.registers(&words) })
    }))
    .await;
    let fields = vec![
        field(0, 1, 0, NumberType::Uint16),
        ModbusField { state_address: Some(4), ..field(1, 1, 3, NumberType::Uint16) },
        field(2, 1, 6, NumberType::Uint16),
    ];
    let (source, mut journal) = run(house(device.port, fields));
    let mut readings = BTreeMap::new();
    for _ in 0..6 {
        let reading = journal.reading().await;
        readings.insert(reading.point.0, (reading.value.map(f64::from), reading.state));
    }
    assert_eq!(readings[&0], (Ok(0.0), PointState::Normal));
    // The status word 3 is 复电.
    assert_eq!(readings[&1], (Ok(3.0), PointState::Restored));
    assert_eq!(readings[&2].0, Err(Bad::Refused));
    let asked = device.asked();
    let shown: Vec<(u16, u16)> = asked.iter().take(7).map(|asked| (asked.address, asked.count)).collect();
    assert_eq!(shown, [(0, 7), (0, 1), (3, 2), (6, 1), (0, 1), (3, 2), (6, 1)]);
    source.stop().await;
}

/// B31: sixteen units on one bus, one of them dead: the others keep their interval, its points are told unreachable, and
/// it is heard again when it comes back.
#[tokio::test]
async fn a_dead_unit_starves_no_other() {
    let dead = Arc::new(AtomicU32::new(5));
    let now = Arc::clone(&dead);
    let device = Device::start(Arc::new(move |asked| {
        (u32::from(asked.unit) != now.load(Ordering::Relaxed)).then(|| asked.registers(&[u16::from(asked.unit)]))
    }))
    .await;
    let fields = (1..=16).map(|unit| field(u32::from(unit), unit, 0, NumberType::Uint16)).collect();
    let (source, mut journal) = run(house(device.port, fields));
    let mut down = journal.link().await;
    while down.up {
        down = journal.link().await;
    }
    assert_eq!(down.points, [PointIx(5)]);
    assert!(down.reason.starts_with("unit 5:"), "{}", down.reason);
    // From here on the dead unit is asked ever more seldom.
    let before = device.asked().len();
    let mut heard: BTreeMap<u32, u32> = BTreeMap::new();
    while heard.get(&1).copied().unwrap_or(0) < 20 {
        *heard.entry(journal.reading().await.point.0).or_default() += 1;
    }
    assert!(
        (1..=16).filter(|unit| *unit != 5).all(|unit| heard.get(&unit).is_some_and(|times| *times >= 19)),
        "{heard:?}"
    );
    let questions = device.asked()[before..].iter().filter(|asked| asked.unit == 5).count();
    assert!(questions <= 6, "asked {questions} times in 20 rounds");
    dead.store(0, Ordering::Relaxed);
    let up = journal.link().await;
    assert!(up.up && up.points == [PointIx(5)], "{up:?}");
    source.stop().await;
}

/// Listens as the one device, and answers one request rightly. What it listens with is kept for as long as it is there.
async fn answers_once(port: u16) -> (TcpListener, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is still free");
    let (mut stream, _) = within("a connection", listener.accept()).await.expect("a connection");
    let mut frame = [0; 12];
    within("a request", stream.read_exact(&mut frame)).await.expect("a request");
    let tid = u16::from_be_bytes([frame[0], frame[1]]);
    let asked = Asked { tid, unit: 1, function: 3, address: 0, count: 2 };
    stream.write_all(&asked.registers(&RIGHT)).await.expect("the source listens");
    (listener, stream)
}

/// B34: the device goes away and comes back; what was told down is told up.
#[tokio::test]
async fn a_device_that_goes_away_is_connected_again() {
    let port = crate::broker::free_port();
    let (source, mut journal) = run(house(port, vec![field(0, 1, 0, NumberType::Float32)]));
    let down = journal.link().await;
    assert!(!down.up && down.reason.contains("connect"), "{}", down.reason);
    let device = answers_once(port).await;
    assert!(journal.link().await.up);
    assert_eq!(journal.reading().await.value.map(f64::from), Ok(1.25));

    // Back at once, it was never gone.
    drop(device);
    until("the connection to be missed", || !source.health.connected.load(Ordering::Relaxed)).await;
    let device = answers_once(port).await;
    let next = journal.pending().await;
    assert!(matches!(next.rows[..], [Row::Reading(_)]), "only the reading is told: {:?}", next.rows);
    // Away for longer, it is.
    drop(device);
    until("the connection to be missed", || !source.health.connected.load(Ordering::Relaxed)).await;
    let gone = Instant::now();
    let down = journal.link().await;
    assert!(!down.up && down.reason.contains("connect"), "{}", down.reason);
    let told = gone.elapsed();
    assert!(told < 2 * GRACE, "told after {told:?}");
    source.stop().await;
}

/// B35: a device's answers are one commit.
#[tokio::test]
async fn a_device_is_one_commit() {
    let device = Device::start(Arc::new(|asked| Some(asked.registers(&vec![7; usize::from(asked.count)])))).await;
    let fields = (0..4).map(|n| field(u32::from(n), 1, n * 100, NumberType::Uint16)).collect();
    let (source, mut journal) = run(house(device.port, fields));
    assert!(journal.link().await.up);
    let pending = journal.pending().await;
    assert_eq!(pending.rows.iter().filter(|row| matches!(row, Row::Reading(_))).count(), 4);
    source.stop().await;
}
