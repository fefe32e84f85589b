//! Record, then act: what has been synced to disk is a different type from what has not.

/// A `T` that is on disk. Only the journal and the ledger make one.
#[derive(Clone, Debug)]
pub struct Durable<T>(T);

/// The proof that a log has synced. Named only in `daemon/src/storage/{journal,ledger}.rs`; a tidy test holds it.
#[derive(Debug)]
pub struct Synced(());

impl Synced {
    /// States that everything the caller is about to wrap has been synced to disk by it.
    pub const fn by_this_log() -> Self {
        Self(())
    }
}

impl<T> Durable<T> {
    /// Wraps what `_proof`'s maker has synced.
    pub const fn new(value: T, _proof: &Synced) -> Self {
        Self(value)
    }
    /// What is on disk.
    pub const fn get(&self) -> &T {
        &self.0
    }
    /// Takes it out.
    pub fn into_inner(self) -> T {
        self.0
    }
    /// Something made of it alone is as durable as it is.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Durable<U> {
        Durable(f(self.0))
    }
}
