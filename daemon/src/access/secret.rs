//! Secrets that we hand out (session keys, tokens, the first code) and what is kept of them: a digest, which proves the
//! secret and does not give it away.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::entropy::{self, NoEntropy};

/// The SHA-256 of a secret of ours. These have 256 random bits, so that nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of a secret as it was presented.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }
    /// Whether they are the same; takes as long either way.
    pub fn proves(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(digest)")
    }
}

/// A new secret for a header or a cookie. Its beginning tells scanners of leaked secrets what it is.
pub fn token() -> Result<String, NoEntropy> {
    Ok(format!("wf_{}", URL_SAFE_NO_PAD.encode(entropy::secret()?)))
}

/// Letters and digits that nobody takes for one another.
const LEGIBLE: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A new code to be typed: 100 random bits, in groups.
pub fn code() -> Result<String, NoEntropy> {
    let letters = entropy::secret()?.map(|byte| char::from(LEGIBLE[usize::from(byte % 32)]));
    let groups: Vec<String> = letters[..20].chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// A code as it was typed: without case, blanks and hyphens.
pub fn typed(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_a_digest_proves_only_its_own() {
        let (one, two) = (token().expect("chance"), token().expect("chance"));
        assert_ne!(one, two);
        assert!(one.len() > 40 && one.starts_with("wf_"), "{one}");
        assert!(Digest::of(&one).proves(&Digest::of(&one)) && !Digest::of(&one).proves(&Digest::of(&two)));
        assert_eq!(format!("{:?}", Digest::of(&one)), "(digest)");
    }

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = code().expect("chance");
        assert_eq!(code.len(), 23, "{code}");
        assert_eq!(typed(&code), typed(&format!(" {} ", code.to_lowercase().replace('-', " "))));
    }
}
