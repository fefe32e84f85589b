//! The console on a made-up county, for working on the screens: `cargo run -p watchfire --example console [ADDRESS]`.
//! Acts are answered as the daemon answers them; `--quiet` shows a county without a warning, `--real` one that is in
//! service.

#[path = "../tests/seen/county/mod.rs"]
mod county;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;
use watchfire::access::Access;
use watchfire::api::{self, Api, Sample};
use watchfire::metrics::Metrics;
use watchfire::views::DeskView;
use watchfire_model::id::PointIx;
use watchfire_model::quality::Flag;
use watchfire_model::time::{Now, Span, Steady, Timestamp};

use county::{County, NOW, Night, heard, obey};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked_for = |word: &str| words.iter().any(|known| known == word);
    let address = words.iter().find(|word| !word.starts_with("--")).map_or("127.0.0.1:8420", String::as_str);
    let County { views, desk, mut asked } = County::new(!asked_for("--real"));
    if asked_for("--quiet") {
        desk.send_modify(|view| {
            let mut calm = DeskView::clone(view);
            calm.version += 1;
            calm.alarms.clear();
            calm.warnings.drain(..4);
            *view = Arc::new(calm);
        });
    }
    let begun = Instant::now();
    let clock = move || NOW + Span(i64::try_from(begun.elapsed().as_millis()).unwrap_or(0));
    let later: Arc<Mutex<Vec<(PointIx, Sample)>>> = Arc::default();
    let served = Api {
        views: views.clone(),
        metrics: Arc::new(Metrics::new()),
        history: Arc::new(Night(Arc::clone(&later))),
        clock: Arc::new(clock),
        access: Arc::new(Access::demo(Arc::new(|| Now { wall: NOW, steady: Steady(0) }))),
        first_code: None,
        stop: CancellationToken::new(),
    };
    let listener = TcpListener::bind(address).await?;
    eprintln!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        let mut done = BTreeMap::new();
        while let Some(command) = asked.recv().await {
            obey(&mut done, &desk, command);
        }
    });
    tokio::spawn(async move {
        let mut seconds = interval(Duration::from_secs(1));
        for n in 0_u32.. {
            seconds.tick().await;
            river_rises(&views.latest, &later, clock(), f64::from(n));
        }
    });
    api::serve(listener, served).await
}

fn river_rises(
    latest: &watchfire::views::LatestTable,
    later: &Mutex<Vec<(PointIx, Sample)>>,
    at: Timestamp,
    second: f64,
) {
    for (ix, level, speed) in [(0, 54.47, 0.002), (1, 38.31, -0.0005), (6, 2.4, 0.001)] {
        let value = ((level + speed * second + (second * 0.7).sin() * 0.01) * 100.0_f64).round() / 100.0;
        latest.write([(PointIx(ix), heard(at, value))]);
        let mut later = later.lock().expect("nobody panics while holding it");
        // An hour of it is enough to look at.
        if later.len() < 10_000 {
            later.push((PointIx(ix), Sample { at, value: Some(value), flag: Flag::Good }));
        }
    }
}
