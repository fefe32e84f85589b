//! Which file of the console is at a path?

use crate::Asset;

macro_rules! asset {
    ($file:literal, $kind:literal) => {{
        const BYTES: &[u8] = include_bytes!(concat!("../console/dist/", $file));
        const TAG: u64 = fingerprint(BYTES);
        Asset { bytes: BYTES, kind: $kind, tag: TAG }
    }};
}

/// The console's file at a path, such as `/console.js`; `/` is its page.
pub fn console(path: &str) -> Option<Asset> {
    match path {
        "/" | "/index.html" => Some(asset!("index.html", "text/html; charset=utf-8")),
        "/console.js" => Some(asset!("console.js", "text/javascript; charset=utf-8")),
        "/console.css" => Some(asset!("console.css", "text/css; charset=utf-8")),
        "/licenses.txt" => Some(asset!("licenses.txt", "text/plain; charset=utf-8")),
        "/icon.svg" => Some(asset!("icon.svg", "image/svg+xml")),
        _ => None,
    }
}

/// FNV-1a, 64 bits: tells two versions of our own files apart, and nothing more.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests;
