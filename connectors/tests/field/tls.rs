//! TLS with authorities of our own, certificates on both sides, and passwords; what is not right stays outside.

use std::path::Path;
use std::sync::atomic::Ordering;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use watchfire_connectors::config::{Secret, TlsConfig};
use watchfire_connectors::link::mqtt::LinkError;
use watchfire_connectors::source::mqtt;

use crate::broker::Broker;
use crate::journal::{Running, county, surroundings};

/// An authority in `folder/name.pem`, with `folder/name-{server,client}.{pem,key}` signed by it.
fn authority(folder: &Path, name: &str) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names are sound names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority signs itself");
    std::fs::write(folder.join(format!("{name}.pem")), issuer.pem()).expect("the folder can be written");
    for role in ["server", "client"] {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a sound name");
        params.distinguished_name.push(rcgen::DnType::CommonName, role);
        let signed = params.signed_by(&key, &issuer).expect("an authority signs");
        std::fs::write(folder.join(format!("{name}-{role}.pem")), signed.pem()).expect("the folder can be written");
        std::fs::write(folder.join(format!("{name}-{role}.key")), key.serialize_pem())
            .expect("the folder can be written");
    }
}

fn files(folder: &Path, ca: &str, client: Option<&str>) -> TlsConfig {
    TlsConfig {
        ca_file: Some(folder.join(format!("{ca}.pem"))),
        cert_file: client.map(|name| folder.join(format!("{name}-client.pem"))),
        key_file: client.map(|name| folder.join(format!("{name}-client.key"))),
    }
}

#[tokio::test]
async fn only_who_is_right_on_both_sides_is_connected() {
    let folder = tempfile::tempdir().expect("a folder for certificates");
    let at = folder.path();
    authority(at, "ours");
    authority(at, "theirs");
    let passwords = at.join("passwords");
    let made = std::process::Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["station", "right"])
        .status()
        .expect("mosquitto_passwd is installed with mosquitto");
    assert!(made.success());
    let more = format!(
        "allow_anonymous false\npassword_file {}\ncafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
        passwords.display(),
        at.join("ours.pem").display(),
        at.join("ours-server.pem").display(),
        at.join("ours-server.key").display()
    );
    let broker = Broker::with(&more).await;
    for (tls, password, refused) in [
        (Some(files(at, "ours", Some("ours"))), "right", None),
        (Some(files(at, "ours", Some("ours"))), "wrong", Some("NotAuthorized")),
        (Some(files(at, "theirs", Some("ours"))), "right", Some("UnknownIssuer")),
        (Some(files(at, "ours", Some("theirs"))), "right", Some("")),
        (Some(files(at, "ours", None)), "right", Some("")),
        (None, "right", Some("")),
    ] {
        let (around, mut journal) = surroundings("county", "mqtt", 64);
        let mut config = county(broker.port, 1);
        config.tls = tls.clone();
        config.username = Some("station".to_owned());
        config.password = Some(Secret::new(password.to_owned()));
        let source = Running::mqtt(config, around);
        let change = journal.link().await;
        match refused {
            None => assert!(change.up, "{tls:?}: {}", change.reason),
            Some(reason) => {
                assert!(!change.up && change.reason.contains(reason), "{tls:?} {password}: {}", change.reason);
                assert!(!change.reason.contains(password));
            }
        }
        assert_eq!(source.health.connected.load(Ordering::Relaxed), refused.is_none());
        source.stop().await;
    }
}

#[tokio::test]
async fn files_that_are_not_there_are_told_before_anything_opens() {
    let folder = tempfile::tempdir().expect("a folder for certificates");
    authority(folder.path(), "ours");
    std::fs::write(folder.path().join("empty.pem"), "").expect("the folder can be written");
    let half = TlsConfig { key_file: None, ..files(folder.path(), "ours", Some("ours")) };
    for (tls, words) in [
        (files(folder.path(), "nobody", None), "nobody.pem"),
        (files(folder.path(), "empty", None), "no certificate"),
        (half, "go together"),
    ] {
        let (around, _journal) = surroundings("county", "mqtt", 64);
        let mut config = county(1, 1);
        config.tls = Some(tls);
        match mqtt::parts(config, around) {
            Err(LinkError::Tls { source, .. }) => assert!(source.to_string().contains(words), "{source}"),
            other => panic!("expected a refusal with \"{words}\", got {other:?}"),
        }
    }
}
