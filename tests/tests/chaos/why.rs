//! FEATURES J3: the evidence of a change of grade, beside the running daemon; as a file by itself, without any; and as it
//! was kept when the public was told, once the journal has gone.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use watchfire_tests::harness::daemon::binary;
use watchfire_tests::harness::wait;

use super::site::Station;
use super::stage::{SOON, Stage};

fn why(arguments: &[&str]) -> Output {
    Command::new(binary()).arg("why").args(arguments).env("LC_ALL", "C").output().expect("the binary can be started")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_evidence_of_a_warning_makes_it_again_by_itself() {
    let mut stage = Stage::start(&[Station::alone("river"), Station::alone("fresh")]);
    let mut sensor = stage.sensor();
    for value in [1.0, 1.1, 1.0, 1.2, 45.0] {
        sensor.says("river", value);
    }
    stage.hears(SOON, "duty", "river", "warning.raised", "red");
    let warnings = stage.daemon.json("/api/v1/warnings");
    let id = warnings["items"][0]["id"].as_str().expect("a warning").to_owned();
    let data = stage.daemon.data_dir().display().to_string();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("evidence.json").display().to_string();

    let told = why(&["stage/river", "--data-dir", &data, "--bundle", &file]);
    assert!(told.status.success(), "{}", said(&told));
    for words in ["→ red", "river/stage = 45", "samples before it", "this evidence alone: the same"] {
        assert!(said(&told).contains(words), "{words}: {}", said(&told));
    }
    let by_id = why(&[&id, "--data-dir", &data]);
    assert!(by_id.status.success() && said(&by_id).contains("stage/river@"), "{}", said(&by_id));
    let unknown = why(&["stage/nobody", "--data-dir", &data]);
    assert!(!unknown.status.success() && said(&unknown).contains("no change of grade"), "{}", said(&unknown));

    // Through a kill and a restart it is still at hand.
    stage.daemon.kill();
    stage.daemon.run();
    stage.connected();
    let later = why(&["stage/river", "--data-dir", &data]);
    assert!(later.status.success(), "{}", said(&later));
    stage.fresh_crossing_passes(&mut sensor, "fresh");
    drop(stage);
    assert!(!Path::new(&data).exists(), "nothing is left but the file");

    let again = why(&["--replay", &file]);
    assert!(again.status.success() && said(&again).contains("the same"), "{}", said(&again));
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert!(text.len() < 50_000, "{} bytes", text.len());
    let falsified = text.replacen("45.0", "44.0", 1);
    assert_ne!(text, falsified);
    std::fs::write(&file, falsified).expect("it can be written");
    let refuted = why(&["--replay", &file]);
    assert_eq!(refuted.status.code(), Some(1), "{}", said(&refuted));
    assert!(said(&refuted).contains("NOT THE SAME"), "{}", said(&refuted));
}

#[test]
fn what_the_public_was_told_is_explained_when_the_journal_has_gone() {
    let mut stage = Stage::start(&[Station::alone("river"), Station::alone("fresh")]);
    let mut sensor = stage.calm(&["river", "fresh"]);
    sensor.says("river", 45.0);
    stage.hears(SOON, "public", "river", "warning.raised", "red");
    let warnings = stage.daemon.json("/api/v1/warnings");
    let id = warnings["items"][0]["id"].as_str().expect("a warning").to_owned();
    // It is kept some seconds after the bulletin has left.
    let kept = |stage: &Stage| stage.daemon.metric("watchfire_evidence_kept_total").unwrap_or_default();
    wait::within(Duration::from_secs(30), "the evidence to be kept", || (kept(&stage) > 0.5).then_some(()));
    sensor.says("river", 1.0);
    // That it fell is the last change of grade, and nothing that is kept by itself.
    wait::within(SOON, "the fall to be judged", || {
        (stage.daemon.json("/api/v1/alarms/stage/river")["judged"] != "red").then_some(())
    });
    assert!(stage.daemon.stop().success());

    let dir = stage.daemon.data_dir();
    let data = dir.display().to_string();
    for gone in ["journal", "snapshots", "revisions"] {
        let folder = dir.join(gone);
        std::fs::remove_dir_all(&folder).expect("it is there");
        std::fs::create_dir(&folder).expect("it can be made");
    }
    for what in [id.as_str(), "stage/river"] {
        let told = why(&[what, "--data-dir", &data]);
        assert!(told.status.success(), "{}", said(&told));
        for words in
            ["→ red", "river/stage = 45", "samples before it", "this evidence alone: the same", "beside the ledger"]
        {
            assert!(said(&told).contains(words), "{words}: {}", said(&told));
        }
    }
    // Nobody was told of this one in public: it is as gone as the journal.
    let gone = why(&["stage/river@1", "--data-dir", &data]);
    assert!(!gone.status.success(), "{}", said(&gone));
}
